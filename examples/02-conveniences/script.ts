// A script without `await`. The worker is a process of its own: this file again, with an argument.
//
// Prints:
//   half of 300 is 150
//   3 in a batch: 10, 20, 30
//   cancelled: true, state cancelled
//   completed 4, cancelled 1
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, connectSync, type TaskContext, task } from "queuack";

const halve = task({ name: "halve", run: ({ input }: TaskContext<number>) => input / 2 });

if (process.argv[2] === undefined) script();
else await (await connect(process.argv[2])).worker({ tasks: [halve] }).run();

function script(): void {
  const folder = mkdtempSync(join(tmpdir(), "queuack-script-"));
  const file = join(folder, "jobs.db");
  const worker = spawn(process.execPath, [fileURLToPath(import.meta.url), file]);

  const q = connectSync(file);
  const job = q.enqueue(halve, 300);
  console.log(`half of 300 is ${q.result(job, { timeout: "30s" })}`);

  const batch = q.enqueueMany(halve, [20, 40, 60]);
  console.log(`${batch.length} in a batch: ${batch.map((one) => q.result(one)).join(", ")}`);

  const later = q.enqueue(halve, 5, { delay: "1h" });
  console.log(`cancelled: ${q.cancel(later.id)}, state ${q.get(later.id)?.state}`);

  const [figures] = q.stats();
  console.log(`completed ${figures?.counts.completed}, cancelled ${figures?.counts.cancelled}`);
  q.close();

  worker.on("exit", () => rmSync(folder, { recursive: true }));
  worker.kill("SIGTERM");
}
