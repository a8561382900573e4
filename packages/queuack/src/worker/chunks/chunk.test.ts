import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NonRetryableError, RetryAfter } from "../../core/errors.ts";
import { type ChunkContext, type ChunkTaskOptions, type TaskDefinition, task } from "../../core/task.ts";
import { Gate, type TestHouse, testHouse, untilAborted, withFaults } from "../fixtures/test-house.ts";

let house: TestHouse;
beforeEach(async () => {
  house = await testHouse();
});
afterEach(() => house.close());

/** A task that gets all of its jobs in one chunk. */
function many(
  run: (context: ChunkContext<number>) => unknown,
  more: Partial<ChunkTaskOptions<number, unknown>> = {},
): TaskDefinition<number, unknown> {
  return task({
    name: "many",
    chunk: { size: 3, wait: "1s" },
    run: run as (context: ChunkContext<number>) => unknown[],
    ...more,
  });
}

/** Adds three jobs, which fill a chunk. */
async function three(definition: TaskDefinition<number, unknown>, maxAttempts = 3): Promise<[string, string, string]> {
  const add = (input: number) => house.add(definition, input, { maxAttempts });
  return [await add(0), await add(1), await add(2)];
}

async function states(ids: readonly string[]) {
  return (await house.broker.get({ ids })).map((job) => job?.state);
}

describe("what the handler gets", () => {
  test("inputs, jobs and attempts, each in the same order", async () => {
    const show = many(({ inputs, jobs, attempts }) =>
      inputs.map((input, i) => ({ input, attempt: attempts[i], job: jobs[i] })),
    );
    await house.worker({ tasks: [show] }).start();
    const ids = await three(show);
    await house.clock.advance(0);
    for (const [i, id] of ids.entries()) {
      const { result } = await house.job(id);
      expect(JSON.parse(result as string)).toMatchObject({
        input: i,
        attempt: 1,
        job: { id, task: "many", queue: "default", tenant: "default", attempt: 1, generation: 1, tags: [] },
      });
    }
  });

  test("a log for all, and a log and progress for each", async () => {
    const tell = many(async ({ inputs, jobs, log }) => {
      log("begun", { n: inputs.length });
      log.warn("mind");
      jobs[1]?.log.error("odd one");
      await jobs[2]?.progress(0.5);
      return inputs;
    });
    await house.worker({ tasks: [tell] }).start();
    const [one, two, last] = await three(tell);
    await house.clock.advance(0);
    const lines = async (id: string) => (await house.history(id)).logs.map(({ level, message }) => [level, message]);
    const both = [
      ["info", "begun"],
      ["warn", "mind"],
    ];
    expect(await lines(one)).toEqual(both);
    expect(await lines(two)).toEqual([...both, ["error", "odd one"]]);
    expect((await house.job(last)).progress).toBe("0.5");
    expect((await house.job(one)).progress).toBeNull();
  });
});

