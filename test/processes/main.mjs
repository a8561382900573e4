/** Many processes on one file: `npm run test:processes [-- --seconds n] [--processes n]`. See README.md. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { connect } from "queuack";
import { startChild } from "../crash/fixtures/child.mjs";

/** The longest that one enqueue may take, milliseconds. */
const WORST_MS = 1_000;

/** The least part of the fastest process's enqueues that the slowest must get. */
const FAIR_SHARE = 1 / 5;

const { values: flags } = parseArgs({
  options: {
    seconds: { type: "string", default: "20" },
    processes: { type: "string", default: "8" },
    workers: { type: "string", default: "2" },
  },
});

const [seconds, count, workers] = [flags.seconds, flags.processes, flags.workers].map(Number);
const folder = mkdtempSync(join(tmpdir(), "queuack-processes-"));
const path = join(folder, "jobs.db");
/** @type {string[]} */
const problems = [];

const members = Array.from({ length: count }, (_, number) => {
  const figures = { enqueued: 0, p50: 0, p99: 0, worst: 0, ran: 0 };
  /** @type {() => void} */
  let finish = () => undefined;
  /** @type {Promise<void>} */
  const finished = new Promise((resolve) => {
    finish = resolve;
  });
  const withWorker = number < workers;
  const child = startChild(new URL("fixtures/member.mjs", import.meta.url), {
    name: `${number}${withWorker ? " with a worker" : ""}`,
    plan: { path, seconds, withWorker },
    onLine: ([verb, ...words]) => {
      if (verb === "trouble") problems.push(`process ${number}: ${words.join(" ")}`);
      else if (verb === "ran") figures.ran = Number(words[0]);
      else {
        [figures.enqueued, figures.p50, figures.p99, figures.worst] = words.map(Number);
        finish();
      }
    },
  });
  void child.ended.then(({ code, signal, stderr }) => {
    if (code !== 0 || stderr !== "") problems.push(`process ${number} ended with ${signal ?? code}: ${stderr}`);
    finish();
  });
  return { child, figures, finished };
});
const tellAll = (/** @type {string} */ order) => {
  for (const { child } of members) if (child.alive) child.process.send(order);
};

await Promise.all(members.map(({ child }) => child.ready));
tellAll("go");
await Promise.all(members.map(({ finished }) => finished));
tellAll("stop");
await Promise.all(members.map(({ child }) => child.ended));

const all = members.map(({ figures }) => figures);
const sum = (/** @type {"enqueued" | "ran"} */ key) => all.reduce((total, one) => total + one[key], 0);
const q = await connect(path);
const [stats] = await q.stats();
await q.close();
if (stats.waiting + stats.counts.completed !== sum("enqueued"))
  problems.push(`${sum("enqueued")} were acknowledged, ${stats.waiting + stats.counts.completed} stand`);
const worst = Math.max(...all.map((one) => one.worst));
if (!(worst < WORST_MS)) problems.push(`an enqueue took ${worst.toFixed(0)} ms`);
const enqueued = all.map((one) => one.enqueued);
const share = Math.min(...enqueued) / Math.max(...enqueued);
if (!(share >= FAIR_SHARE)) problems.push(`the slowest enqueued ${share.toFixed(2)} of what the fastest did`);

console.log(`processes: ${count} on one file for ${seconds} s`);
console.log("process            enqueued     ran   p50 ms   p99 ms  worst ms");
for (const { child, figures } of members) {
  const { enqueued, ran, p50, p99, worst } = figures;
  const cells = [enqueued, ran].map((cell) => String(cell).padStart(8));
  const times = [p50, p99, worst].map((ms) => ms.toFixed(1).padStart(9));
  console.log(`${child.name.padEnd(18)} ${cells.join("")}${times.join("")}`);
}
console.log(
  `${(sum("enqueued") / seconds).toFixed(0)} enqueued/s, ${(stats.counts.completed / seconds).toFixed(0)} completed/s, worst ${worst.toFixed(0)} ms, ` +
    `the slowest has ${(share * 100).toFixed(0)} % of the fastest`,
);
for (const problem of problems.slice(0, 10)) console.log(`FAILED ${problem}`);
console.log(problems.length > 0 ? `FAILED: ${problems.length} problems` : "passed");
rmSync(folder, { recursive: true, force: true });
process.exitCode = problems.length > 0 ? 1 : 0;
