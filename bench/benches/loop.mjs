import { setTimeout as sleep } from "node:timers/promises";
import { cases, jobInput } from "../cases.mjs";
import { collectGarbage, inTurns, median, percentile } from "../measure.mjs";
import { queuack, queuackThread } from "../systems/queuack.mjs";

/** A turn shorter than this holds nobody, and a loop with nothing to do makes very many of them; milliseconds. */
const NOTICEABLE = 0.1;

/**
 * How long each turn of the event loop takes while something is done, milliseconds: what anything else that comes in then
 * has to wait at most.
 * @param {() => Promise<unknown>} work
 */
async function turnsDuring(work) {
  /** @type {number[]} */
  const turns = [];
  let isMeasuring = true;
  let last = performance.now();
  const look = () => {
    const now = performance.now();
    turns.push(now - last);
    last = now;
    if (isMeasuring) setImmediate(look);
  };
  setImmediate(look);
  await work();
  isMeasuring = false;
  const sorted = turns.sort((a, b) => a - b);
  const noticed = sorted.filter((turn) => turn >= NOTICEABLE);
  const held = noticed.length > 0 ? noticed : [0];
  return {
    p50: percentile(held, 0.5),
    p99: percentile(held, 0.99),
    "p99 by time": percentileByTime(sorted, 0.99),
    max: percentile(sorted, 1),
  };
}

/** The length below which this part of the time was spent: a long turn strikes more of what comes in than a short one. @param {number[]} sorted @param {number} part */
function percentileByTime(sorted, part) {
  let left = sorted.reduce((sum, turn) => sum + turn, 0) * part;
  for (const turn of sorted) {
    left -= turn;
    if (left <= 0) return turn;
  }
  return sorted[sorted.length - 1];
}

/** @param {(session: import("../cases.mjs").Session) => Promise<unknown>} work @param {import("../cases.mjs").System} [system] */
const onQueue =
  (work, system = queuack) =>
  async () => {
    const session = await system.open();
    try {
      collectGarbage();
      return await turnsDuring(() => work(session));
    } finally {
      await session.close();
    }
  };

/** @type {import("../main.mjs").Bench} */
export default {
  name: "loop",
  title: "how long the event loop is held, milliseconds: the lengths of its turns",
  run: async ({ quick, report, progress }) => {
    const jobs = quick ? 10_000 : 60_000;
    const many = quick ? 10_000 : 100_000;
    const reps = quick ? 1 : 5;
    const inputs = Array.from({ length: many }, (_, n) => jobInput(n));
    const sides = {
      idle: () => turnsDuring(() => sleep(1_000)),
      "flow 100": onQueue((session) => cases["flow-100"].run(session, jobs)),
      "flow 1000": onQueue((session) => cases["flow-1000"].run(session, jobs)),
      "flow 100 with a thread": onQueue((session) => cases["flow-100"].run(session, jobs), queuackThread),
      "flow 1000 with a thread": onQueue((session) => cases["flow-1000"].run(session, jobs), queuackThread),
      [`enqueueMany(${many})`]: onQueue(async (session) => session.enqueueMany?.(inputs)),
    };
    const figures = await inTurns(sides, reps, ({ turn, side, figure }) => {
      progress(
        `loop, turn ${turn + 1} of ${reps}: ${side} p99 ${figure.p99.toFixed(1)}, max ${figure.max.toFixed(1)} ms`,
      );
    });
    for (const [side, runs] of Object.entries(figures)) {
      for (const key of /** @type {const} */ (["p50", "p99", "p99 by time", "max"])) {
        const samples = runs.map((run) => run[key]);
        report({
          bench: "loop",
          case: `${side} ${key}`,
          system: side === "idle" ? "none" : side.endsWith("thread") ? queuackThread.name : queuack.name,
          ...(side !== "idle" && { durability: queuack.durability }),
          value: median(samples),
          unit: "ms",
          samples,
          conditions: {
            ...(side.startsWith("flow") && { jobs }),
            reps,
            measured: `from one setImmediate to the next; those over ${NOTICEABLE} ms count, by time all`,
          },
        });
      }
    }
  },
};
