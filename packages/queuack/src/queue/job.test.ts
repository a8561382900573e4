import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NonRetryableError, QueuackError } from "../core/errors.ts";
import { task } from "../core/task.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { Gate, untilAborted } from "../worker/fixtures/test-house.ts";
import { connect } from "./connect.ts";
import { temporaryFolder } from "./fixtures/temporary-folder.ts";
import type { Queue } from "./queue.ts";

const nobody = "0190b2f4-8f3e-7c3a-9d2b-5b1f4d6e7a80";
const double = task({ name: "double", run: async ({ input }: { input: number }) => ({ twice: input * 2 }) });
const quiet = task({ name: "quiet", run: async () => undefined });
const broken = task({
  name: "broken",
  retry: { maxAttempts: 2, backoff: "fixed", delay: "1s", jitter: "none" },
  run: async ({ attempt, log }) => {
    log("trying", { attempt });
    throw Object.assign(new TypeError(`boom ${attempt}`), { code: "E_BOOM" });
  },
});
const hopeless = task({
  name: "hopeless",
  run: () => {
    throw new NonRetryableError("no such customer");
  },
});
const patient = task({ name: "patient", run: ({ signal }) => untilAborted(signal) });

let clock: FakeClock;
let q: Queue;
beforeEach(async () => {
  clock = new FakeClock();
  q = await connect(":memory:", { clock, tasks: [double, quiet, broken, hopeless, patient], workers: 1 });
});
afterEach(() => q.close());

const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable("it should have failed"),
    (error: QueuackError) => error,
  );

describe("the result of a job", () => {
  test("is what its handler returned", async () => {
    expect(await (await q.enqueue(double, 21)).result()).toEqual({ twice: 42 });
    expect(await (await q.enqueue(quiet, undefined)).result()).toBeUndefined();
  });

  test("can be asked for afterwards, by many, and by the id alone", async () => {
    const job = await q.enqueue(double, 4);
    const all = await Promise.all([job.result(), job.result(), q.job(job.id).result()]);
    expect(all).toEqual([{ twice: 8 }, { twice: 8 }, { twice: 8 }]);
    expect(await q.job(job.id).result({ timeout: 0 })).toEqual({ twice: 8 });
  });

  test("is a failure with the last error as its cause, once no attempt is left", async () => {
    const job = await q.enqueue(broken, undefined);
    const failed = caught(job.result());
    await clock.advance("1s");
    const error = await failed;
    expect(error).toBeInstanceOf(QueuackError);
    expect(error).toMatchObject({
      code: "QUEUACK_JOB_FAILED",
      message: expect.stringContaining("ended as discarded (failed): boom 2."),
      details: { id: job.id, state: "discarded", outcome: "failed" },
      cause: {
        name: "TypeError",
        message: "boom 2",
        code: "E_BOOM",
        stack: expect.stringContaining("TypeError: boom 2"),
      },
    });
    expect(error.cause).toBeInstanceOf(Error);
    expect((await caught(job.result())).cause).toMatchObject({ message: "boom 2" });
  });

  test("is a failure at once when another attempt is pointless", async () => {
    await expect((await q.enqueue(hopeless, undefined)).result()).rejects.toMatchObject({
      code: "QUEUACK_JOB_FAILED",
      cause: { name: "NonRetryableError", message: "no such customer" },
    });
  });

  test("of a job that is cancelled says so: while it waits, while it runs, and afterwards", async () => {
    const waiting = await q.enqueue(double, 1, { delay: "1h" });
    const told = caught(waiting.result());
    expect(await waiting.cancel()).toBe(true);
    expect(await told).toMatchObject({ code: "QUEUACK_JOB_CANCELLED", details: { id: waiting.id } });
    expect(await caught(waiting.result())).toMatchObject({ code: "QUEUACK_JOB_CANCELLED" });
    expect(await waiting.cancel()).toBe(false);

    const running = await q.enqueue(patient, undefined);
    const ended = caught(running.result());
    await clock.advance(0);
    expect((await running.get()).state).toBe("running");
    expect(await running.cancel()).toBe(true);
    expect(await ended).toMatchObject({ code: "QUEUACK_JOB_CANCELLED" });
  });

  test("that does not come in time leaves the job alone", async () => {
    const job = await q.enqueue(double, 3, { delay: "1m" });
    const late = caught(job.result({ timeout: "30s" }));
    await clock.advance("30s");
    expect(await late).toMatchObject({
      code: "QUEUACK_RESULT_TIMEOUT",
      message: expect.stringContaining("had not ended after 30000 ms"),
      details: { id: job.id, timeoutMs: 30_000 },
    });
    const result = job.result();
    await clock.advance("30s");
    expect(await result).toEqual({ twice: 6 });
  });

  test("of a job that nobody knows", async () => {
    expect(await caught(q.job(nobody).result())).toMatchObject({
      code: "QUEUACK_UNKNOWN_JOB",
      details: { id: nobody },
    });
    expect(await caught(q.job("no id at all").result())).toMatchObject({ code: "QUEUACK_UNKNOWN_JOB" });
  });

  test("of a job that is deleted while it is waited for", async () => {
    const job = await q.enqueue(double, 3, { delay: "1m" });
    const lost = caught(job.result());
    expect(await q.jobs.delete(job.id)).toBe(1);
    expect(await lost).toMatchObject({ code: "QUEUACK_UNKNOWN_JOB" });
  });

  test("with a timeout that is none", async () => {
    const job = await q.enqueue(double, 3, { delay: "1m" });
    await expect(job.result({ timeout: "soon" })).rejects.toMatchObject({ code: "QUEUACK_INVALID_OPTION" });
  });
});

