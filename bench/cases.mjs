// The cases, written once for the floor, Queuack and its peers: each is a function of a session.
import { percentile, timed } from "./measure.mjs";
import { startPacer } from "./pacer.mjs";

/**
 * One system under test.
 * @typedef {object} System
 * @property {string} name
 * @property {"full" | "kill" | "none"} durability full: an acknowledged job survives a power cut; kill: a killed process or server
 * @property {string} version of the package, and of its server
 * @property {string} settings what was set, for the table
 * @property {() => Promise<string | undefined>} missing why it can't run here; undefined when it can
 * @property {import("./servers/servers.mjs").Server} [server] what it needs beside its package
 * @property {(servers?: unknown) => Promise<Session>} open a fresh, empty queue
 */

/**
 * A queue of a system.
 * @typedef {object} Session
 * @property {(input: object) => Promise<unknown>} enqueue resolves when acknowledged
 * @property {((inputs: object[]) => Promise<unknown>) | undefined} enqueueMany
 * @property {(concurrency: number, handler: (input: any) => void | Promise<void>) => Promise<() => Promise<void>>} work begins; returns the stop
 * @property {(() => Promise<unknown>) | undefined} [settled] resolves when the outcomes of what has run are kept; without it, the end of the last handler counts
 * @property {((n: number) => Promise<unknown>) | undefined} [fanOut] one parent with n children, resolves when the parent is over
 * @property {() => Promise<void>} close and removes what it made
 */

/** The input of job number n: that of the floor. @param {number} n */
export const jobInput = (n) => ({
  to: `user${n}@example.com`,
  template: "welcome-email",
  n,
  tags: ["a", "b", "c"],
  pad: "xxxxxxxxxxxxxxxxxxxx",
});

/** @param {number} from @param {number} to exclusive */
const jobInputs = (from, to) => Array.from({ length: to - from }, (_, i) => jobInput(from + i));

/** Enqueues one at a time, this many at once. @param {Session} session @param {number} jobs @param {number} width */
async function fill(session, jobs, width) {
  let next = 0;
  const lines = Array.from({ length: width }, async () => {
    while (next < jobs) await session.enqueue(jobInput(next++));
  });
  await Promise.all(lines);
}

/** Puts jobs there by the quickest way that the system has. @param {Session} session @param {number} jobs */
export async function prepare(session, jobs) {
  const { enqueueMany } = session;
  if (enqueueMany === undefined) return await fill(session, jobs, 1_000);
  for (let from = 0; from < jobs; from += 1_000) await enqueueMany(jobInputs(from, Math.min(jobs, from + 1_000)));
}

/**
 * Begins to work; `done` resolves when `jobs` have run and their outcomes are kept.
 * @param {Session} session @param {number} jobs @param {number} concurrency
 */
async function working(session, jobs, concurrency) {
  let ran = 0;
  /** @type {() => void} */
  let allRan = () => undefined;
  /** @type {Promise<void>} */
  const over = new Promise((resolve) => {
    allRan = resolve;
  });
  const stop = await session.work(concurrency, async () => {
    if (++ran === jobs) allRan();
  });
  return { stop, done: () => over.then(() => session.settled?.()) };
}

/** @param {number} width @returns {Case["run"]} */
const enqueueAtOnce = (width) => async (session, jobs) => jobs / (await timed(() => fill(session, jobs, width)));

/** @param {number} perCall @returns {Case["run"]} */
const enqueueMany = (perCall) => async (session, jobs) => {
  const seconds = await timed(async () => {
    for (let from = 0; from < jobs; from += perCall) {
      await session.enqueueMany?.(jobInputs(from, Math.min(jobs, from + perCall)));
    }
  });
  return jobs / seconds;
};

/** @param {number} concurrency @returns {Case["run"]} */
const drain = (concurrency) => async (session, jobs) => {
  await prepare(session, jobs);
  /** @type {() => Promise<void>} */
  let stop = async () => undefined;
  const seconds = await timed(async () => {
    const work = await working(session, jobs, concurrency);
    stop = work.stop;
    await work.done();
  });
  await stop();
  return jobs / seconds;
};

