import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Clock } from "../core/clock.ts";
import { task } from "../core/task.ts";
import { systemClock } from "../engine/system-clock.ts";
import { connect } from "../queue/connect.ts";
import { drain } from "./drain.ts";
import { type TestQueue, testQueue } from "./test-queue.ts";

let kit: TestQueue;
const ran: unknown[] = [];
const note = task({ name: "note", run: ({ input }: { input: unknown }) => void ran.push(input) });
const flaky = task({
  name: "flaky",
  retry: { maxAttempts: 4, delay: "1h", jitter: "none" },
  run: ({ attempt }) => {
    if (attempt < 3) throw new Error(`attempt ${attempt}`);
    return attempt;
  },
});
const hopeless = task({
  name: "hopeless",
  queue: "other",
  retry: { maxAttempts: 2, delay: "1d", jitter: "none" },
  run: () => {
    throw new Error("no");
  },
});

beforeEach(async () => {
  ran.length = 0;
  kit = await testQueue({ tasks: [note, flaky, hopeless] });
});
afterEach(() => kit.close());

describe("without moving the clock", () => {
  test("runs what is available, one at a time, in the order of priority and arrival", async () => {
    const { q } = kit;
    await q.enqueueMany([
      [note, 1],
      [note, 2],
      [note, 3, { priority: "high" }],
      [note, "later", { delay: "1h" }],
    ]);
    const summary = await drain(q);
    expect(ran).toEqual([3, 1, 2]);
    expect(summary).toMatchObject({ attempts: 3, failures: [], retryable: [], scheduled: [] });
    expect(summary.completed).toHaveLength(3);
    expect(await drain(q)).toMatchObject({ attempts: 0, completed: [] });
  });

  test("runs what jobs enqueue, also into queues that nobody knew", async () => {
    const { q } = kit;
    const parent = task({
      name: "parent",
      run: async ({ enqueue }) => {
        await enqueue(note, "child", { queue: "brand-new" });
        await enqueue(note, "other tenant", { tenant: "acme" });
      },
    });
    await q.enqueue(parent, null);
    const { completed } = await drain(q, { tasks: [parent, note] });
    expect(ran).toEqual(["other tenant", "child"]);
    expect(completed).toHaveLength(3);
  });

  test("tells where every job stands, and of every failure", async () => {
    const { q, clock } = kit;
    const nap = task({ name: "nap", run: ({ snooze }) => snooze("5m") });
    const quit = task({ name: "quit", run: ({ discard }) => discard("gave up") });
    const stopped = task({ name: "stopped", run: ({ job }) => q.jobs.cancel(job.id).then(() => clock.now()) });
    const [note1, flaky1, nap1, quit1] = await q.enqueueMany([
      [note, 1],
      [flaky],
      [nap, null],
      [quit, null],
      [stopped, null, { queue: "other" }],
    ]);
    const summary = await drain(q, { tasks: [note, flaky, nap, quit, stopped] });
    expect(summary).toMatchObject({
      completed: [note1?.id, expect.any(String)],
      retryable: [flaky1?.id],
      scheduled: [nap1?.id],
      discarded: [quit1?.id],
      cancelled: [],
      attempts: 5,
      failures: [
        { id: flaky1?.id, task: "flaky", attempt: 1, outcome: "failed", error: { message: "attempt 1" } },
        { id: quit1?.id, task: "quit", attempt: 1, outcome: "discarded", error: { message: "gave up" } },
      ],
    });
  });

  test("leaves paused queues and unknown tasks alone", async () => {
    const { q } = kit;
    await q.queues.pause("still");
    await q.enqueue(note, 1, { queue: "still" });
    await q.enqueue("stranger", 2);
    expect(await drain(q)).toMatchObject({ attempts: 0, completed: [] });
    expect((await q.jobs.list({ states: ["available"] })).items).toHaveLength(2);
  });

  test("runs several at a time where that is asked for", async () => {
    const { q } = kit;
    const waiting: (() => void)[] = [];
    const pair = task({
      name: "pair",
      run: () =>
        new Promise<void>((resolve) => {
          waiting.push(resolve);
          if (waiting.length === 2) for (const go of waiting) go();
        }),
    });
    await q.enqueueMany(pair, [1, 2]);
    expect((await drain(q, { tasks: [pair], concurrency: 2 })).completed).toHaveLength(2);
  });
});

