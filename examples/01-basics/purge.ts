// What is over is deleted by itself: completed jobs after a day, failed ones after a week, or as you say. Purging does it
// now. Running jobs always stay.
//
// Prints:
//   at first: 6 completed, 4 discarded, 5 scheduled
//   purged 0 that ended more than an hour ago
//   purged 4 dead letters of the task `fail`
//   purged 6 final jobs: 0 completed, 0 discarded, 5 scheduled
//   purged 5 scheduled jobs: 0 completed, 0 discarded, 0 scheduled
import { connect, task } from "queuack";

const fine = task({ name: "fine", run: () => "fine" });
const fail = task({
  name: "fail",
  retry: { maxAttempts: 1 },
  run: () => {
    throw new Error("broken");
  },
});

const q = await connect(":memory:", { retention: { completed: "2d", discarded: "30d" } });
// The dead letters of this one queue are kept longer.
await q.queues.configure("default", { retention: { discarded: "90d" } });
const jobs = [...(await q.enqueueMany(fine, Array(6).fill(null))), ...(await q.enqueueMany(fail, Array(4).fill(null)))];
await q.enqueueMany(fine, Array(5).fill(null), { delay: "1h" });
await q.worker({ tasks: [fine, fail] }).start();
await Promise.allSettled(jobs.map((job) => job.result()));
console.log(`at first: ${await counts()}`);

console.log(`purged ${await q.queues.purge("default", { olderThan: "1h" })} that ended more than an hour ago`);
console.log(`purged ${await q.dead.purge({ tasks: ["fail"] })} dead letters of the task \`fail\``);
console.log(`purged ${await q.queues.purge("default")} final jobs: ${await counts()}`);
const scheduled = await q.queues.purge("default", { states: ["scheduled"] });
console.log(`purged ${scheduled} scheduled jobs: ${await counts()}`);

await q.close();

async function counts(): Promise<string> {
  const stats = await q.queues.get("default");
  return (["completed", "discarded", "scheduled"] as const)
    .map((state) => `${stats?.counts[state]} ${state}`)
    .join(", ");
}
