import type { StandardSchemaV1 } from "@standard-schema/spec";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NonRetryableError, RetryAfter } from "../core/errors.ts";
import { task } from "../core/task.ts";
import { Gate, type TestHouse, testHouse, untilAborted } from "./fixtures/test-house.ts";

let house: TestHouse;
beforeEach(async () => {
  house = await testHouse();
});
afterEach(() => house.close());

/** Runs one job of a task to its end. */
async function runOne(definition: Parameters<typeof house.add>[0] & object, input?: unknown, maxAttempts = 1) {
  await house.worker({ tasks: [definition] }).start();
  return house.finished(await house.add(definition, input, { maxAttempts }));
}

function schema<Sent, Input>(
  validate: (sent: Sent) => StandardSchemaV1.Result<Input> | Promise<StandardSchemaV1.Result<Input>>,
): StandardSchemaV1<Sent, Input> {
  return { "~standard": { version: 1, vendor: "test", validate: (sent) => validate(sent as Sent) } };
}

describe("what a handler gets", () => {
  test("its input, its job and its attempt", async () => {
    const show = task({
      name: "show",
      run: ({ input, job, attempt }: { input: unknown; job: unknown; attempt: number }) => ({ input, job, attempt }),
    });
    const { id, state, result } = await runOne(show, { n: 1 });
    expect(state).toBe("completed");
    expect(JSON.parse(result as string)).toMatchObject({
      input: { n: 1 },
      attempt: 1,
      job: { id, task: "show", queue: "default", tenant: "default", priority: 50, generation: 1, tags: [] },
    });
  });

  test("the value that its schema made, be the schema asynchronous or not", async () => {
    const sync = schema<{ n: string }, { n: number }>(({ n }) => ({ value: { n: Number(n) } }));
    const double = task({ name: "double", input: sync, run: ({ input }) => input.n * 2 });
    expect(await runOne(double, { n: "21" })).toMatchObject({ state: "completed", result: "42" });
    const async = schema<{ n: string }, { n: number }>(async ({ n }) => ({ value: { n: Number(n) } }));
    const triple = task({ name: "triple", input: async, run: ({ input }) => input.n * 3 });
    expect(await runOne(triple, { n: "14" })).toMatchObject({ state: "completed", result: "42" });
  });

  test("progress and log lines are kept, and progress resolves when they are", async () => {
    let kept: unknown;
    const tell = task({
      name: "tell",
      run: async ({ log, progress, job }) => {
        log("begun", { n: 1 });
        await progress(0.5);
        kept = (await house.job(job.id)).progress;
        log.error("odd", new TypeError("why"));
        log.debug("odder", () => undefined);
        void progress(2);
      },
    });
    const { id } = await runOne(tell);
    expect(kept).toBe("0.5");
    expect((await house.job(id)).progress).toBe("1");
    const { logs } = await house.history(id);
    expect(logs.map(({ level, message }) => [level, message])).toEqual([
      ["info", "begun"],
      ["error", "odd"],
      ["debug", "odder"],
    ]);
    expect(JSON.parse(logs[1]?.data as string)).toMatchObject({ name: "TypeError", message: "why" });
    expect(logs[2]?.data).toContain("notStorable");
  });

  test("enqueue, for the tenant of the job that enqueues", async () => {
    const child = task({ name: "child", run: ({ job }) => job.tenant });
    const parent = task({ name: "parent", run: async ({ enqueue }) => (await enqueue(child)).id });
    await house.worker({ tasks: [parent, child] }).start();
    const { result } = await house.finished(await house.add(parent, undefined, { tenant: "acme" }));
    expect(await house.finished(JSON.parse(result as string))).toMatchObject({ result: '"acme"' });
  });
});

