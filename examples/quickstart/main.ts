import { connect, task } from "queuack";
import { z } from "zod";

// What to do, under a name: workers find it by that name, also after a restart.
const greet = task({
  name: "greet",
  input: z.object({ name: z.string() }),
  retry: { maxAttempts: 5 },
  run: async ({ input }) => `Hello, ${input.name}!`,
});

// A SQLite file is the queue; it is made when it is not there.
const q = await connect("jobs.db");
await q.worker({ tasks: [greet], concurrency: 4 }).start();

// Resolves once the job is on disk.
const job = await q.enqueue(greet, { name: "Ada" });
console.log(await job.result({ timeout: "10s" }));

// Lets running jobs end.
await q.close();