/** @param {number} concurrency @returns {Case["run"]} */
const flow = (concurrency) => async (session, jobs) => {
  /** @type {() => Promise<void>} */
  let stop = async () => undefined;
  const seconds = await timed(async () => {
    const work = await working(session, jobs, concurrency);
    stop = work.stop;
    await fill(session, jobs, concurrency);
    await work.done();
  });
  await stop();
  return jobs / seconds;
};

/**
 * @typedef {object} Case
 * @property {string} title what it measures
 * @property {"enqueueMany"} [needs] what a session must have for it
 * @property {{ full: number, quick: number }} jobs
 * @property {(session: Session, jobs: number) => Promise<number>} run answers jobs/s
 */

const many = { full: 60_000, quick: 10_000 };

/** The cases whose figure is jobs/s. @satisfies {Record<string, Case>} */
export const cases = {
  single: {
    title: "one enqueue after the other",
    jobs: { full: 4_000, quick: 500 },
    run: enqueueAtOnce(1),
  },
  "concurrent-100": { title: "100 enqueues at once, each awaited", jobs: many, run: enqueueAtOnce(100) },
  many: {
    title: "all in one call",
    needs: "enqueueMany",
    jobs: many,
    run: enqueueMany(Number.POSITIVE_INFINITY),
  },
  "many-1000": {
    title: "calls of 1,000, one after the other",
    needs: "enqueueMany",
    jobs: many,
    run: enqueueMany(1_000),
  },
  "drain-100": { title: "jobs that wait are run, 100 at once", jobs: many, run: drain(100) },
  "drain-1000": { title: "jobs that wait are run, 1,000 at once", jobs: many, run: drain(1_000) },
  "flow-100": { title: "100 enqueues at once beside 100 handlers", jobs: many, run: flow(100) },
  "flow-1000": { title: "1,000 enqueues at once beside 1,000 handlers", jobs: many, run: flow(1_000) },
};

/**
 * Latencies of a system under a steady load, milliseconds: from the call of enqueue to its acknowledgement (`submit`) and
 * to the start of the handler (`start`), and to that from the moment at which the job was due (`due`), which includes how
 * long the event loop was held.
 * @typedef {Record<"submit" | "start" | "due", { p50: number, p99: number, max: number }>} Latencies
 */

/**
 * Enqueues at a steady rate beside a worker.
 * @param {Session} session
 * @param {{ perSecond: number, seconds: number, concurrency?: number }} load
 * @returns {Promise<Latencies>}
 */
export async function latency(session, { perSecond, seconds, concurrency = 100 }) {
  const jobs = Math.round(perSecond * seconds);
  // The first half second warms up and is not counted.
  const warm = Math.round(perSecond / 2);
  const total = warm + jobs;
  const due = new Float64Array(total);
  const called = new Float64Array(total);
  const accepted = new Float64Array(total);
  const started = new Float64Array(total);
  let ran = 0;
  /** @type {() => void} */
  let allRan = () => undefined;
  /** @type {Promise<void>} */
  const over = new Promise((resolve) => {
    allRan = resolve;
  });
  const stop = await session.work(concurrency, async ({ n }) => {
    started[n] = performance.now();
    if (++ran === total) allRan();
  });
  /** @type {Promise<void>[]} */
  const submissions = [];
  await startPacer({
    perSecond,
    ticks: total,
    onTick: (n, dueAt) => {
      due[n] = dueAt;
      called[n] = performance.now();
      submissions.push(
        session.enqueue(jobInput(n)).then(() => {
          accepted[n] = performance.now();
        }),
      );
    },
  });
  await Promise.all(submissions);
  await over;
  await stop();
  const between = (/** @type {Float64Array} */ from, /** @type {Float64Array} */ to) => {
    const times = Array.from(to.subarray(warm), (end, i) => end - from[warm + i]);
    return { p50: percentile(times, 0.5), p99: percentile(times, 0.99), max: percentile(times, 1) };
  };
  return { submit: between(called, accepted), start: between(called, started), due: between(due, started) };
}