describe("how an attempt ends", () => {
  test("input that the schema refuses is final, and says where it is wrong", async () => {
    let ran = false;
    const strict = task({
      name: "strict",
      input: schema(async () => ({ issues: [{ message: "not a number", path: ["size", { key: "width" }] }] })),
      run: () => {
        ran = true;
      },
    });
    const { state, error } = await runOne(strict, { size: { width: "wide" } }, 5);
    expect([state, error?.code, ran]).toEqual(["discarded", "QUEUACK_INVALID_INPUT", false]);
    expect(error?.message).toContain("input.size.width");
  });

  test("a schema that itself fails is no verdict on the input: the attempt is retried", async () => {
    const broken = task({
      name: "broken",
      input: schema(() => Promise.reject(new Error("no database"))),
      run: () => 1,
    });
    await house.worker({ tasks: [broken] }).start();
    const id = await house.add(broken);
    await house.clock.advance(0);
    expect(await house.job(id)).toMatchObject({ state: "retryable", error: { message: "no database" } });
  });

  test.each([
    ["what JSON can't hold", () => new Map()],
    ["more than the limit", () => "x".repeat(2_000)],
    ["something whose toJSON throws", () => ({ toJSON: () => JSON.parse("{") })],
  ])("a result of %s is final", async (_, run) => {
    const odd = task({ name: "odd", run: run as () => unknown });
    await house.worker({ tasks: [odd], payloadLimit: 1_000 }).start();
    const { state, error } = await house.finished(await house.add(odd, undefined, { maxAttempts: 5 }));
    expect([state, error?.code]).toEqual(["discarded", "QUEUACK_INVALID_RESULT"]);
  });

  test("a failure is retried after its backoff until the attempts are used up", async () => {
    const attempts: number[] = [];
    const fail = task({
      name: "fail",
      retry: { backoff: "fixed", delay: "10s", jitter: "none" },
      run: ({ attempt }) => {
        attempts.push(attempt);
        throw new Error(`attempt ${attempt}`);
      },
    });
    await house.worker({ tasks: [fail] }).start();
    const id = await house.add(fail, undefined, { maxAttempts: 3 });
    await house.clock.advance("9s");
    expect(attempts).toEqual([1]);
    expect((await house.job(id)).state).toBe("retryable");
    await house.clock.advance("12s");
    expect(await house.finished(id)).toMatchObject({ state: "discarded", outcome: "failed" });
    expect(attempts).toEqual([1, 2, 3]);
    expect((await house.history(id)).attempts.map(({ error }) => error.message)).toEqual([
      "attempt 1",
      "attempt 2",
      "attempt 3",
    ]);
  });

  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["a text", "text"],
    ["null", null],
    ["an error with a message that is no text", Object.assign(new Error(), { message: 5 })],
    [
      "a proxy that throws",
      new Proxy(new Error(), {
        get: () => {
          throw new Error("no");
        },
      }),
    ],
  ])("a handler may throw %s", async (_, thrown) => {
    const odd = task({ name: "odd", run: () => Promise.reject(thrown) });
    expect(await runOne(odd)).toMatchObject({ state: "discarded", outcome: "failed" });
  });

  test("NonRetryableError is final, also from another copy of the library", async () => {
    const own = task({ name: "own", run: () => Promise.reject(new NonRetryableError("no")) });
    expect(await runOne(own, undefined, 5)).toMatchObject({ state: "discarded", error: { message: "no" } });
    const copied = Object.assign(new Error("no"), { name: "NonRetryableError" });
    const other = task({ name: "other", run: () => Promise.reject(copied) });
    expect(await runOne(other, undefined, 5)).toMatchObject({ state: "discarded" });
  });

  test("RetryAfter chooses the delay", async () => {
    const later = task({
      name: "later",
      run: ({ attempt }) => {
        if (attempt === 1) throw new RetryAfter("1h");
      },
    });
    await house.worker({ tasks: [later] }).start();
    const id = await house.add(later);
    await house.clock.advance("59m");
    expect((await house.job(id)).state).toBe("retryable");
    await house.clock.advance("2m");
    expect((await house.job(id)).state).toBe("completed");
  });

  test("a backoff function chooses the delay; one that fails leaves it to the policy", async () => {
    const asked: unknown[] = [];
    const own = task({
      name: "own",
      retry: {
        backoff: (failed, error) => {
          asked.push([failed, (error as Error).message]);
          return failed === 1 ? "1m" : "nonsense";
        },
        delay: "10s",
        jitter: "none",
      },
      run: ({ attempt }) => Promise.reject(new Error(`no ${attempt}`)),
    });
    await house.worker({ tasks: [own] }).start();
    const id = await house.add(own, undefined, { maxAttempts: 3 });
    await house.clock.advance("59s");
    expect((await house.job(id)).attempt).toBe(1);
    // The second delay is the policy's: exponential from 10 s, so 20 s.
    await house.clock.advance("2s");
    await house.clock.advance("18s");
    expect((await house.job(id)).attempt).toBe(2);
    await house.clock.advance("3s");
    expect((await house.job(id)).attempt).toBe(3);
    expect(asked).toEqual([
      [1, "no 1"],
      [2, "no 2"],
    ]);
    expect(house.troubles).toMatchObject([{ during: "retry-policy", jobs: [id] }]);
  });

  test("retryIf that says no is final; one that throws leaves it to the policy", async () => {
    const retryIf = async (error: unknown) => {
      if ((error as Error).message === "odd") throw new Error("bug");
      return (error as Error).message !== "fatal";
    };
    const fussy = task({
      name: "fussy",
      retry: { retryIf },
      run: ({ input }: { input: string }) => Promise.reject(new Error(input)),
    });
    await house.worker({ tasks: [fussy] }).start();
    const [fatal, odd, mild] = await Promise.all(["fatal", "odd", "mild"].map((input) => house.add(fussy, input)));
    expect(await house.finished(fatal as string)).toMatchObject({ state: "discarded" });
    await house.clock.advance(1);
    expect((await house.job(odd as string)).state).toBe("retryable");
    expect((await house.job(mild as string)).state).toBe("retryable");
    expect(house.troubles).toMatchObject([{ during: "retry-policy", jobs: [odd] }]);
  });

  test("a retryIf that never answers is overruled", async () => {
    const silent = task({
      name: "silent",
      retry: { retryIf: () => new Promise<boolean>(() => undefined) },
      run: () => Promise.reject(new Error("no")),
    });
    await house.worker({ tasks: [silent] }).start();
    const id = await house.add(silent, undefined, {
      retry: { backoff: "fixed", baseMs: 3_600_000, capMs: 3_600_000, factor: 1, jitter: "none" },
    });
    await house.clock.advance("4s");
    expect((await house.job(id)).state).toBe("running");
    await house.clock.advance("2s");
    expect((await house.job(id)).state).toBe("retryable");
  });

  test("snooze puts the job back and consumes no attempt", async () => {
    let runs = 0;
    const sleepy = task({
      name: "sleepy",
      run: ({ snooze, attempt }) => {
        runs++;
        if (runs === 1) snooze("10m");
        return attempt;
      },
    });
    await house.worker({ tasks: [sleepy] }).start();
    const id = await house.add(sleepy);
    await house.clock.advance("9m");
    expect((await house.job(id)).state).toBe("scheduled");
    await house.clock.advance("2m");
    expect(await house.job(id)).toMatchObject({ state: "completed", result: "1" });
  });

  test("discard sends the job to the dead letter queue with the reason", async () => {
    const useless = task({ name: "useless", run: ({ discard }) => discard("gone from the source") });
    const { state, outcome, error } = await runOne(useless, undefined, 5);
    expect([state, outcome, error?.message]).toEqual(["discarded", "discarded", "gone from the source"]);
  });

  test("progress that can't be stored fails the attempt, awaited or not", async () => {
    const odd = task({
      name: "odd",
      run: ({ progress }) => {
        void progress(Number.NaN);
      },
    });
    expect(await runOne(odd)).toMatchObject({ state: "discarded", error: { code: "QUEUACK_NOT_STORABLE" } });
  });
});

