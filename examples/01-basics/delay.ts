// Jobs that start later: after a delay, or at a time. Until then they are `scheduled`.
//
// Prints:
//   states: available, scheduled, scheduled
//   now
//   after 200 ms
//   at a time
import { connect, task } from "queuack";

const start = Date.now();
const say = task({
  name: "say",
  run: ({ input }: { input: { text: string; notBefore: number } }) => {
    if (Date.now() - start < input.notBefore) throw new Error("too early");
    console.log(input.text);
  },
});

const q = await connect(":memory:");
const jobs = [
  await q.enqueue(say, { text: "at a time", notBefore: 400 }, { runAt: new Date(start + 400) }),
  await q.enqueue(say, { text: "after 200 ms", notBefore: 200 }, { delay: "200ms" }),
  await q.enqueue(say, { text: "now", notBefore: 0 }),
];
const states = await Promise.all(jobs.map(async (job) => (await job.get()).state));
console.log(`states: ${states.sort().join(", ")}`);

await q.worker({ tasks: [say] }).start();
await Promise.all(jobs.map((job) => job.result()));

await q.close();
