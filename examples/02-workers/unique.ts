// Enqueued twice, run once: a job is unique by its task, its queue and the fields of its input that are named. What becomes
// of the second is said by `onConflict`. With "replace" and a delay this is a debounce that keeps the last value.
//
// Prints:
//   the second is the first: true (ignored)
//   the document was indexed once, as version 3
import { connect, task } from "queuack";

const q = await connect(":memory:");
const welcome = task({ name: "welcome", run: () => undefined });
const first = await q.enqueue(welcome, { user: 1 }, { unique: true });
const second = await q.enqueue(welcome, { user: 1 }, { unique: true });
console.log(`the second is the first: ${second.id === first.id} (${second.conflict})`);

const indexed: number[] = [];
const index = task({
  name: "index",
  unique: {
    by: ["document"],
    // Not while it runs: a change that comes then needs another run.
    states: ["scheduled", "pending", "available", "retryable"],
    onConflict: "replace",
  },
  run: ({ input }: { input: { document: string; version: number } }) => void indexed.push(input.version),
});
for (const version of [1, 2, 3]) await q.enqueue(index, { document: "a", version }, { delay: "50ms" });
const worker = q.worker({ tasks: [index] });
const done = new Promise<void>((resolve) => q.on("job:completed", () => resolve()));
await worker.start();
await done;
console.log(`the document was indexed once, as version ${indexed.join(", ")}`);
await q.close();
