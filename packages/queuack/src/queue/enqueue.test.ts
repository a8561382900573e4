import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { type JobOptions, task } from "../core/task.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { connect } from "./connect.ts";
import type { Queue } from "./queue.ts";

const id = "0190b2f4-8f3e-7c3a-9d2b-5b1f4d6e7a80";
let clock: FakeClock;
let q: Queue;
beforeEach(async () => {
  clock = new FakeClock();
  q = await connect(":memory:", { clock });
});
afterEach(() => q.close());

const accepted = async (options: JobOptions) => (await q.enqueue("mail", undefined, options)).get();
const everything = async () => (await q.jobs.list()).items;

describe("a job says what it is by its options, its task and the connection, in this order", () => {
  const image = task({
    name: "image",
    run: () => 1,
    queue: "images",
    priority: "high",
    timeout: "2m",
    retry: { maxAttempts: 5, backoff: "linear", delay: "2s" },
  });

  test("a job of a name alone follows the defaults", async () => {
    expect(await accepted({})).toMatchObject({
      task: "mail",
      tenant: "default",
      queue: "default",
      state: "available",
      priority: 50,
      maxAttempts: 3,
      retry: null,
      timeoutMs: null,
      attempt: 0,
      generation: 1,
      input: undefined,
      tags: [],
      metadata: null,
      expiresAt: null,
      createdAt: new Date(clock.now()),
      runAt: new Date(clock.now()),
    });
  });

  test("a task's own options go before them", async () => {
    expect(await (await q.enqueue(image, undefined)).get()).toMatchObject({
      queue: "images",
      priority: 75,
      timeoutMs: 120_000,
      maxAttempts: 5,
      retry: { backoff: "linear", baseMs: 2_000, capMs: 3_600_000 },
    });
  });

  test("the job's go before the task's", async () => {
    const options: JobOptions = {
      queue: "later",
      priority: 1,
      timeout: "3m",
      maxAttempts: 1,
      backoff: { delay: "9s" },
    };
    expect(await (await q.enqueue(image, undefined, options)).get()).toMatchObject({
      queue: "later",
      priority: 1,
      timeoutMs: 180_000,
      maxAttempts: 1,
      retry: { backoff: "linear", baseMs: 9_000 },
    });
  });

  test("a task that the connection knows is found by its name", async () => {
    q.task("resize", () => 1, { queue: "images", input: z.object({ width: z.number() }) });
    expect(await (await q.enqueue("resize", { width: 5 })).get()).toMatchObject({
      queue: "images",
      input: { width: 5 },
    });
    await expect(q.enqueue("resize", { width: "5" })).rejects.toMatchObject({ code: "QUEUACK_INVALID_INPUT" });
  });
});

describe("the options of a job", () => {
  test.each([
    ["low", 25],
    ["normal", 50],
    ["high", 75],
    [0, 0],
    [100, 100],
  ] as const)("priority %s is %d", async (priority, number) => {
    expect(await accepted({ priority })).toMatchObject({ priority: number });
  });

  test("delay puts the start ahead of now", async () => {
    expect(await accepted({ delay: "90s" })).toMatchObject({
      state: "scheduled",
      runAt: new Date(clock.now() + 90_000),
    });
    expect(await accepted({ delay: 0 })).toMatchObject({ state: "available" });
  });

  test("runAt is a date or milliseconds; one that has passed is now", async () => {
    const soon = new Date(clock.now() + 1_000);
    expect(await accepted({ runAt: soon })).toMatchObject({ state: "scheduled", runAt: soon });
    expect(await accepted({ runAt: soon.getTime() })).toMatchObject({ state: "scheduled", runAt: soon });
    expect(await accepted({ runAt: 0 })).toMatchObject({ state: "available" });
  });

  test("tags and metadata are kept", async () => {
    const said = { tags: ["vip", "eu"], metadata: { order: 5, from: { shop: "b" } } };
    expect(await accepted(said)).toMatchObject(said);
  });

  test("tenant is another namespace", async () => {
    expect(await accepted({ tenant: "acme" })).toMatchObject({ tenant: "acme" });
    expect(await everything()).toEqual([]);
    expect((await q.jobs.list({ tenant: "acme" })).items).toHaveLength(1);
  });

  test("expiresIn discards a job that nobody has started by then", async () => {
    await using other = await connect(":memory:", { clock, tasks: [task({ name: "idle", run: () => 1 })], workers: 1 });
    const job = await other.enqueue("mail", 1, { expiresIn: "10s" });
    expect((await job.get()).expiresAt).toEqual(new Date(clock.now() + 10_000));
    const result = expect(job.result()).rejects.toMatchObject({
      code: "QUEUACK_JOB_FAILED",
      details: { state: "discarded", outcome: "expired" },
    });
    await clock.advance("10s");
    await result;
  });

  test.each<[string, JobOptions["backoff"], object]>([
    ["a word", "fixed", { backoff: "fixed", baseMs: 1_000, capMs: 3_600_000, factor: 2, jitter: "full" }],
    [
      "a shape",
      { backoff: "polynomial", delay: "2s", cap: "1m", factor: 3, jitter: "none" },
      { backoff: "polynomial", baseMs: 2_000, capMs: 60_000, factor: 3, jitter: "none" },
    ],
    ["a part of it", { delay: 5 }, { backoff: "exponential", baseMs: 5 }],
  ])("backoff is %s", async (_, backoff, policy) => {
    expect(await accepted({ backoff })).toMatchObject({ retry: policy });
  });

  test("an id of the caller's own makes repetition safe", async () => {
    const first = await q.enqueue("mail", 1, { id: id.toUpperCase() });
    const again = await q.enqueue("mail", 2, { id });
    expect([first.id, first.duplicate, again.id, again.duplicate]).toEqual([id, false, id, true]);
    expect((await again.get()).input).toBe(1);
    expect(await everything()).toHaveLength(1);
  });

  test("an idempotency key stands for one job of its tenant", async () => {
    const first = await q.enqueue("mail", 1, { idempotencyKey: "order-5" });
    const again = await q.enqueue("mail", 2, { idempotencyKey: "order-5" });
    expect([again.id, again.duplicate]).toEqual([first.id, true]);
    const elsewhere = await q.enqueue("mail", 3, { idempotencyKey: "order-5", tenant: "acme" });
    expect(elsewhere.duplicate).toBe(false);
    await q.jobs.delete(first.id);
    expect((await q.enqueue("mail", 4, { idempotencyKey: "order-5" })).duplicate).toBe(false);
  });
});