describe("how the jobs of a chunk end", () => {
  test.each([true, false])("each by its own entry; asynchronous: %s", async (asynchronous) => {
    const chunks: number[][] = [];
    const mixed = many(
      ({ inputs, attempts, snooze, discard }) => {
        chunks.push([...inputs]);
        const entries = inputs.map((n, i) => {
          if ((attempts[i] as number) > 1) return `again ${n}`;
          const first = [
            "fine",
            new Error("boom"),
            new NonRetryableError("never"),
            new RetryAfter("3m"),
            discard("useless"),
            chunks.length === 1 ? snooze("2m") : "rested",
            undefined,
            new Map(),
          ];
          return first[n];
        });
        return asynchronous ? Promise.resolve(entries) : entries;
      },
      { chunk: { size: 8, wait: "1s" }, retry: { backoff: "fixed", delay: "1m", jitter: "none" } },
    );
    await house.worker({ tasks: [mixed] }).start();
    const ids: string[] = [];
    for (let n = 0; n < 8; n++) {
      ids.push(
        await house.add(mixed, n, {
          retry: { backoff: "fixed", baseMs: 60_000, capMs: 60_000, factor: 1, jitter: "none" },
        }),
      );
    }
    await house.clock.advance(0);
    expect(await states(ids)).toEqual([
      "completed",
      "retryable",
      "discarded",
      "retryable",
      "discarded",
      "scheduled",
      "completed",
      "discarded",
    ]);
    const [fine, , never, , useless, , empty, odd] = await house.broker.get({ ids });
    expect(fine).toMatchObject({ result: '"fine"', outcome: "succeeded" });
    expect(never).toMatchObject({ outcome: "failed", error: { message: "never" } });
    expect(useless).toMatchObject({ outcome: "discarded", error: { message: "useless" } });
    expect(empty).toMatchObject({ result: null });
    expect(odd).toMatchObject({ error: { code: "QUEUACK_INVALID_RESULT" } });
    await house.clock.advance("62s");
    expect(await house.job(ids[1] as string)).toMatchObject({ state: "completed", attempt: 2, result: '"again 1"' });
    await house.clock.advance("1m");
    expect(await house.job(ids[5] as string)).toMatchObject({ state: "completed", attempt: 1, result: '"rested"' });
    await house.clock.advance("1m");
    expect(await house.job(ids[3] as string)).toMatchObject({ state: "completed", attempt: 2 });
    expect(chunks).toEqual([[0, 1, 2, 3, 4, 5, 6, 7], [1], [5], [3]]);
  });

  test("jobs that failed together are retried together with newcomers, each with its own attempt", async () => {
    const chunks: unknown[] = [];
    const shaky = many(
      ({ inputs, attempts }) => {
        chunks.push(inputs.map((n, i) => [n, attempts[i]]));
        return inputs.map((n, i) => (n < 2 && attempts[i] === 1 ? new Error("no") : n));
      },
      { retry: { backoff: "fixed", delay: "1m", jitter: "none" } },
    );
    await house.worker({ tasks: [shaky] }).start();
    await three(shaky);
    await house.clock.advance("59s");
    await house.add(shaky, 7);
    await house.clock.advance("3s");
    expect(chunks).toEqual([
      [
        [0, 1],
        [1, 1],
        [2, 1],
      ],
      [
        [7, 1],
        [0, 2],
        [1, 2],
      ],
    ]);
  });

  test.each([
    ["throws", () => new Error("boom")],
    ["rejects", () => Promise.reject(new Error("boom"))],
  ])("all the same where the handler %s, each by its own attempts", async (how, make) => {
    const failing = many(({ log }) => {
      log("here");
      const made = make();
      if (how === "throws") throw made;
      return made;
    });
    await house.worker({ tasks: [failing] }).start();
    const once = await house.add(failing, 0, { maxAttempts: 1 });
    const often = await house.add(failing, 1, { maxAttempts: 5 });
    await house.add(failing, 2);
    await house.clock.advance(0);
    expect(await house.job(once)).toMatchObject({ state: "discarded", error: { message: "boom" } });
    expect(await house.job(often)).toMatchObject({ state: "retryable", error: { message: "boom" } });
  });

  test("thrown, snooze puts all of them back", async () => {
    const sleepy = many(({ snooze }) => {
      throw snooze("1h");
    });
    await house.worker({ tasks: [sleepy] }).start();
    const ids = await three(sleepy, 1);
    await house.clock.advance(0);
    expect(await states(ids)).toEqual(["scheduled", "scheduled", "scheduled"]);
  });

  test.each([
    ["no list", () => undefined, "no list"],
    ["too few entries", () => Promise.resolve([1, 2]), "2 entries for a chunk of 3"],
    ["too many entries", () => [1, 2, 3, 4], "4 entries"],
    ["promises", () => [1, 2, 3].map((n) => Promise.resolve(n)), "await it"],
  ])("for good where the handler returns %s", async (_, run, why) => {
    const wrong = many(run);
    await house.worker({ tasks: [wrong] }).start();
    const ids = await three(wrong);
    await house.clock.advance(0);
    for (const id of ids) {
      expect(await house.job(id)).toMatchObject({
        state: "discarded",
        attempt: 1,
        error: { code: "QUEUACK_INVALID_RESULT", message: expect.stringContaining(why) },
      });
    }
  });

  test("retryIf is asked for each", async () => {
    const fussy = many(({ inputs }) => inputs.map((n) => new Error(String(n))), {
      retry: { retryIf: async (error) => (error as Error).message === "1" },
    });
    await house.worker({ tasks: [fussy] }).start();
    const ids = await three(fussy);
    await house.clock.advance(0);
    expect(await states(ids)).toEqual(["discarded", "retryable", "discarded"]);
  });
});

