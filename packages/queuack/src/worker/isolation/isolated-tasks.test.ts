import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { task } from "../../core/task.ts";
import { handlers, IsolatedHouse, stray, type Where } from "./fixtures/isolated-house.ts";

let place: IsolatedHouse;
beforeEach(async () => {
  place = await IsolatedHouse.open();
});
afterEach(() => place.house.close());

describe.each(["thread", "process"] as const)("in a %s", (isolation) => {
  test("a handler gets what it gets inline, away from the worker, in a place that is kept warm", async () => {
    await place.work({ isolation });
    const first = await place.result<Where & Record<string, unknown>>("echo");
    const second = await place.result("echo");
    expect(first).toMatchObject({ input: { kind: "echo" }, attempt: 1, job: { task: "act", tenant: "default" } });
    expect({ ...second, job: 0 }).toEqual({ ...first, job: 0 });
    expect(first.pid !== process.pid).toBe(isolation === "process");
    expect(first.threadId > 0).toBe(isolation === "thread");
  });

  test("progress, log lines, heartbeats and enqueued jobs reach the queue", async () => {
    await place.work({ isolation });
    const { id, result } = await place.run("talk");
    const { byName, byTask } = JSON.parse(result as string);
    const { house } = place;
    expect((await house.job(id)).progress).toBe("0.5");
    const { logs } = await house.history(id);
    expect(logs.map(({ level, message }) => [level, message])).toEqual([
      ["info", "begun"],
      ["error", "odd"],
      ["debug", "odder"],
    ]);
    expect(JSON.parse(logs[1]?.data as string)).toMatchObject({ name: "TypeError", message: "why" });
    expect(await house.job(byName)).toMatchObject({ task: "by-name", input: '{"n":1}' });
    expect(await house.job(byTask)).toMatchObject({ task: "later", input: '{"n":2}' });
  });

  const deaths = [
    ["exit", "exited", /exit code 7/],
    ["memory", "out_of_memory", /memoryLimit of 41943040 bytes/],
    ["reject", "unhandled_rejection", /nobody handled it: Error: left alone/],
    ["rejectLater", "unhandled_rejection", /left alone/],
    ["throwOutside", "crashed", /outside the handler's promise: RangeError: outside/],
  ] as const;

  test("a death costs its own attempt and no other, and the outcome says which it was", async () => {
    await place.work({ isolation, memoryLimit: "40mb" }, { concurrency: 3 });
    const neighbours = Array.from({ length: 20 }, () => place.run("echo"));
    await Promise.all(
      deaths.map(async ([kind, outcome, message]) => {
        const { id, state, error, ...rest } = await place.run(kind);
        expect([state, rest.outcome, error?.code]).toEqual(["discarded", outcome, "QUEUACK_HANDLER_DIED"]);
        expect(error?.message).toMatch(message);
        expect((await place.house.job(id)).attempt).toBe(1);
      }),
    );
    for (const { id, state } of await Promise.all(neighbours)) {
      expect([state, (await place.house.job(id)).attempt]).toEqual(["completed", 1]);
    }
  });

  test("a handler that spins is ended a grace after its timeout, and only then is the attempt over", async () => {
    await place.work({ isolation, timeout: "10s" }, { isolation: { killGrace: "3s" } });
    const id = await place.add("spin");
    await place.saw("spinning");
    await place.house.clock.advance("12s");
    expect((await place.house.job(id)).state).toBe("running");
    await place.house.clock.advance("1s");
    expect(await place.house.finished(id)).toMatchObject({ state: "discarded", outcome: "timed_out" });
  });

  test("a cancelled handler that spins is ended after the grace", async () => {
    await place.work({ isolation }, { isolation: { killGrace: "1s" } });
    const id = await place.add("spin", 3);
    await place.saw("spinning");
    await place.house.broker.change({ ids: [id], change: { kind: "cancel" } });
    await place.house.clock.advance("1s");
    expect(await place.house.finished(id)).toMatchObject({ state: "cancelled" });
  });

  test("a handler that heeds its signal ends by itself and keeps its place", async () => {
    await place.work({ isolation, timeout: "10s" }, { isolation: { killGrace: "1h" } });
    const { pid, threadId } = await place.result("echo");
    const id = await place.add("untilAborted");
    await place.saw("waiting");
    await place.house.clock.advance("10s");
    const { outcome, error } = await place.house.finished(id);
    expect([outcome, error?.code]).toEqual(["timed_out", "QUEUACK_ATTEMPT_TIMEOUT"]);
    expect(await place.result("echo")).toMatchObject({ pid, threadId });
  });

  test("a job that a stopping worker can't finish goes back without an attempt", async () => {
    const worker = await place.work({ isolation });
    const id = await place.add("spin");
    await place.saw("spinning");
    const stopped = worker.stop({ grace: "2s" });
    await place.house.clock.advance("3s");
    await stopped;
    expect(await place.house.job(id)).toMatchObject({ state: "available", attempt: 0 });
  });
});

describe("how a handler ends", () => {
  test("a segmentation fault costs its own attempt, and the message names the signal", async () => {
    await place.work();
    const { outcome, error } = await place.run("segfault");
    expect([outcome, error?.code]).toEqual(["crashed", "QUEUACK_HANDLER_DIED"]);
    expect(error?.message).toContain("ended by SIGSEGV");
  });

  test("what it throws reaches retryIf with its class, message, code and facts", async () => {
    const seen: unknown[] = [];
    const retryIf = (error: unknown) => {
      seen.push(error);
      return false;
    };
    await place.work({ retry: { retryIf } });
    const { error, state } = await place.run("fail", 3);
    expect(state).toBe("discarded");
    expect(error).toMatchObject({ name: "TypeError", message: "wrong", code: "E_WRONG" });
    expect(error?.stack).toMatch(/handlers\.ts[\s\S]*\[cause\]: Error: deeper/);
    expect(seen).toEqual([expect.any(TypeError)]);
    expect(seen[0]).toMatchObject({ status: 429, cause: { message: "deeper" } });
    expect((await place.run("failOddly")).error).toMatchObject({ message: '{"odd":true}' });
  });

  test("NonRetryableError, discard and a result that can't be stored are final", async () => {
    await place.work();
    expect(await place.run("never", 5)).toMatchObject({ state: "discarded", error: { name: "NonRetryableError" } });
    expect(await place.run("discard", 5)).toMatchObject({ outcome: "discarded", error: { message: "not wanted" } });
    expect(await place.run("unstorable", 5)).toMatchObject({ error: { code: "QUEUACK_INVALID_RESULT" } });
  });

  test.each([
    ["snooze", 3_600_000, { state: "scheduled", attempt: 0 }],
    ["retryAfter", 90_000, { state: "retryable", attempt: 1, error: { name: "RetryAfter" } }],
  ] as const)("%s brings the job back when it says", async (kind, delayMs, expected) => {
    await place.work();
    const id = await place.add(kind, 3);
    await place.saw(id);
    expect(await place.house.job(id)).toMatchObject({ ...expected, runAt: place.house.clock.now() + delayMs });
  });

  test("a result that comes after the timeout doesn't count", async () => {
    await place.work({ timeout: "10s" });
    const late = await place.add("ignoreAbort");
    await place.saw("deaf");
    await place.house.clock.advance("10s");
    expect(await place.house.finished(late)).toMatchObject({ outcome: "timed_out", result: null });
  });

  test("what a schema makes of the input is what the handler gets", async () => {
    const double = task({ name: "double", isolation: "process", module: handlers, export: "double", run: stray });
    const { house } = place;
    await house.worker({ tasks: [double] }).start();
    expect(await house.finished(await house.add("double", { n: "21" }))).toMatchObject({ result: "42" });
    const refused = await house.finished(await house.add("double", { n: "many" }, { maxAttempts: 5 }));
    expect([refused.state, refused.error?.code]).toEqual(["discarded", "QUEUACK_INVALID_INPUT"]);
  });

  test("what is wrong with a job that it enqueues is told to the handler", async () => {
    await place.work();
    expect(await place.result("badEnqueue")).toEqual([["QueuackError", "QUEUACK_NOT_STORABLE"]]);
  });
});

describe("where it is found", () => {
  test("a task in an array, and one that nobody exports", async () => {
    const options = { isolation: "process", module: handlers, run: stray } as const;
    const { house } = place;
    const missing = task({ name: "missing", ...options });
    const misnamed = task({ name: "misnamed", ...options, export: "act" });
    await house.worker({ tasks: [task({ name: "in-a-list", ...options }), missing, misnamed] }).start();
    const run = async (name: string) => house.finished(await house.add(name, undefined, { maxAttempts: 1 }));
    expect(await run("in-a-list")).toMatchObject({ result: '"found"' });
    const { outcome, error } = await run("missing");
    expect([outcome, error?.code]).toEqual(["failed", "QUEUACK_INVALID_TASK"]);
    expect(error?.message).toContain("exports no task missing; it exports act, in-a-list, double, later");
    expect((await run("misnamed")).error?.message).toContain("The export act of file:");
  });

  test("a module that starts a worker is told that it can't where its tasks run", async () => {
    await place.work();
    const { error } = await place.run("connect");
    expect(error?.code).toBe("QUEUACK_NOT_ALLOWED");
    expect(error?.message).toContain("Put the task into a module of its own");
  });
});
