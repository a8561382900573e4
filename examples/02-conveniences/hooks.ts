// Hooks: told of the jobs that this process runs, after the commit.
//
// Prints:
//   start: pay, attempt 1
//   failure: no network, again in 10 ms
//   start: pay, attempt 2
//   success: paid
//   start: pay, attempt 1
//   failure: no money, for the last time
//   dead: pay after 1 attempt
import { connect, NonRetryableError, type TaskContext, task } from "queuack";

const pay = task({
  name: "pay",
  retry: { backoff: "fixed", delay: 10, jitter: "none" },
  run: ({ input, attempt }: TaskContext<string>) => {
    if (input === "nothing") throw new NonRetryableError("no money");
    if (attempt === 1) throw new Error("no network");
    return "paid";
  },
});

const q = await connect(":memory:");
q.hooks({
  onStart: ({ task, attempt }) => console.log(`start: ${task}, attempt ${attempt}`),
  onSuccess: ({ result }) => console.log(`success: ${result}`),
  onFailure: ({ error, retryInMs }) =>
    console.log(`failure: ${error.message}, ${retryInMs === null ? "for the last time" : `again in ${retryInMs} ms`}`),
  onDead: ({ task, attempt }) => console.log(`dead: ${task} after ${attempt} attempt`),
});
await q.worker({ tasks: [pay] }).start();

await (await q.enqueue(pay, "all")).result();
await (await q.enqueue(pay, "nothing")).result().catch(() => undefined);
await q.close();
