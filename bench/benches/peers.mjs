import { cases, latency } from "../cases.mjs";
import { compare } from "../compare.mjs";
import { inTurns, median, timed } from "../measure.mjs";
import { serverMemory, sessionMemory } from "../peer-memory.mjs";
import { Servers } from "../servers/servers.mjs";
import { peers } from "../systems/peers.mjs";
import { within } from "../within.mjs";

/** @typedef {import("../cases.mjs").System} System */
/** @typedef {import("../main.mjs").Context} Context */

const bench = "peers";
const CHILDREN = 1_000;
const MIB = 1_048_576;

/** The cases in jobs per second, by their names here. @satisfies {Record<string, keyof typeof cases>} */
const rates = {
  "enqueue-single": "single",
  "enqueue-concurrent-100": "concurrent-100",
  "enqueue-many": "many-1000",
  "drain-100": "drain-100",
  "drain-1000": "drain-1000",
  "flow-100": "flow-100",
  "flow-1000": "flow-1000",
};

/** Jobs of a warm-up: enough to fill the concurrency. @param {string} name */
const warmUpJobs = (name) => (name === "single" ? 100 : name.endsWith("-1000") ? 2_000 : 500);

/** @param {number} jobs */
const twoDigits = (jobs) => Number(jobs.toPrecision(2));

/** Reports of every system that it is missing, if it is; answers the others. @param {Context} context @param {string} label @param {readonly System[]} systems */
async function present({ report }, label, systems) {
  /** @type {System[]} */
  const there = [];
  for (const system of systems) {
    const missing = await system.missing();
    if (missing === undefined) there.push(system);
    else report({ bench, case: label, system: system.name, durability: system.durability, missing });
  }
  return there;
}

/**
 * Has each system go through something once, to warm it up; answers what it took, for those that came through, and reports
 * the others.
 * @template Figure
 * @param {Context} context
 * @param {string} label
 * @param {readonly System[]} systems
 * @param {Servers} servers
 * @param {(session: import("../cases.mjs").Session, system: System) => Promise<Figure>} run
 */
async function warmUp({ report, progress }, label, systems, servers, run) {
  /** @type {Map<System, Figure>} */
  const came = new Map();
  for (const system of systems) {
    progress(`${bench} ${label}: ${system.name} warms up`);
    try {
      came.set(system, await withSession(system, servers, (session) => run(session, system)));
    } catch (error) {
      const missing = `it failed: ${/** @type {Error} */ (error).message}`;
      report({ bench, case: label, system: system.name, durability: system.durability, missing });
    }
  }
  return came;
}

/** @template Result @param {System} system @param {Servers} servers @param {(session: import("../cases.mjs").Session) => Promise<Result>} run */
async function withSession(system, servers, run) {
  const session = await system.open(servers);
  try {
    return await within(120_000, () => run(session));
  } finally {
    await session.close();
  }
}

/** Measures; what fails is told, and costs no other part. @param {Context} context @param {string} label @param {() => Promise<void>} measure */
async function attempt({ report }, label, measure) {
  try {
    await measure();
  } catch (error) {
    console.error(`bench ${bench}, ${label} failed:`, error);
    process.exitCode = 1;
    report({ bench, case: label, missing: `it failed: ${/** @type {Error} */ (error).message}` });
  }
}

/** @param {Context} context @param {Servers} servers */
async function measureRates(context, servers) {
  const seconds = context.quick ? 0.3 : 2;
  for (const [label, name] of Object.entries(rates)) {
    /** @type {import("../cases.mjs").Case} */
    const one = cases[name];
    const least = warmUpJobs(name);
    const most = context.quick ? one.jobs.quick : one.jobs.full;
    const enough = (/** @type {number} */ perSecond, /** @type {number} */ seconds) =>
      twoDigits(Math.min(most, Math.max(least, perSecond * seconds)));
    const systems = await present(context, label, peers);
    // The slow run fewer jobs, so that each takes about as long. What is cold is slow: so the second rate counts.
    const warm = await warmUp(context, label, systems, servers, async (session) => one.run(session, least));
    const warmer = context.quick
      ? warm
      : await warmUp(context, label, [...warm.keys()], servers, (session, system) =>
          one.run(session, enough(warm.get(system) ?? 0, seconds / 4)),
        );
    await attempt(context, label, () =>
      compare(context, {
        bench,
        names: { [label]: name },
        systems: [...warmer.keys()],
        servers,
        reps: context.quick ? 1 : 3,
        jobs: (system) => enough(warmer.get(system) ?? 0, seconds),
      }),
    );
  }
}

