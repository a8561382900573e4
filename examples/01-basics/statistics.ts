// The figures of the queues: counted as jobs move, so that asking costs the same however many jobs there are.
//
// Prints:
//   before  mail: 20 waiting (18 available, 2 scheduled), 0 completed, 0 discarded
//   after   mail: 2 waiting (0 available, 2 scheduled), 15 completed, 3 discarded
//   within the last 5 minutes: 15 completed, 3 failed
//   worker: running, 4 at a time
import { connect, type TaskContext, task } from "queuack";

const send = task({
  name: "send",
  queue: "mail",
  run: ({ input, discard }: TaskContext<number>) => {
    if (input % 6 === 0) discard("no such mailbox");
  },
});

const q = await connect(":memory:");
const jobs = await q.enqueueMany(
  send,
  Array.from({ length: 18 }, (_, i) => i),
);
await q.enqueueMany(send, [18, 19], { delay: "1h" });
console.log(`before  ${await figures()}`);

await q.worker({ tasks: [send], concurrency: 4 }).start();
await Promise.allSettled(jobs.map((job) => job.result()));
console.log(`after   ${await figures()}`);

const recent = (await q.queues.get("mail"))?.recent;
console.log(
  `within the last ${Number(recent?.windowMs) / 60_000} minutes: ${recent?.completed} completed, ${recent?.failed} failed`,
);
for (const { state, concurrency } of await q.listWorkers()) console.log(`worker: ${state}, ${concurrency} at a time`);
await q.close();

async function figures(): Promise<string> {
  const lines = (await q.stats()).map(({ queue, waiting, counts }) => {
    const { available, scheduled, completed, discarded } = counts;
    const detail = `${available} available, ${scheduled} scheduled`;
    return `${queue}: ${waiting} waiting (${detail}), ${completed} completed, ${discarded} discarded`;
  });
  return lines.join("\n");
}
