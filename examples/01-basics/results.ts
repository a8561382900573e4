// Results are kept with their jobs. A job that fails for good goes to the dead letter queue, from where it can be retried
// once the cause is mended.
//
// Prints:
//   result: 42
//   found again by its id: 42
//   QUEUACK_JOB_FAILED because of: the printer is on fire
//   dead letters: print (failed) after 2 attempts
//   retried: 1
//   result of the second life: printed, in generation 2
//   dead letters: none
import { connect, QueuackError, task } from "queuack";

let onFire = true;
const answer = task({ name: "answer", run: () => 42 });
const print = task({
  name: "print",
  retry: { maxAttempts: 2, delay: "10ms" },
  run: ({ job }) => {
    if (onFire) throw new Error("the printer is on fire");
    return `printed, in generation ${job.generation}`;
  },
});

const q = await connect(":memory:");
await q.worker({ tasks: [answer, print] }).start();

const easy = await q.enqueue(answer);
console.log(`result: ${await easy.result({ timeout: "5s" })}`);
// The id is all that another process would need.
console.log(`found again by its id: ${await q.job<number>(easy.id).result()}`);

const hard = await q.enqueue(print);
try {
  await hard.result();
} catch (error) {
  if (!(error instanceof QueuackError)) throw error;
  console.log(`${error.code} because of: ${(error.cause as Error).message}`);
}
await list();

onFire = false;
console.log(`retried: ${await q.dead.retry(hard.id)}`);
console.log(`result of the second life: ${await hard.result()}`);
await list();

await q.close();

async function list(): Promise<void> {
  const { items } = await q.dead.list();
  const lines = items.map(({ task, outcome, attempt }) => `${task} (${outcome}) after ${attempt} attempts`);
  console.log(`dead letters: ${lines.join(", ") || "none"}`);
}