describe("the handle of a job", () => {
  test("shows the job, its failed attempts and its log", async () => {
    const job = await q.enqueue(broken, { a: 1 });
    const ended = caught(job.result());
    const before = clock.now();
    await clock.advance("1s");
    await ended;
    expect(await job.get()).toMatchObject({
      id: job.id,
      state: "discarded",
      outcome: "failed",
      attempt: 2,
      input: { a: 1 },
    });
    expect(await job.attempts()).toMatchObject([
      { attempt: 1, outcome: "failed", error: { message: "boom 1" }, startedAt: new Date(before) },
      { attempt: 2, outcome: "failed", error: { message: "boom 2" }, startedAt: new Date(before + 1_000) },
    ]);
    const [worker] = await q.listWorkers();
    expect((await job.attempts()).map((attempt) => attempt.worker)).toEqual([worker?.id, worker?.id]);
    expect(await job.logs()).toMatchObject([
      { level: "info", message: "trying", data: { attempt: 1 }, attempt: 1, at: new Date(before) },
      { level: "info", message: "trying", data: { attempt: 2 }, attempt: 2, at: new Date(before + 1_000) },
    ]);
    expect([await q.jobs.attempts(job.id), await q.jobs.logs(job.id)]).toEqual([
      await job.attempts(),
      await job.logs(),
    ]);
  });

  test("of a job that nobody knows", async () => {
    expect(await caught(q.job(nobody).get())).toMatchObject({ code: "QUEUACK_UNKNOWN_JOB" });
    expect(await caught(q.job(nobody).cancel())).toMatchObject({ code: "QUEUACK_UNKNOWN_JOB" });
    expect(await q.job(nobody).attempts()).toEqual([]);
    expect(await q.job(nobody).logs()).toEqual([]);
  });
});

describe("from another connection on the same file, as from another process", () => {
  const onFile = async () => {
    const path = join(temporaryFolder(), "jobs.db");
    return { asks: await connect(path), works: await connect(path, { tasks: [double, broken], workers: 1 }) };
  };

  test("the result comes through", async () => {
    const { asks, works } = await onFile();
    expect(await (await asks.enqueue(double, 5)).result()).toEqual({ twice: 10 });
    const failing = await asks.enqueue(broken, undefined, { maxAttempts: 1 });
    expect(await caught(failing.result())).toMatchObject({ code: "QUEUACK_JOB_FAILED", cause: { message: "boom 1" } });
    await Promise.all([asks.close(), works.close()]);
  });

  test("many results at once come through", async () => {
    const { asks, works } = await onFile();
    const jobs = await asks.enqueueMany(double, [1, 2, 3, 4, 5, 6, 7, 8]);
    const results = await Promise.all(jobs.map((job) => job.result()));
    expect(results.map(({ twice }) => twice)).toEqual([2, 4, 6, 8, 10, 12, 14, 16]);
    await Promise.all([asks.close(), works.close()]);
  });

  test("so do cancellation and deletion", async () => {
    const { asks, works } = await onFile();
    const [one, two] = await asks.enqueueMany(double, [1, 2], { delay: "1h" });
    const ended = [
      caught((one as NonNullable<typeof one>).result()),
      caught((two as NonNullable<typeof two>).result()),
    ];
    await works.jobs.cancel(one?.id as string);
    await works.jobs.delete(two?.id as string);
    expect(await Promise.all(ended)).toMatchObject([
      { code: "QUEUACK_JOB_CANCELLED" },
      { code: "QUEUACK_UNKNOWN_JOB" },
    ]);
    await Promise.all([asks.close(), works.close()]);
  });

  test("a running job is cancelled from there", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    const started = new Gate();
    const long = task({
      name: "long",
      run: ({ signal }) => {
        started.open();
        return untilAborted(signal);
      },
    });
    await using asks = await connect(path);
    await using _ = await connect(path, { tasks: [long], workers: 1, worker: { lease: "600ms", heartbeat: "100ms" } });
    const job = await asks.enqueue(long, undefined);
    await started.passed;
    await job.cancel();
    expect(await caught(job.result())).toMatchObject({ code: "QUEUACK_JOB_CANCELLED" });
  });
});
