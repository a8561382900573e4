// A handler that takes many jobs at once: one insert for a hundred rows instead of a hundred inserts. Each job keeps its own
// attempt, outcome and retries: an Error in the place of a result fails that job alone.
//
// Prints:
//   a chunk of 3: 1, 2, 3
//   a chunk of 2: 4, -5
//   1 is row 10; -5 is discarded: no negative numbers
import { connect, NonRetryableError, task } from "queuack";

const store = task({
  name: "store",
  chunk: { size: 3, wait: "50ms" },
  run: async ({ inputs }: { readonly inputs: readonly number[] }) => {
    console.log(`a chunk of ${inputs.length}: ${inputs.join(", ")}`);
    return inputs.map((n) => (n < 0 ? new NonRetryableError("no negative numbers") : n * 10));
  },
});

const q = await connect(":memory:");
const jobs = await q.enqueueMany(store, [1, 2, 3, 4, -5]);
const worker = q.worker({ tasks: [store] });
await worker.start();
await worker.untilIdle();
const [first, last] = [await jobs[0]?.result(), await jobs.at(-1)?.get()];
console.log(`1 is row ${first}; -5 is ${last?.state}: ${last?.error?.message}`);
await q.close();