describe("timeouts", () => {
  test("run from the start of the handler; then all time out and the signal aborts", async () => {
    let reason: unknown;
    const slow = many(
      async ({ signal }) => {
        await untilAborted(signal).catch((thrown: unknown) => {
          reason = thrown;
        });
        throw reason;
      },
      { timeout: "10s", chunk: { size: 5, wait: "1m" } },
    );
    const worker = house.worker({ tasks: [slow] });
    await worker.start();
    const ids = await three(slow, 1);
    await house.clock.advance("69s");
    expect(await states(ids)).toEqual(["running", "running", "running"]);
    await house.clock.advance("1s");
    for (const id of ids) {
      expect(await house.job(id)).toMatchObject({ outcome: "timed_out", error: { code: "QUEUACK_ATTEMPT_TIMEOUT" } });
    }
    expect(reason).toMatchObject({ code: "QUEUACK_ATTEMPT_TIMEOUT" });
    expect(worker.running).toBe(0);
  });

  test("do not run while a job waits for its chunk, also where its input was checked asynchronously", async () => {
    const gate = new Gate();
    const slow = many(({ inputs }) => inputs, {
      timeout: "10s",
      chunk: { size: 5, wait: "1m" },
      input: {
        "~standard": {
          version: 1,
          vendor: "test",
          validate: (value) => gate.passed.then(() => ({ value: Number(value) })),
        },
      },
    });
    await house.worker({ tasks: [slow] }).start();
    const ids = await three(slow, 1);
    await house.clock.advance("5s");
    gate.open();
    await house.clock.advance("59s");
    expect(await states(ids)).toEqual(["running", "running", "running"]);
    await house.clock.advance("1s");
    expect(await states(ids)).toEqual(["completed", "completed", "completed"]);
  });

  test("a handler that ignores its signal keeps its one slot until it returns, and what it returns is dropped", async () => {
    const gate = new Gate();
    const deaf = many(({ inputs }) => gate.passed.then(() => inputs), { timeout: "1s" });
    const worker = house.worker({ tasks: [deaf], concurrency: 1 });
    await worker.start();
    const ids = await three(deaf, 1);
    await house.clock.advance("1s");
    expect(await states(ids)).toEqual(["discarded", "discarded", "discarded"]);
    expect(worker.running).toBe(1);
    const next = await three(deaf, 1);
    await house.clock.advance("5s");
    expect(await states(next)).toEqual(["running", "running", "running"]);
    gate.open();
    await house.clock.advance(0);
    expect(await states([...ids, ...next])).toEqual([...ids.map(() => "discarded"), ...next.map(() => "completed")]);
    expect(worker.running).toBe(0);
  });

  test("one that never returns costs its slot for a while, and every job is named", async () => {
    const deaf = many(() => new Promise(() => undefined), { timeout: "1s" });
    const worker = house.worker({ tasks: [deaf], concurrency: 1 });
    await worker.start();
    const ids = await three(deaf, 1);
    await house.clock.advance("32s");
    expect(worker.running).toBe(0);
    expect(house.troubles).toMatchObject([{ during: "slots", jobs: ids }]);
  });

  test("a job with a timeout of its own ends alone", async () => {
    const gate = new Gate();
    const slow = many(({ inputs }) => gate.passed.then(() => inputs));
    await house.worker({ tasks: [slow] }).start();
    const hasty = await house.add(slow, 0, { timeoutMs: 1_000, maxAttempts: 1 });
    const others = [await house.add(slow, 1), await house.add(slow, 2)];
    await house.clock.advance("1s");
    expect((await house.job(hasty)).outcome).toBe("timed_out");
    gate.open();
    await house.clock.advance(0);
    expect(await states(others)).toEqual(["completed", "completed"]);
  });
});

