// What a service does: `run()` works until SIGTERM or SIGINT, then claims nothing more, lets running jobs end within the
// grace, gives back what has not ended, and resolves. Here the process sends the signal to itself.
//
// Prints:
//   job 1 runs; SIGTERM comes
//   job 1 has ended
//   run() has ended; 1 completed, 2 wait for the next start
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, task } from "queuack";

const q = await connect(":memory:");
const begun = new EventTarget();
const slow = task({
  name: "slow",
  run: async ({ input }: { input: number }) => {
    begun.dispatchEvent(new Event("job"));
    await sleep(100);
    console.log(`job ${input} has ended`);
  },
});
await q.enqueueMany(slow, [1, 2, 3]);

const first = once(begun, "job");
const working = q.worker({ tasks: [slow], concurrency: 1, shutdownGrace: "10s" }).run();
await first;
console.log("job 1 runs; SIGTERM comes");
process.kill(process.pid, "SIGTERM");
await working;
const counts = (await q.queues.get("default"))?.counts;
console.log(`run() has ended; ${counts?.completed} completed, ${counts?.available} wait for the next start`);
await q.close();
