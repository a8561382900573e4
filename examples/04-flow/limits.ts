// How many may run and start: limits by queue, task and group, shares by weight, and why a job does not run.
//
// Prints:
//   served: big, small, big, big, big, small, big, big
//   call-partner: 0 run, 8 started
//   The limit on task call-partner is full: 0 may run at a time.
import { connect, task } from "queuack";

const served: (string | null)[] = [];
const call = task({
  name: "call-partner",
  run: async ({ job }) => {
    served.push(job.group);
  },
});
const q = await connect(":memory:");

await q.limits.set({ queue: "reports" }, { concurrency: 4 });
await q.limits.set({ task: "call-partner" }, { rate: { limit: 100, per: "1s" } });
await q.limits.set({ group: "*" }, { concurrency: 2 });
await q.limits.set({ group: "big" }, { concurrency: 10, weight: 3 });

const jobs = [];
for (let n = 0; n < 6; n++) jobs.push(await q.enqueue(call, undefined, { group: "big" }));
for (let n = 0; n < 2; n++) jobs.push(await q.enqueue(call, undefined, { group: "small" }));

const worker = q.worker({ tasks: [call], concurrency: 1 });
await worker.start();
await Promise.all(jobs.map((job) => job.result()));
console.log(`served: ${served.join(", ")}`);

for (const { scope, running, started } of await q.limits.list()) {
  if (scope.task !== undefined) console.log(`${scope.task}: ${running} run, ${started} started`);
}

await q.limits.set({ task: "call-partner" }, { concurrency: 0 });
const late = await q.enqueue(call, undefined, { group: "small" });
const { summary, obstacles } = await q.explain(late.id);
if (obstacles[0]?.kind === "limit") console.log(summary);
await q.limits.remove({ task: "call-partner" });
await late.result();

// Whatever has been available for ten minutes rises by ten points of priority, again and again, up to 100.
await q.queues.configure("default", { escalation: { after: "10m", by: 10 } });

await worker.stop();
await q.close();
