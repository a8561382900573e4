/** What a claim costs beside a crowd that can't start: `npm run test:scale [-- 1000000] [--only part of a name]`. See README.md. */
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { openSqliteStore } from "../../packages/queuack/dist/storage/sqlite/sqlite-store.js";

/** @typedef {Awaited<ReturnType<typeof openSqliteStore>>} Store */
/** @typedef {Parameters<Store["jobs"]["insert"]>[0]["jobs"][number]} NewJob */

const CLAIMS = 200;
const CLAIMED = 10;
const CHUNK = 10_000;
const GROUPS = 100_000;

const { values: flags, positionals } = parseArgs({
  options: { only: { type: "string", default: "" } },
  allowPositionals: true,
});
const crowd = Number(positionals[0] ?? 1_000_000);

/** @type {Omit<NewJob, "id">} */
const base = { tenant: "default", queue: "default", task: "work", priority: 50, maxAttempts: 3, input: '{"n":1}' };

/** @param {Store} store @param {number} count @param {(n: number) => Partial<NewJob>} over */
async function insert(store, count, over) {
  for (let from = 0; from < count; from += CHUNK) {
    const jobs = Array.from({ length: Math.min(CHUNK, count - from) }, (_, n) => ({
      ...base,
      id: randomUUID(),
      ...over(from + n),
    }));
    await store.jobs.insert({ jobs });
  }
}

/** @param {Store} store @param {import("../../packages/queuack/dist/core/flow/limit.js").LimitScope} scope */
const shut = (store, scope) =>
  store.flow.limit({ tenant: "default", scope, limit: { concurrency: 0, rate: null, weight: null } });

const inGroups = (/** @type {number} */ n) => `g${n % GROUPS}`;

/**
 * Each puts its crowd before the jobs that are claimed, by priority; `settled` claims until nothing is set aside any more.
 * @type {{ name: string, settled?: boolean, prepare: (store: Store) => Promise<void> }[]}
 */
const scenes = [
  { name: "nothing else waits", prepare: async () => undefined },
  {
    name: "one full group",
    prepare: async (store) => {
      await shut(store, { group: "*" });
      await insert(store, crowd, () => ({ priority: 90, group: "full" }));
    },
  },
  {
    name: "100,000 full groups, just filled",
    prepare: async (store) => {
      await shut(store, { group: "*" });
      await insert(store, crowd, (n) => ({ priority: 90, group: inGroups(n) }));
    },
  },
  {
    name: "100,000 full groups, set aside",
    settled: true,
    prepare: async (store) => {
      await shut(store, { group: "*" });
      await insert(store, crowd, (n) => ({ priority: 90, group: inGroups(n) }));
    },
  },
  {
    name: "a full task limit",
    prepare: async (store) => {
      await shut(store, { task: "full" });
      await insert(store, crowd, () => ({ priority: 90, task: "full" }));
    },
  },
  {
    name: "a paused queue",
    prepare: async (store) => {
      await store.queues.pause({ tenant: "default", queue: "other", paused: true });
      await insert(store, crowd, () => ({ priority: 90, queue: "other" }));
    },
  },
  { name: "an unknown task", prepare: (store) => insert(store, crowd, () => ({ priority: 90, task: "unknown" })) },
  { name: "scheduled", prepare: (store) => insert(store, crowd, () => ({ priority: 90, delayMs: 36_000_000 })) },
  {
    name: "100,000 open groups, lower priority",
    prepare: (store) => insert(store, crowd, (n) => ({ priority: 10, group: inGroups(n) })),
  },
];

/** @param {Store} store */
const claim = (store) =>
  store.jobs.claim({
    worker: "w",
    tasks: ["work", "full"],
    queues: ["default", "other"].map((queue) => ({ queue, quota: CLAIMED })),
    limit: CLAIMED,
    leaseMs: 600_000,
  });

/** @param {Store} store @param {Awaited<ReturnType<typeof claim>>["jobs"]} jobs */
const settle = (store, jobs) =>
  store.jobs.settle({ settlements: jobs.map(({ id, token }) => ({ id, token, to: "completed", result: null })) });

/** @param {(typeof scenes)[number]} scene */
async function measure({ name, settled, prepare }) {
  const folder = mkdtempSync(join(tmpdir(), "queuack-scale-"));
  const store = await openSqliteStore({
    path: join(folder, "jobs.db"),
    clock: { now: () => Date.now(), timer: () => () => undefined },
  });
  await store.workers.register({
    worker: { id: "w", host: "here", pid: process.pid, tasks: ["work"], queues: ["default"], concurrency: CLAIMED },
  });
  await prepare(store);
  // Those that are claimed come last, behind everything that waits.
  await insert(store, CLAIMS * CLAIMED, () => ({}));
  // The log is taken into the file beside the first claims otherwise.
  await sleep(1_000);
  let aside = 0;
  let claimed = 0;
  if (settled) {
    let reply = await claim(store);
    for (; reply.nextInMs === 0; aside++) reply = await claim(store);
    claimed += reply.jobs.length;
    await settle(store, reply.jobs);
  }
  const times = [];
  let empty = 0;
  while (claimed < CLAIMS * CLAIMED && times.length < 10_000) {
    const start = performance.now();
    const { jobs } = await claim(store);
    times.push(performance.now() - start);
    claimed += jobs.length;
    if (jobs.length === 0) empty++;
    else await settle(store, jobs);
  }
  await store.close();
  rmSync(folder, { recursive: true });
  times.sort((a, b) => a - b);
  const at = (/** @type {number} */ part) =>
    (times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0).toFixed(2);
  const cells = [at(0.5), at(0.95), at(1)].map((cell) => cell.padStart(9));
  console.log(
    `${name.padEnd(38)}${cells.join("")}${String(times.length).padStart(8)}${String(empty + aside).padStart(8)}`,
  );
  if (claimed < CLAIMS * CLAIMED) {
    console.log(`FAILED: ${claimed} of ${CLAIMS * CLAIMED} were claimed`);
    process.exitCode = 1;
  }
}

console.log(`scale: a claim of ${CLAIMED} jobs, ${crowd} others wait`);
console.log(`${"they wait behind".padEnd(38)}   p50 ms   p95 ms   max ms  claims   empty`);
for (const scene of scenes) if (scene.name.includes(flags.only)) await measure(scene);