describe("an option that is wrong is refused and nothing is left behind", () => {
  test.each<[string, object, RegExp]>([
    ["an unknown one", { retries: 5 }, /no option "retries".*maxAttempts/],
    ["id", { id: "5" }, /id is "5".*UUID/],
    ["priority", { priority: 50.5 }, /priority is 50\.5.*0 to 100/],
    ["delay", { delay: "soon" }, /delay is "soon".*"5m"/],
    ["a delay beyond all dates", { delay: 1e17 }, /delay is 1/],
    ["runAt", { runAt: new Date("never") }, /runAt is an invalid Date/],
    ["runAt as text", { runAt: "2026-01-01" }, /runAt is "2026-01-01".*Date, or milliseconds/],
    ["runAt beyond all dates", { runAt: 1e17 }, /runAt is 1/],
    ["delay and runAt", { delay: 1, runAt: 1 }, /Both delay and runAt/],
    ["maxAttempts", { maxAttempts: 0 }, /maxAttempts is 0.*1 to 10000/],
    ["backoff", { backoff: "slow" }, /backoff .* is "slow".*exponential/],
    ["another library's backoff", { backoff: { type: "fixed" } }, /"type".*backoff, delay/],
    ["a backoff function", { backoff: { backoff: () => 1 } }, /backoff .* a function.*belong to the task/],
    ["backoff as a number", { backoff: 5 }, /backoff is 5/],
    ["timeout", { timeout: 0 }, /timeout is 0.*above zero/],
    ["expiresIn", { expiresIn: "0s" }, /expiresIn is 0.*above zero/],
    ["queue", { queue: "two words" }, /queue is "two words"/],
    ["tenant", { tenant: "" }, /tenant is ""/],
    ["tags", { tags: "vip" }, /tags is "vip".*50/],
    ["a tag", { tags: [5] }, /tags is \[5\]/],
    ["too many tags", { tags: Array(51).fill("x") }, /tags is .*at most 50/],
    ["metadata", { metadata: "order" }, /metadata is "order".*object/],
    ["an empty idempotencyKey", { idempotencyKey: "" }, /idempotencyKey is "".*1 to 500/],
    ["idempotencyKey as a number", { idempotencyKey: 5 }, /idempotencyKey is 5.*text/],
    ["options as a whole", { toString: 5 }, /no option "toString"/],
  ])("%s", async (_, options, message) => {
    await expect(q.enqueue("mail", undefined, options as JobOptions)).rejects.toMatchObject({
      code: "QUEUACK_INVALID_OPTION",
      message: expect.stringMatching(message),
    });
    expect(await everything()).toEqual([]);
  });

  test("metadata that can't be stored", async () => {
    await expect(q.enqueue("mail", 1, { metadata: { a: [1n] } })).rejects.toMatchObject({
      code: "QUEUACK_NOT_STORABLE",
      message: expect.stringContaining("metadata.a[0]"),
    });
  });

  test.each([undefined, null, 5, {}, () => 1])("something that is no task: %s", async (nothing) => {
    await expect(q.enqueue(nothing as never)).rejects.toMatchObject({ code: "QUEUACK_INVALID_TASK" });
  });

  test("a task's name that is none", async () => {
    await expect(q.enqueue("two words")).rejects.toMatchObject({ code: "QUEUACK_INVALID_TASK" });
  });
});

describe("an input that is refused leaves nothing behind", () => {
  const sized = task({ name: "sized", input: z.object({ width: z.coerce.number() }), run: ({ input }) => input.width });

  test("by the schema of its task, asynchronous or not", async () => {
    await expect(q.enqueue(sized, { width: "wide" })).rejects.toMatchObject({ code: "QUEUACK_INVALID_INPUT" });
    const slow = task({ name: "slow", input: z.string().refine(async (text) => text !== ""), run: () => 1 });
    await expect(q.enqueue(slow, "")).rejects.toMatchObject({ code: "QUEUACK_INVALID_INPUT" });
    expect(await everything()).toEqual([]);
  });

  test("because it can't be stored, or is too large", async () => {
    await expect(q.enqueue("mail", { to: [() => 1] })).rejects.toMatchObject({
      code: "QUEUACK_NOT_STORABLE",
      message: expect.stringContaining("input.to[0]"),
    });
    await using small = await connect(":memory:", { payloadLimit: 10 });
    await expect(small.enqueue("mail", "ééééé")).rejects.toMatchObject({ code: "QUEUACK_PAYLOAD_TOO_LARGE" });
    expect(await everything()).toEqual([]);
  });

  test("what is stored is what was sent: the worker's schema transforms it", async () => {
    expect((await (await q.enqueue(sized, { width: "300" })).get()).input).toEqual({ width: "300" });
  });
});
