// What a handler throws fails the attempt; the job is tried again after a delay that grows. Three attempts by default.
//
// Prints:
//   flaky: fine at last, in attempt 3
//   flaky failed before: 1. connection lost, 2. connection lost
//   choosy was tried 1 time: no such customer
//   patient: fine, in attempt 2
import { connect, NonRetryableError, QueuackError, RetryAfter, task } from "queuack";

const flaky = task({
  name: "flaky",
  // 50 ms, then 100 ms; jitter would draw from 0 to that, so that many failed jobs don't come back at once.
  retry: { maxAttempts: 5, backoff: "exponential", delay: "50ms", jitter: "none" },
  run: ({ attempt }) => {
    if (attempt < 3) throw new Error("connection lost");
    return `fine at last, in attempt ${attempt}`;
  },
});

/** Another attempt would be pointless: straight to the dead letter queue. */
const choosy = task({
  name: "choosy",
  run: () => {
    throw new NonRetryableError("no such customer");
  },
});

/** Knows itself when to come back. */
const patient = task({
  name: "patient",
  run: ({ attempt }) => {
    if (attempt === 1) throw new RetryAfter("100ms", "rate limited");
    return `fine, in attempt ${attempt}`;
  },
});

const q = await connect(":memory:");
await q.worker({ tasks: [flaky, choosy, patient] }).start();

const first = await q.enqueue(flaky);
console.log(`flaky: ${await first.result()}`);
const failures = await first.attempts();
console.log(`flaky failed before: ${failures.map(({ attempt, error }) => `${attempt}. ${error.message}`).join(", ")}`);

const second = await q.enqueue(choosy);
await second.result().catch((error: unknown) => {
  if (!(error instanceof QueuackError) || error.code !== "QUEUACK_JOB_FAILED") throw error;
});
const { attempt, error } = await second.get();
console.log(`choosy was tried ${attempt} time: ${error?.message}`);

console.log(`patient: ${await (await q.enqueue(patient)).result()}`);

await q.close();