describe("timeouts", () => {
  test("the signal aborts and the attempt ends at once", async () => {
    let reason: unknown;
    const slow = task({
      name: "slow",
      timeout: "2m",
      run: async ({ signal }) => {
        signal.addEventListener("abort", () => {
          reason = signal.reason;
        });
        await untilAborted(signal);
      },
    });
    await house.worker({ tasks: [slow] }).start();
    const id = await house.add(slow, undefined, { maxAttempts: 1 });
    await house.clock.advance("119s");
    expect((await house.job(id)).state).toBe("running");
    await house.clock.advance("1s");
    expect(await house.finished(id)).toMatchObject({
      state: "discarded",
      outcome: "timed_out",
      error: { code: "QUEUACK_ATTEMPT_TIMEOUT" },
    });
    expect(reason).toMatchObject({ code: "QUEUACK_ATTEMPT_TIMEOUT" });
  });

  test("an attempt that has timed out before its handler was called never calls it", async () => {
    const checked = new Gate();
    const asked = new Gate();
    let ran = false;
    const slow = task({
      name: "slow",
      timeout: "1s",
      input: schema(async (value: unknown) => {
        await checked.passed;
        return { value };
      }),
      retry: { retryIf: () => asked.passed.then(() => true), backoff: "fixed", delay: "1h", jitter: "none" },
      run: () => {
        ran = true;
      },
    });
    await house.worker({ tasks: [slow] }).start();
    const id = await house.add(slow, 1);
    await house.clock.advance("1s");
    checked.open();
    await house.clock.advance(0);
    asked.open();
    await house.clock.advance(0);
    expect(await house.job(id)).toMatchObject({ state: "retryable", outcome: "timed_out" });
    expect(ran).toBe(false);
  });

  test("the job's own timeout goes before the task's", async () => {
    const gate = new Gate();
    const slow = task({ name: "slow", timeout: "1s", run: () => gate.passed });
    await house.worker({ tasks: [slow] }).start();
    const quick = await house.add(slow, undefined, { timeoutMs: 10, maxAttempts: 1 });
    const patient = await house.add(slow, undefined, { timeoutMs: 7_200_000 });
    await house.clock.advance(10);
    expect((await house.job(quick)).outcome).toBe("timed_out");
    await house.clock.advance("10m");
    gate.open();
    expect(await house.finished(patient)).toMatchObject({ state: "completed" });
  });

  test("the late result of a handler that ignored its signal is dropped", async () => {
    const gates = [new Gate(), new Gate()];
    const stubborn = task({
      name: "stubborn",
      timeout: "1s",
      retry: { backoff: "fixed", delay: 0 },
      run: async ({ attempt }) => {
        await gates[attempt - 1]?.passed;
        return attempt;
      },
    });
    const worker = house.worker({ tasks: [stubborn], concurrency: 2 });
    await worker.start();
    const id = await house.add(stubborn, undefined, { maxAttempts: 2 });
    await house.clock.advance("1500ms");
    expect(await house.job(id)).toMatchObject({ state: "running", attempt: 2 });
    gates[0]?.open();
    await house.clock.advance(0);
    expect(await house.job(id)).toMatchObject({ state: "running", attempt: 2 });
    gates[1]?.open();
    expect(await house.finished(id)).toMatchObject({ state: "completed", result: "2" });
  });
});