describe("one job of a chunk that runs", () => {
  test("is cancelled: its signal aborts, its entry is dropped, the others go on", async () => {
    const gate = new Gate();
    const aborted: boolean[] = [];
    let all: AbortSignal | undefined;
    const watch = many(async ({ inputs, jobs, signal }) => {
      all = signal;
      await gate.passed;
      aborted.push(...jobs.map((job) => job.signal.aborted));
      return inputs;
    });
    await house.worker({ tasks: [watch] }).start();
    const ids = await three(watch);
    await house.clock.advance(0);
    await house.broker.change({ ids: [ids[1]], change: { kind: "cancel" } });
    expect(all?.aborted).toBe(false);
    gate.open();
    await house.clock.advance(0);
    expect(aborted).toEqual([false, true, false]);
    expect(await states(ids)).toEqual(["completed", "cancelled", "completed"]);
  });

  test("is cancelled for good after the grace, while the others run on", async () => {
    const gate = new Gate();
    const deaf = many(({ inputs }) => gate.passed.then(() => inputs));
    await house.worker({ tasks: [deaf] }).start();
    const ids = await three(deaf);
    await house.clock.advance(0);
    await house.broker.change({ ids: [ids[0]], change: { kind: "cancel" } });
    await house.clock.advance("5s");
    expect(await states(ids)).toEqual(["cancelled", "running", "running"]);
    gate.open();
    await house.clock.advance(0);
    expect(await states(ids)).toEqual(["cancelled", "completed", "completed"]);
  });

  test("has completed if nobody took a signal before it was cancelled and the chunk returns", async () => {
    const gate = new Gate();
    const whole = many(({ inputs }) => gate.passed.then(() => inputs));
    await house.worker({ tasks: [whole] }).start();
    const ids = await three(whole);
    await house.clock.advance(0);
    await house.broker.change({ ids: [ids[0]], change: { kind: "cancel" } });
    gate.open();
    await house.clock.advance(0);
    expect(await states(ids)).toEqual(["completed", "completed", "completed"]);
  });

  test("ends the chunk with the last of them: when all are cancelled, the chunk's signal aborts", async () => {
    const heeding = many(({ signal }) => untilAborted(signal));
    await house.worker({ tasks: [heeding] }).start();
    const ids = await three(heeding);
    await house.clock.advance(0);
    await house.broker.change({ ids: ids.slice(0, 2), change: { kind: "cancel" } });
    await house.clock.advance(0);
    expect(await states(ids)).toEqual(["running", "running", "running"]);
    await house.broker.change({ ids: [ids[2]], change: { kind: "cancel" } });
    await house.clock.advance(0);
    expect(await states(ids)).toEqual(["cancelled", "cancelled", "cancelled"]);
    // That each was cancelled is no error of it.
    for (const id of ids) expect((await house.history(id)).attempts).toEqual([]);
  });

  test("loses its lease: its entry is dropped, the others keep theirs", async () => {
    const gate = new Gate();
    const reasons: unknown[] = [];
    const watch = many(async ({ inputs, jobs }) => {
      for (const { signal } of jobs) signal.addEventListener("abort", () => reasons.push(signal.reason));
      await gate.passed;
      return inputs.map((n) => `first ${n}`);
    });
    let token: number | undefined;
    const broker = withFaults(house.broker, {
      claim: async (params) => {
        const jobs = await house.broker.claim(params);
        token ??= jobs[0]?.token;
        return jobs;
      },
      renew: async (params) => {
        const { cancelled } = await house.broker.renew(params);
        return { lost: [token as number], cancelled };
      },
    });
    await house.worker({ tasks: [watch] }, broker).start();
    const ids = await three(watch);
    await house.clock.advance("10s");
    expect(reasons).toMatchObject([{ code: "QUEUACK_LEASE_LOST" }]);
    gate.open();
    await house.clock.advance(0);
    expect(await states(ids)).toEqual(["running", "completed", "completed"]);
  });
});

describe("the end of the worker", () => {
  test("lets a chunk end within the grace, and gives back what heeds its signal after it", async () => {
    const gate = new Gate();
    const slow = many(async ({ inputs, signal }) => {
      await Promise.race([gate.passed, untilAborted(signal)]);
      return inputs;
    });
    const worker = house.worker({ tasks: [slow] });
    await worker.start();
    const ids = await three(slow);
    await house.clock.advance(0);
    const stopped = worker.stop({ grace: "10s" });
    await house.clock.advance("9s");
    expect(await states(ids)).toEqual(["running", "running", "running"]);
    await house.clock.advance("1s");
    await stopped;
    expect(await states(ids)).toEqual(["available", "available", "available"]);
    const second = house.worker({ tasks: [slow] });
    await second.start();
    await house.clock.advance(0);
    const ended = second.stop({ grace: "10s" });
    gate.open();
    await house.clock.advance(0);
    await ended;
    expect(await states(ids)).toEqual(["completed", "completed", "completed"]);
    expect(await house.job(ids[0])).toMatchObject({ attempt: 1 });
  });

  test("as a crash consumes an attempt of each, and of the last one leaves dead letters", async () => {
    const silent = many(() => new Promise(() => undefined));
    const worker = house.worker({ tasks: [silent] });
    await worker.start();
    const last = await house.add(silent, 0, { maxAttempts: 1 });
    const first = await house.add(silent, 1, { maxAttempts: 2 });
    await house.add(silent, 2);
    await house.clock.advance(0);
    // Others take it for dead, and settle what it held.
    await house.broker.deregisterWorker({ id: worker.id });
    const other = house.worker({ tasks: [task({ name: "other", run: () => 1 })] });
    await other.start();
    await house.clock.advance("1s");
    expect(await house.job(last)).toMatchObject({ state: "discarded", outcome: "crashed", attempt: 1 });
    expect(await house.job(first)).toMatchObject({ attempt: 1, outcome: "crashed" });
  });
});