/**
 * Reports one figure of each system, from figures that were taken in turns.
 * @param {Context} context
 * @param {string} label
 * @param {string} unit
 * @param {Map<System, number[]>} samples
 * @param {object} conditions
 */
function tell({ report }, label, unit, samples, conditions) {
  for (const [{ name, durability, version, settings }, values] of samples) {
    report({
      bench,
      case: label,
      system: name,
      durability,
      value: median(values),
      unit,
      samples: values,
      conditions: { reps: values.length, version, settings, ...conditions },
    });
  }
}

/** @param {Context} context @param {Servers} servers */
async function measureLatency(context, servers) {
  const seconds = context.quick ? 1 : 5;
  for (const perSecond of [100, 1_000]) {
    const label = `latency-${perSecond}`;
    const systems = await present(context, `${label} p50`, peers);
    const load = { perSecond, seconds };
    const sides = Object.fromEntries(
      systems.map((system) => [
        system.name,
        () => withSession(system, servers, async (session) => (await latency(session, load)).start),
      ]),
    );
    const figures = await inTurns(sides, context.quick ? 1 : 3, ({ turn, side, figure }) => {
      context.progress(`${bench} ${label}, turn ${turn + 1}: ${side} p99 ${figure.p99.toFixed(2)} ms`);
    });
    for (const key of /** @type {const} */ (["p50", "p99"])) {
      const samples = new Map(systems.map((system) => [system, figures[system.name].map((figure) => figure[key])]));
      const what = `enqueue to the start of the handler at ${perSecond}/s`;
      tell(context, `${label} ${key}`, "ms", samples, { what, ...load, concurrency: 100 });
    }
  }
}

/** @param {Context} context @param {Servers} servers */
async function measureFamily(context, servers) {
  const label = `parent-of-${CHILDREN}`;
  /** @param {number} n @returns {(session: import("../cases.mjs").Session) => Promise<number>} */
  const family = (n) => async (session) => {
    const { fanOut } = session;
    if (fanOut === undefined) throw new Error("no fan-out");
    const stop = await session.work(100, async () => undefined);
    const took = await timed(() => fanOut(n));
    await stop();
    return took * 1_000;
  };
  /** @type {System[]} */
  const able = [];
  for (const system of await present(context, label, peers)) {
    const isAble = await withSession(system, servers, async ({ fanOut }) => fanOut !== undefined);
    const { name, durability } = system;
    if (isAble) able.push(system);
    else
      context.report({ bench, case: label, system: name, durability, missing: "it has no jobs that wait for others" });
  }
  const warm = [...(await warmUp(context, label, able, servers, family(10))).keys()];
  const sides = Object.fromEntries(
    warm.map((system) => [system.name, () => withSession(system, servers, family(CHILDREN))]),
  );
  const figures = await inTurns(sides, context.quick ? 1 : 5, ({ turn, side, figure }) => {
    context.progress(`${bench} ${label}, turn ${turn + 1}: ${side} ${Math.round(figure)} ms`);
  });
  const samples = new Map(warm.map((system) => [system, figures[system.name]]));
  const what = `a job that runs when its ${CHILDREN.toLocaleString("en")} children have run, 100 at once`;
  tell(context, label, "ms", samples, { what, concurrency: 100 });
}

/** @param {Context} context */
async function measureMemory(context) {
  const jobs = context.quick ? 10_000 : 100_000;
  const label = "memory";
  const why = serverMemory.missing();
  const systems = await present(context, label, peers);
  if (why !== undefined) {
    for (const { name, durability } of systems) {
      context.report({ bench, case: label, system: name, durability, missing: why });
    }
    return;
  }
  const sides = Object.fromEntries(systems.map((system) => [system.name, () => sessionMemory(system, jobs)]));
  const figures = await inTurns(sides, context.quick ? 1 : 3, ({ turn, side, figure }) => {
    context.progress(`${bench} ${label}, turn ${turn + 1}: ${side} ${Math.round(figure / MIB)} MiB`);
  });
  const samples = new Map(systems.map((system) => [system, figures[system.name].map((bytes) => bytes / MIB)]));
  const what = "the process and its server with waiting jobs, over both with none";
  tell(context, label, "MiB", samples, { what, jobs });
}

/** @type {import("../main.mjs").Bench} */
export default {
  name: bench,
  title: "the same no-op jobs through Queuack and other queues, each at its best documented settings",
  run: async (context) => {
    const servers = new Servers();
    await attempt(context, "rates", () => measureRates(context, servers));
    await attempt(context, "latency", () => measureLatency(context, servers));
    await attempt(context, "families", () => measureFamily(context, servers));
    await servers.stop();
    await attempt(context, "memory", () => measureMemory(context));
  },
};
