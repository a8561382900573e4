// Several cores: a supervised pool of worker processes, which grows and shrinks. A process that dies is started again, and its
// job runs elsewhere within a second. The tasks are found in a module, since no function is ever sent anywhere.
//
// Prints:
//   2 processes run
//   40 jobs done by more than one process: true
//   3 processes run
//   1 process runs
//   stopped
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "queuack";
import { resize } from "./tasks/resize.ts";

const folder = await mkdtemp(join(tmpdir(), "queuack-pool-"));
const q = await connect(join(folder, "jobs.db"));
const pool = q.workers({ processes: 2, modules: [new URL("./tasks/resize.js", import.meta.url)], concurrency: 2 });
await pool.start();
const tell = () => {
  const running = pool.status().processes.filter(({ state }) => state === "running").length;
  console.log(running === 1 ? "1 process runs" : `${running} processes run`);
};
tell();

const jobs = await q.enqueueMany(
  resize,
  Array.from({ length: 40 }, (_, n) => ({ width: n })),
);
const results = await Promise.all(jobs.map((job) => job.result({ timeout: "60s" })));
console.log(`${results.length} jobs done by more than one process: ${new Set(results.map(({ by }) => by)).size > 1}`);

await pool.scale(3);
tell();
await pool.scale(1);
tell();
await pool.stop();
console.log(pool.state);
await q.close();
await rm(folder, { recursive: true });
