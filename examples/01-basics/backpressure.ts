// A queue accepts only so much work ahead of its workers: it warns, then refuses, or lets the producer wait for room.
//
// Prints:
//   warned at 3 waiting jobs
//   refused: QUEUACK_QUEUE_FULL at 5 waiting jobs
//   all 20 accepted, never more than 5 waiting
import { connect, QueuackError, task } from "queuack";

const work = task({ name: "work", run: () => undefined });

const q = await connect(":memory:", { backpressure: { warnAt: 3, limit: 5 } });
const warned = new Promise<void>((resolve) => {
  q.on("queue:backpressure", ({ waiting }) => {
    console.log(`warned at ${waiting} waiting jobs`);
    resolve();
  });
});
for (let i = 0; i < 5; i++) await q.enqueue(work);
await warned;
try {
  await q.enqueue(work);
} catch (error) {
  if (!(error instanceof QueuackError)) throw error;
  console.log(`refused: ${error.code} at ${error.details.limit} waiting jobs`);
}
await q.close();

// The other way: enqueue() resolves when there is room.
const patient = await connect(":memory:", { backpressure: { limit: 5, onLimit: "wait" } });
const worker = patient.worker({ tasks: [work], concurrency: 1 });
let most = 0;
let accepted = 0;
for (let i = 0; i < 20; i++) {
  if (i === 5) await worker.start();
  await patient.enqueue(work);
  accepted++;
  most = Math.max(most, (await patient.queues.get("default"))?.waiting ?? 0);
}
console.log(`all ${accepted} accepted, never more than ${most} waiting`);
await patient.close();