describe("cancelling", () => {
  test("aborts the signal, and the job is cancelled when the handler ends", async () => {
    const waiting = task({ name: "waiting", run: ({ signal }) => untilAborted(signal) });
    await house.worker({ tasks: [waiting] }).start();
    const id = await house.add(waiting);
    await house.clock.advance(0);
    await house.broker.change({ ids: [id], change: { kind: "cancel" } });
    expect(await house.finished(id)).toMatchObject({ state: "cancelled" });
  });

  test("a handler that ignores it is given up after the grace, and its result is dropped", async () => {
    const gate = new Gate();
    const deaf = task({ name: "deaf", run: () => gate.passed });
    await house.worker({ tasks: [deaf] }).start();
    const id = await house.add(deaf);
    await house.clock.advance(0);
    await house.broker.change({ ids: [id], change: { kind: "cancel" } });
    await house.clock.advance("4s");
    expect((await house.job(id)).state).toBe("running");
    await house.clock.advance("1s");
    expect((await house.job(id)).state).toBe("cancelled");
    gate.open();
    await house.clock.advance("1s");
    expect((await house.job(id)).state).toBe("cancelled");
  });

  test("a handler that never took its signal and returns has completed", async () => {
    const gate = new Gate();
    const whole = task({ name: "whole", run: () => gate.passed.then(() => "all of it") });
    await house.worker({ tasks: [whole] }).start();
    const id = await house.add(whole);
    await house.clock.advance(0);
    await house.broker.change({ ids: [id], change: { kind: "cancel" } });
    gate.open();
    expect(await house.finished(id)).toMatchObject({ state: "completed", result: '"all of it"' });
  });

  test("a handler that took its signal and returns early is cancelled", async () => {
    const half = task({
      name: "half",
      run: async ({ signal }) => {
        await untilAborted(signal).catch(() => undefined);
        return "half of it";
      },
    });
    await house.worker({ tasks: [half] }).start();
    const id = await house.add(half);
    await house.clock.advance(0);
    await house.broker.change({ ids: [id], change: { kind: "cancel" } });
    expect(await house.finished(id)).toMatchObject({ state: "cancelled", result: null });
  });
});
