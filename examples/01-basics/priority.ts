// Higher priorities first; within one priority, first come, first served. 0 to 100, 50 by default, or a name.
//
// Prints:
//   urgent, high, first, second, low
import { connect, task } from "queuack";

const order: string[] = [];
const note = task({
  name: "note",
  run: ({ input }: { input: string }) => {
    order.push(input);
  },
});

const q = await connect(":memory:");
// Nobody works yet: all five wait.
const jobs = await q.enqueueMany([
  [note, "low", { priority: "low" }],
  [note, "first"],
  [note, "high", { priority: "high" }],
  [note, "second"],
  [note, "urgent", { priority: 100 }],
]);

// One at a time, so that the order shows.
await q.worker({ tasks: [note], concurrency: 1 }).start();
await Promise.all(jobs.map((job) => job.result()));
console.log(order.join(", "));

await q.close();
