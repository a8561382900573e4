// Concurrency is how many jobs run at a time in one worker; it can be changed while it works. Jobs that wait for a network or a
// disk cost little, so there may be many; for work that keeps a core busy see isolated.ts.
//
// Prints:
//   with 10 slots: 10 at a time
//   with 3 slots: 3 at a time
import { setTimeout as sleep } from "node:timers/promises";
import { connect, task } from "queuack";

let running = 0;
let most = 0;
const wait = task({
  name: "wait",
  run: async () => {
    most = Math.max(most, ++running);
    await sleep(30);
    running--;
  },
});

const q = await connect(":memory:");
const worker = q.worker({ tasks: [wait], concurrency: 10 });
await worker.start();
for (const slots of [10, 3]) {
  most = 0;
  worker.setConcurrency(slots);
  await q.enqueueMany(
    wait,
    Array.from({ length: 20 }, (_, n) => n),
  );
  await worker.untilIdle();
  console.log(`with ${slots} slots: ${most} at a time`);
}
await q.close();
