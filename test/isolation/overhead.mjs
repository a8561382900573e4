/** What isolation costs: `node test/isolation/overhead.mjs [--jobs 2000] [--rounds 5]`. Measures; promises nothing. */
import { parseArgs } from "node:util";
import { connect, task } from "queuack";
import { nothing, runs } from "./fixtures/nothing.mjs";

const { values: flags } = parseArgs({
  options: { jobs: { type: "string", default: "2000" }, rounds: { type: "string", default: "5" } },
});
const [jobs, rounds] = [Number(flags.jobs), Number(flags.rounds)];

/** The middle of some figures. @param {number[]} figures */
const median = (figures) => figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN;

/** Runs a piece of work with a worker for one kind. @param {"inline" | "thread" | "process"} isolation @param {number} concurrency @param {(q: import("queuack").Queue) => Promise<number>} measure */
async function withWorker(isolation, concurrency, measure) {
  const q = await connect(":memory:");
  const definition = task({
    name: "nothing",
    isolation,
    module: new URL("fixtures/nothing.mjs", import.meta.url),
    run: runs,
  });
  await q.worker({ tasks: [definition], concurrency }).start();
  const figure = await measure(q);
  await q.close();
  return figure;
}

/** Milliseconds that some jobs take together. @param {import("queuack").Queue} q @param {number} count */
async function elapsed(q, count) {
  const start = performance.now();
  const handles = await q.enqueueMany(
    "nothing",
    Array.from({ length: count }, (_, n) => ({ n })),
  );
  await Promise.all(handles.map((job) => job.result()));
  return performance.now() - start;
}

console.log(`${nothing.name}: ${jobs} jobs in memory, the median of ${rounds} rounds`);
console.log("kind      1 slot, ms a job   4 slots, ms a job   first job of a cold one, ms");
for (const isolation of /** @type {const} */ (["inline", "thread", "process"])) {
  const figures = { one: [], four: [], cold: [] };
  for (let round = 0; round < rounds; round++) {
    for (const [key, slots] of /** @type {const} */ ([
      ["one", 1],
      ["four", 4],
    ])) {
      figures[key].push(
        await withWorker(isolation, slots, async (q) => {
          const cold = await elapsed(q, 1);
          if (key === "one") figures.cold.push(cold);
          await elapsed(q, 200);
          return (await elapsed(q, jobs)) / jobs;
        }),
      );
    }
  }
  const cells = [median(figures.one).toFixed(3), median(figures.four).toFixed(3), median(figures.cold).toFixed(1)];
  console.log(`${isolation.padEnd(8)}${cells.map((cell) => cell.padStart(18)).join("")}`);
}
