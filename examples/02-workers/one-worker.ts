// One worker, one task: it claims what is there, runs it in its slots, and waits for more. `untilIdle()` says when nothing
// is left to do; a service calls `run()` instead, which goes on until SIGTERM.
//
// Prints:
//   5 jobs completed, at most 2 at a time
import { setTimeout as sleep } from "node:timers/promises";
import { connect, task } from "queuack";

let running = 0;
let most = 0;
const visit = task({
  name: "visit",
  run: async () => {
    most = Math.max(most, ++running);
    await sleep(20);
    running--;
  },
});

const q = await connect(":memory:");
await q.enqueueMany(visit, [1, 2, 3, 4, 5]);
const worker = q.worker({ tasks: [visit], concurrency: 2 });
await worker.start();
await worker.untilIdle();
const completed = (await q.queues.get("default"))?.counts.completed;
console.log(`${completed} jobs completed, at most ${most} at a time`);
await q.close();
