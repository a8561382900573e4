import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "queuack";
import { jobInput, latency } from "../cases.mjs";
import { startChild } from "../children.mjs";
import { removeFolder, temporaryFolder } from "../endings.mjs";
import { inTurns, median, percentile } from "../measure.mjs";
import { startPacer } from "../pacer.mjs";
import { floor } from "../systems/floor.mjs";
import { queuack } from "../systems/queuack.mjs";

const systems = [floor, queuack];

/** What each figure is, by its name among those of a run. */
const whats = {
  start: "from the call of enqueue to the start of the handler",
  due: "from the moment at which the job was due to the start of the handler",
  submit: "from the call of enqueue to its acknowledgement",
};

/** How long enqueues take while another process enqueues and runs jobs on the same file. @param {number} perSecond @param {number} seconds */
async function besideProcess(perSecond, seconds) {
  const folder = temporaryFolder("latency");
  const path = join(folder, "jobs.db");
  const child = startChild("paced", { path, perSecond });
  await child.next();
  const q = await connect(path);
  // What both must do at the beginning is over by then.
  await sleep(500);
  /** @type {number[]} */
  const times = [];
  /** @type {Promise<void>[]} */
  const submissions = [];
  await startPacer({
    perSecond: 100,
    ticks: Math.round(100 * seconds),
    onTick: (n) => {
      const start = performance.now();
      submissions.push(
        q.enqueue("work", jobInput(n)).then(() => {
          times.push(performance.now() - start);
        }),
      );
    },
  });
  await Promise.all(submissions);
  child.send("stop");
  await child.ended;
  await q.close();
  removeFolder(folder);
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99), max: percentile(times, 1) };
}

/** @type {import("../main.mjs").Bench} */
export default {
  name: "latency",
  title: "milliseconds from enqueue to the start of the handler and to the acknowledgement, under a steady load",
  run: async ({ quick, report, progress }) => {
    const seconds = quick ? 1 : 10;
    const reps = quick ? 1 : 3;
    /** @param {string} name @param {string} system @param {{ p50: number, p99: number, max: number }[]} runs @param {object} conditions */
    const tell = (name, system, runs, conditions) => {
      for (const key of /** @type {const} */ (["p50", "p99", "max"])) {
        const samples = runs.map((run) => run[key]);
        const line = { bench: "latency", case: `${name} ${key}`, system, durability: /** @type {const} */ ("full") };
        report({ ...line, value: median(samples), unit: "ms", samples, conditions: { seconds, reps, ...conditions } });
      }
    };
    for (const perSecond of [100, 1_000]) {
      const sides = Object.fromEntries(
        systems.map((system) => [
          system.name,
          async () => {
            const session = await system.open();
            try {
              return await latency(session, { perSecond, seconds });
            } finally {
              await session.close();
            }
          },
        ]),
      );
      const figures = await inTurns(sides, reps, ({ turn, side, figure }) => {
        progress(`latency ${perSecond}/s, turn ${turn + 1} of ${reps}: ${side} p99 ${figure.start.p99.toFixed(2)} ms`);
      });
      for (const { name } of systems) {
        for (const key of /** @type {const} */ (["start", "due", "submit"])) {
          const runs = figures[name].map((figure) => figure[key]);
          tell(`${perSecond}/s ${key}`, name, runs, { what: whats[key], perSecond, concurrency: 100 });
        }
      }
    }
    const { beside } = await inTurns({ beside: () => besideProcess(1_000, seconds) }, reps);
    tell("submit beside a process", "queuack", beside, {
      what: "an enqueue at 100/s, while another process enqueues and runs 1,000 jobs/s on the file",
      perSecond: 100,
      concurrency: 100,
    });
  },
};
