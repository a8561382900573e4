/** What isolation costs: `node test/isolation/overhead.mjs [--jobs 100] [--rounds 100] [--starts 10]`. Measures; promises nothing. */
import { parseArgs } from "node:util";
import { connect, task } from "queuack";
import { nothing, runs } from "./fixtures/nothing.mjs";

const { values: flags } = parseArgs({
  options: {
    jobs: { type: "string", default: "100" },
    rounds: { type: "string", default: "100" },
    starts: { type: "string", default: "10" },
  },
});
const [jobs, rounds, starts] = [Number(flags.jobs), Number(flags.rounds), Number(flags.starts)];

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

console.log(`${nothing.name}: ${jobs} jobs in memory; the fastest of ${rounds} rounds, of ${starts} cold starts`);
console.log("kind       1 slot, ms a job  4 slots, ms a job  first job of a cold one, ms");
for (const isolation of /** @type {const} */ (["inline", "thread", "process"])) {
  const warm = async (/** @type {number} */ slots) =>
    await withWorker(isolation, slots, async (q) => {
      await elapsed(q, 200);
      let fastest = Number.POSITIVE_INFINITY;
      for (let round = 0; round < rounds; round++) fastest = Math.min(fastest, await elapsed(q, jobs));
      return fastest / jobs;
    });
  let cold = Number.POSITIVE_INFINITY;
  for (let n = 0; n < starts; n++) cold = Math.min(cold, await withWorker(isolation, 1, (q) => elapsed(q, 1)));
  const cells = [(await warm(1)).toFixed(3), (await warm(4)).toFixed(3), cold.toFixed(1)];
  console.log(`${isolation.padEnd(8)}${cells.map((cell) => cell.padStart(19)).join("")}`);
}
