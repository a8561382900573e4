import assert from "node:assert/strict";
import { drain, expectEnqueued, expectNotEnqueued, runJob, type TestQueue, testQueue } from "queuack/testing";
import { afterEach, beforeEach, test } from "vitest";
import { mailer, remind, signUp, welcome } from "./signup.ts";

let kit: TestQueue;
let sent: string[];

beforeEach(async () => {
  kit = await testQueue({ tasks: [welcome, remind] });
  sent = [];
  mailer.send = async (to, text) => void sent.push(`${to}: ${text}`);
});

afterEach(() => kit.close());

test("a handler by itself", async () => {
  const run = await runJob(welcome, { name: "Ada", address: "ada@example.org" });
  assert.equal(run.outcome, "completed");
  assert.deepEqual(sent, ["ada@example.org: Welcome, Ada!"]);
  assert.deepEqual(run.logs, [{ level: "info", message: "welcomed", data: { address: "ada@example.org" } }]);
  assert.equal(run.enqueued[0]?.task, "remind");
  assert.deepEqual(run.enqueued[0]?.options, { delay: "7d" });
});

test("signing up enqueues a welcome", async () => {
  const { q } = kit;
  await signUp(q, "Ada", "ada@example.org");
  await expectEnqueued(q, welcome, { name: "Ada" }, { priority: "high", tags: ["signup"] });
  await expectEnqueued(q, welcome, ({ address }) => address.endsWith("@example.org"), { count: 1 });
  await expectNotEnqueued(q, remind);
});

test("the welcome goes out at once, the reminder waits", async () => {
  const { q } = kit;
  await signUp(q, "Ada", "ada@example.org");
  const { completed, failures } = await drain(q);
  assert.equal(completed.length, 1);
  assert.deepEqual(failures, []);
  assert.deepEqual(sent, ["ada@example.org: Welcome, Ada!"]);
  await expectEnqueued(q, remind, { name: "Ada" }, { delay: "7d" });
});

test("a week later, without waiting for it", async () => {
  const { q, clock } = kit;
  const start = clock.now();
  await signUp(q, "Ada", "ada@example.org");
  await drain(q, { advance: true });
  assert.deepEqual(sent, ["ada@example.org: Welcome, Ada!", "ada@example.org: Still there, Ada?"]);
  assert.equal(clock.now() - start, 7 * 24 * 3_600_000);
});

test("a mail server that is down for a minute", async () => {
  const { q, clock } = kit;
  const up = clock.now() + 60_000;
  mailer.send = async () => {
    if (clock.now() < up) throw new Error("the mail server is down");
  };
  await signUp(q, "Ada", "ada@example.org");
  const first = await drain(q);
  assert.equal(first.retryable.length, 1);
  assert.equal(first.failures[0]?.error.message, "the mail server is down");
  const second = await drain(q, { advance: "1m" });
  assert.deepEqual(second.completed, first.retryable);
});

test("with a worker of the test's own", async () => {
  const { q, clock } = kit;
  await q.worker({ tasks: [welcome, remind] }).start();
  await signUp(q, "Ada", "ada@example.org");
  await clock.advance(0);
  assert.deepEqual(sent, ["ada@example.org: Welcome, Ada!"]);
});