describe("moving the clock", () => {
  test("runs what is scheduled and every retry at its own time", async () => {
    const { q, clock } = kit;
    const begin = clock.now();
    const at: [string, number][] = [];
    q.task("timed", ({ input }) => void at.push([input as string, clock.now() - begin]));
    await q.enqueue("timed", "week", { delay: "7d" });
    await q.enqueue("timed", "now");
    await q.enqueue("timed", "date", { runAt: new Date(begin + 90_000) });
    const job = await q.enqueue(flaky, undefined);
    const dead = await q.enqueue(hopeless, undefined);
    const summary = await drain(q, { advance: true });
    expect(at).toEqual([
      ["now", 0],
      ["date", 90_000],
      ["week", 604_800_000],
    ]);
    expect(summary).toMatchObject({ discarded: [dead.id], retryable: [], scheduled: [], attempts: 8 });
    expect(await job.result()).toBe(3);
    // An hour twice: that is the cap.
    expect((await job.get()).finishedAt?.getTime()).toBe(begin + 2 * 3_600_000);
    expect(clock.now()).toBe(begin + 604_800_000);
  });

  test("goes no further than it is told, and stands there", async () => {
    const { q, clock } = kit;
    const begin = clock.now();
    await q.enqueue(note, "a", { delay: "10m" });
    await q.enqueue(note, "b", { delay: "1h" });
    await q.enqueue(note, "c", { delay: "61m" });
    expect((await drain(q, { advance: "1h" })).completed).toHaveLength(2);
    expect(ran).toEqual(["a", "b"]);
    expect(clock.now()).toBe(begin + 3_600_000);
    await drain(q, { advance: 0 });
    expect(ran).toEqual(["a", "b"]);
  });

  test("does not wait for jobs of tasks that it doesn't run", async () => {
    const { q, clock } = kit;
    const begin = clock.now();
    await q.enqueue("stranger", 1, { delay: "1h" });
    await drain(q, { advance: true });
    expect(clock.now()).toBe(begin);
  });

  test("ends in an error when jobs follow each other for ever", async () => {
    const { q } = kit;
    const again = task({
      name: "again",
      run: async ({ enqueue }): Promise<void> => void (await enqueue("again", null, { delay: "1m" })),
    });
    const never = task({ name: "never", run: ({ snooze }) => snooze(0) });
    await q.enqueue(again, null);
    await expect(drain(q, { tasks: [again], advance: true, limit: 20 })).rejects.toMatchObject({
      code: "QUEUACK_NEVER_IDLE",
      message: expect.stringContaining("After 20 attempts the queue is still not idle; the last was of task again."),
    });
    await q.enqueue(never, null);
    await expect(drain(q, { tasks: [never], limit: 20 })).rejects.toMatchObject({ code: "QUEUACK_NEVER_IDLE" });
  });
});

test("a handler may move the clock", async () => {
  const { q, clock } = kit;
  const begin = clock.now();
  const slow = task({ name: "slow", timeout: "1m", run: () => clock.advance("59s") });
  const job = await q.enqueue(slow, null);
  expect((await drain(q, { tasks: [slow] })).completed).toEqual([job.id]);
  expect(clock.now()).toBe(begin + 59_000);
  const slower = task({ name: "slower", timeout: "1m", retry: { maxAttempts: 1 }, run: () => clock.advance("61s") });
  await q.enqueue(slower, null);
  expect((await drain(q, { tasks: [slower] })).failures).toMatchObject([{ task: "slower", outcome: "timed_out" }]);
});

test("a thousand jobs are no reason to give up", async () => {
  await kit.q.enqueueMany(note, Array(3_000).keys());
  expect((await drain(kit.q, { limit: 3_000 })).completed).toHaveLength(3_000);
});

test("a retryIf that throws does not go by unnoticed", async () => {
  const { q } = kit;
  const bug = new TypeError("bug");
  const wrong = task({
    name: "wrong",
    retry: {
      retryIf: () => {
        throw bug;
      },
    },
    run: () => {
      throw new Error("no");
    },
  });
  await q.enqueue(wrong, null);
  await expect(drain(q, { tasks: [wrong] })).rejects.toMatchObject({
    code: "QUEUACK_WORKER_TROUBLE",
    message: expect.stringContaining("retryIf of task wrong threw"),
    cause: bug,
  });
});

test("works on a queue whose time goes by itself", async () => {
  // Its timers come late, as they do on a busy machine: nothing is left to do before the engine has looked at them.
  const clock: Clock = { now: Date.now, timer: (ms, callback) => systemClock.timer(ms + 100, callback) };
  await using q = await connect(":memory:", { clock });
  await q.enqueue(note, 1);
  await q.enqueue(note, 2, { delay: "1ms" });
  while ((await q.jobs.list()).items.some(({ runAt }) => runAt.getTime() > Date.now()));
  await drain(q, { tasks: [note] });
  expect(ran).toEqual([1, 2]);
  await expect(drain(q, { tasks: [note], advance: true })).rejects.toMatchObject({ code: "QUEUACK_NOT_ALLOWED" });
});

test("refuses what it doesn't know", async () => {
  const { q } = kit;
  const invalid = { code: "QUEUACK_INVALID_OPTION" };
  await expect(drain(q, { limit: 0 })).rejects.toMatchObject(invalid);
  await expect(drain(q, { advance: "soon" })).rejects.toMatchObject(invalid);
  await expect(drain(q, { concurrency: 0 })).rejects.toMatchObject(invalid);
  await expect(drain(q, { task: [note] } as object)).rejects.toMatchObject(invalid);
});
