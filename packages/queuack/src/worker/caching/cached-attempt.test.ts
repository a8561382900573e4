import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CacheOptions } from "../../core/cache.ts";
import { NonRetryableError } from "../../core/errors.ts";
import { type TaskContext, task } from "../../core/task.ts";
import { Gate, type TestHouse, testHouse, withFaults } from "../fixtures/test-house.ts";

let house: TestHouse;
beforeEach(async () => {
  house = await testHouse();
});
afterEach(() => house.close());

/** A task that squares numbers and notes for which it really ran. */
function square(over: Partial<CacheOptions<number>> = {}) {
  const ran: number[] = [];
  const definition = task({
    name: "square",
    cache: { key: ({ input }) => String(input), ttl: "1h", ...over },
    run: ({ input }: TaskContext<number>) => {
      ran.push(input);
      return input * input;
    },
  });
  return { ran, definition };
}

describe("a task with a cache", () => {
  test("completes a job of a known key with the kept result, and its handler doesn't run", async () => {
    const { ran, definition } = square();
    await house.worker({ tasks: [definition] }).start();
    const first = await house.finished(await house.add(definition, 3));
    const second = await house.finished(await house.add(definition, 3));
    const other = await house.finished(await house.add(definition, 4));
    expect([first, second, other]).toMatchObject([
      { state: "completed", outcome: "succeeded", result: "9" },
      { state: "completed", outcome: "cached", result: "9" },
      { state: "completed", outcome: "succeeded", result: "16" },
    ]);
    expect(ran).toEqual([3, 4]);
    expect(await house.job(second.id)).toMatchObject({ outcome: "cached", attempt: 1, error: null });
    const [stats] = await house.broker.queueStats({});
    expect(stats?.counts).toMatchObject({ completed: 3, running: 0 });
  });

  test("runs again when the time to live has passed since the result was made; a hit doesn't prolong it", async () => {
    const { ran, definition } = square({ ttl: "10s" });
    await house.worker({ tasks: [definition] }).start();
    const at = async (wait: string) => {
      await house.clock.advance(wait);
      return (await house.finished(await house.add(definition, 3))).outcome;
    };
    expect([await at("0s"), await at("6s"), await at("3s"), await at("1s"), await at("1s")]).toEqual([
      "succeeded",
      "cached",
      "cached",
      "succeeded",
      "cached",
    ]);
    expect(ran).toEqual([3, 3]);
  });

  test("keeps the results of tenants and of versions apart", async () => {
    const { ran, definition } = square();
    const old = square({ version: "0" });
    await house.worker({ tasks: [definition] }).start();
    await house.finished(await house.add(definition, 3));
    expect(await house.finished(await house.add(definition, 3, { tenant: "acme" }))).toMatchObject({
      outcome: "succeeded",
    });
    expect(ran).toEqual([3, 3]);
    const worker = house.worker({ tasks: [old.definition], queues: ["old"] });
    await worker.start();
    const elsewhere = { queue: "old" };
    expect(await house.finished(await house.add(definition, 3, elsewhere))).toMatchObject({ outcome: "succeeded" });
    expect(old.ran).toEqual([3]);
  });

  test("keeps nothing where the key is null or undefined, and nothing of a failed attempt", async () => {
    const { ran, definition } = square({ key: ({ input }) => (input < 5 ? null : undefined) });
    await house.worker({ tasks: [definition] }).start();
    for (const n of [3, 3, 6, 6]) await house.finished(await house.add(definition, n));
    expect(ran).toEqual([3, 3, 6, 6]);
    let tries = 0;
    const shaky = task({
      name: "shaky",
      retry: { backoff: "fixed", delay: 0 },
      cache: { key: () => "one", ttl: "1h" },
      run: () => {
        if (++tries === 1) throw new Error("not yet");
        return tries;
      },
    });
    await house.worker({ tasks: [shaky] }).start();
    const id = await house.add(shaky);
    await house.clock.advance("1s");
    expect(await house.job(id)).toMatchObject({ attempt: 2, result: "2" });
    expect(await house.finished(await house.add(shaky))).toMatchObject({ outcome: "cached", result: "2" });
  });

  test("a key function may be asynchronous, gets the input that the schema made, and may make any text", async () => {
    const long = "x".repeat(5_000);
    const { ran, definition } = square({ key: async ({ input }) => `${long}\u0000${input}` });
    await house.worker({ tasks: [definition] }).start();
    for (const n of [3, 4, 3, 4]) await house.finished(await house.add(definition, n));
    expect(ran).toEqual([3, 4]);
  });

  test("a key function that throws fails the attempt, by the retry policy", async () => {
    const asked: number[] = [];
    const { ran, definition } = square({
      key: ({ input }) => {
        asked.push(input);
        if (input === 1) throw new NonRetryableError("never");
        if (asked.length === 1) throw new Error("not yet");
        return String(input);
      },
    });
    await house.worker({ tasks: [definition] }).start();
    const id = await house.add(definition, 3);
    await house.clock.advance(0);
    expect(await house.job(id)).toMatchObject({ state: "retryable", error: { message: "not yet" } });
    await house.clock.advance("5s");
    expect(await house.job(id)).toMatchObject({ state: "completed", attempt: 2 });
    expect(ran).toEqual([3]);
    const never = await house.finished(await house.add(definition, 1));
    expect(never).toMatchObject({ state: "discarded", error: { message: "never" } });
  });

  test("a key that is no text fails the attempt and says so", async () => {
    const { definition } = square({ key: (() => 5) as never });
    await house.worker({ tasks: [definition] }).start();
    const { error } = await house.finished(await house.add(definition, 3, { maxAttempts: 1 }));
    expect(error).toMatchObject({ code: "QUEUACK_INVALID_TASK", message: expect.stringContaining("is a number") });
  });

  test("the look-ups of many jobs are one question", async () => {
    const questions: number[] = [];
    const broker = withFaults(house.broker, {
      cached: (params) => {
        questions.push(params.entries.length);
        return house.broker.cached(params);
      },
    });
    const { ran, definition } = square();
    for (let n = 0; n < 100; n++) await house.add(definition, n);
    await house.worker({ tasks: [definition], concurrency: 100 }, broker).start();
    await house.clock.advance(0);
    expect(questions).toEqual([100]);
    expect(ran).toHaveLength(100);
  });

  test("a cache that can't be read is told as trouble, and the handler runs", async () => {
    const broker = withFaults(house.broker, { cached: () => Promise.reject(new Error("disk")) });
    const { ran, definition } = square();
    await house.worker({ tasks: [definition] }, broker).start();
    const id = await house.add(definition, 3);
    expect(await house.finished(id)).toMatchObject({ outcome: "succeeded", result: "9" });
    expect(ran).toEqual([3]);
    expect(house.troubles).toMatchObject([{ during: "cache", jobs: [id], error: { message: "disk" } }]);
  });

  test("a job that is cancelled while the cache is asked is cancelled, and its handler doesn't run", async () => {
    const gate = new Gate();
    const broker = withFaults(house.broker, {
      cached: async (params) => {
        await gate.passed;
        return house.broker.cached(params);
      },
    });
    const { ran, definition } = square();
    await house.worker({ tasks: [definition] }, broker).start();
    const id = await house.add(definition, 3);
    await house.clock.advance(0);
    await house.broker.change({ ids: [id], change: { kind: "cancel" } });
    gate.open();
    expect(await house.finished(id)).toMatchObject({ state: "cancelled" });
    expect(ran).toEqual([]);
  });

  test("nothing is kept of a completion that came too late", async () => {
    const gate = new Gate();
    const slow = task({
      name: "slow",
      cache: { key: () => "one", ttl: "1h" },
      run: async ({ attempt }) => {
        if (attempt === 1) await gate.passed;
        return attempt;
      },
    });
    // The first worker's heartbeats get lost, so that the lease runs out behind its back.
    const silent = withFaults(house.broker, { renew: () => new Promise(() => undefined) });
    await house.worker({ tasks: [slow] }, silent).start();
    const id = await house.add(slow);
    await house.clock.advance(0);
    await house.clock.advance("35s");
    expect(await house.job(id)).toMatchObject({ state: "completed", result: "2" });
    gate.open();
    await house.clock.advance(0);
    const address = { tenant: "default", task: "slow", key: "one", version: "" };
    expect(await house.broker.cached({ entries: [address] })).toEqual([{ result: "2" }]);
  });
});
