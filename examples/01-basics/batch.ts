// A thousand jobs in one call and one commit: all of them are accepted or none (up to 10,000 in one call).
//
// Prints:
//   1000 accepted
//   nothing of a batch with a wrong input was accepted: 1000 waiting
//   the sum of the squares from 1 to 1000 is 333833500
import { connect, QueuackError, task } from "queuack";
import { z } from "zod";

const square = task({
  name: "square",
  input: z.number().int(),
  run: ({ input }) => input * input,
});

const q = await connect(":memory:");
const jobs = await q.enqueueMany(
  square,
  Array.from({ length: 1_000 }, (_, i) => i + 1),
);
console.log(`${jobs.length} accepted`);

try {
  await q.enqueueMany(square, [1, 2, 2.5]);
} catch (error) {
  if (!(error instanceof QueuackError) || error.code !== "QUEUACK_INVALID_INPUT") throw error;
  const stats = await q.queues.get("default");
  console.log(`nothing of a batch with a wrong input was accepted: ${stats?.waiting} waiting`);
}

await q.worker({ tasks: [square], concurrency: 100 }).start();
const squares = await Promise.all(jobs.map((job) => job.result()));
console.log(`the sum of the squares from 1 to 1000 is ${squares.reduce((sum, one) => sum + one, 0)}`);

await q.close();
