// Middleware: a trace id that travels with every job, to the handler and to the jobs that it enqueues; and a refusal.
//
// Prints:
//   resize in trace t-1
//   notify in trace t-1
//   refused: The queue is closed for the night.
import { AsyncLocalStorage } from "node:async_hooks";
import { connect, task } from "queuack";

const trace = new AsyncLocalStorage<string>();
let night = false;

const q = await connect(":memory:");
q.use({
  enqueue: async ({ options }, next) => {
    await next({ options: { ...options, metadata: { ...options.metadata, trace: trace.getStore() } } });
  },
  run: ({ job }, next) => trace.run(String(job.metadata?.trace), next),
});
q.use({
  enqueue: async (_submission, next) => {
    if (night) throw new Error("The queue is closed for the night.");
    await next();
  },
});

const notify = task({ name: "notify", run: () => console.log("notify in trace", trace.getStore()) });
const resize = task({
  name: "resize",
  run: async ({ enqueue }) => {
    console.log("resize in trace", trace.getStore());
    return (await enqueue(notify, undefined)).id;
  },
});
await q.worker({ tasks: [resize, notify] }).start();

const job = await trace.run("t-1", () => q.enqueue(resize, undefined));
await q.job(await job.result()).result();

night = true;
await q.enqueue(resize, undefined).catch((error: Error) => console.log("refused:", error.message));
await q.close();
