// A worker that is told to stop claims nothing more and lets running jobs end. What has not ended after the grace is told
// by its signal, and given back: it runs again later, and the attempt does not count. `worker.run()` does this on SIGTERM
// and SIGINT; here `stop()` is called, with a short grace.
//
// Prints:
//   short job: done
//   long job: told to stop
//   after the shutdown: short is completed, long is available
//   after the restart: long is completed, in attempt 1
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, task } from "queuack";

let needed = 60_000;
const short = task({
  name: "short",
  run: async () => {
    await sleep(50);
    console.log("short job: done");
  },
});
const long = task({
  name: "long",
  run: async ({ signal }) => {
    signal.addEventListener("abort", () => console.log("long job: told to stop"));
    // Rejects as soon as the signal aborts; a handler that ignores it is given up a second later.
    await sleep(needed, undefined, { signal });
  },
});

const folder = await mkdtemp(join(tmpdir(), "queuack-shutdown-"));
const file = join(folder, "jobs.db");

const q = await connect(file);
const jobs = await q.enqueueMany([[short], [long]]);
let running = 0;
const bothStarted = new Promise<void>((resolve) => {
  q.on("job:started", () => ++running === jobs.length && resolve());
});
const worker = q.worker({ tasks: [short, long] });
await worker.start();
await bothStarted;
await worker.stop({ grace: "300ms" });
const [a, b] = await Promise.all(jobs.map((job) => job.get()));
console.log(`after the shutdown: short is ${a?.state}, long is ${b?.state}`);
await q.close();

needed = 10;
const again = await connect(file, { tasks: [short, long], workers: 1 });
await again.job(b?.id ?? "").result();
const { state, attempt } = await again.job(b?.id ?? "").get();
console.log(`after the restart: long is ${state}, in attempt ${attempt}`);
await again.close();
await rm(folder, { recursive: true });
