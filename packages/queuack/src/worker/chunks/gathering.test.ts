import type { StandardSchemaV1 } from "@standard-schema/spec";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ChunkContext, type ChunkOptions, type TaskContext, type TaskOptions, task } from "../../core/task.ts";
import { Gate, type TestHouse, testHouse, untilAborted, withFaults } from "../fixtures/test-house.ts";

let house: TestHouse;
beforeEach(async () => {
  house = await testHouse();
});
afterEach(() => house.close());

/** A task that notes each chunk it gets; with a gate, its chunks run until that is open. */
function noting(
  chunk: ChunkOptions<number>,
  more: { gate?: Gate; name?: string; cache?: TaskOptions<number, unknown>["cache"] } = {},
) {
  const { gate, name = "noting", cache } = more;
  const chunks: (readonly number[])[] = [];
  const definition = task({
    name,
    chunk,
    cache,
    input: numbers,
    run: async ({ inputs, signal }) => {
      chunks.push(inputs);
      if (gate !== undefined) await Promise.race([gate.passed, untilAborted(signal)]);
      return inputs.map((n) => n * 10);
    },
  });
  return { chunks, definition };
}

/** Takes numbers; from 1,000 on it refuses them, asynchronously. */
const numbers: StandardSchemaV1<number, number> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) => {
      const n = value as number;
      return n < 1_000 ? { value: n } : Promise.resolve({ issues: [{ message: "too large" }] });
    },
  },
};

async function addAll(definition: Parameters<TestHouse["add"]>[0], inputs: readonly number[], tenant = "default") {
  return await Promise.all(inputs.map((input) => house.add(definition, input, { tenant })));
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

async function states(ids: readonly string[]) {
  return (await house.broker.get({ ids })).map((job) => job?.state);
}

describe("a chunk starts", () => {
  test("at once when it has its size, however few slots there are", async () => {
    const { chunks, definition } = noting({ size: 100, wait: "1h" });
    const worker = house.worker({ tasks: [definition], concurrency: 2 });
    await worker.start();
    const ids = await addAll(definition, upTo(100));
    await house.clock.advance(0);
    expect(chunks).toEqual([upTo(100)]);
    expect(await states(ids)).toEqual(ids.map(() => "completed"));
    expect((await house.job(ids[7] as string)).result).toBe("70");
  });

  test("when the first of it has waited long enough, and later ones with it", async () => {
    const { chunks, definition } = noting({ size: 100, wait: "10s" });
    await house.worker({ tasks: [definition] }).start();
    const first = await house.add(definition, 1);
    await house.clock.advance("9s");
    await house.add(definition, 2);
    await house.clock.advance("999ms");
    expect(chunks).toEqual([]);
    expect((await house.job(first)).state).toBe("running");
    await house.clock.advance("1ms");
    expect(chunks).toEqual([[1, 2]]);
    await house.add(definition, 3);
    await house.clock.advance("9999ms");
    expect(chunks).toHaveLength(1);
    await house.clock.advance("1ms");
    expect(chunks).toEqual([[1, 2], [3]]);
  });

  test("of many waiting jobs one after the other, each full", async () => {
    const { chunks, definition } = noting({ size: 30, wait: "1s" });
    await addAll(definition, upTo(130));
    await house.worker({ tasks: [definition], concurrency: 1 }).start();
    await house.clock.advance("999ms");
    expect(chunks.map(({ length }) => length)).toEqual([30, 30, 30, 30]);
    await house.clock.advance("1ms");
    expect(chunks.flat()).toEqual(upTo(130));
  });

  test("with jobs of one answer of `by` only", async () => {
    const { chunks, definition } = noting({ size: 3, wait: "1s", by: ({ input }) => (input % 2 ? "odd" : "even") });
    await house.worker({ tasks: [definition] }).start();
    await addAll(definition, [1, 2, 3, 4, 5]);
    await house.clock.advance(0);
    expect(chunks).toEqual([[1, 3, 5]]);
    await house.clock.advance("1s");
    expect(chunks).toEqual([
      [1, 3, 5],
      [2, 4],
    ]);
  });

  test("never with more than its size, whatever a claim brings", async () => {
    const { chunks, definition } = noting({ size: 3, wait: "1s", by: ({ input }) => (input % 2 ? "odd" : "even") });
    const worker = house.worker({ tasks: [definition] });
    await worker.start();
    await addAll(definition, [1, 3, 2]);
    await house.clock.advance(0);
    worker.pause();
    await addAll(definition, [5, 7, 9]);
    worker.resume();
    await house.clock.advance(0);
    expect(chunks).toEqual([[1, 3, 5]]);
    await house.clock.advance("1s");
    expect(chunks.slice(1)).toEqual([[2], [7, 9]]);
  });

  test("with jobs of one tenant only, and enqueues for it", async () => {
    const chunks: string[][] = [];
    const child = task({ name: "child", run: ({ job }) => job.tenant });
    const parent = task({
      name: "parent",
      chunk: { size: 2, wait: "1s" },
      run: async ({ jobs, enqueue }) => {
        chunks.push(jobs.map(({ tenant }) => tenant));
        const { id } = await enqueue(child);
        return jobs.map(() => id);
      },
    });
    await house.worker({ tasks: [parent, child] }).start();
    await addAll(parent, [1], "acme");
    await addAll(parent, [1], "zeta");
    const [id] = await addAll(parent, [2], "acme");
    await house.clock.advance("1s");
    expect(chunks).toEqual([["acme", "acme"], ["zeta"]]);
    const made = JSON.parse((await house.job(id as string)).result as string);
    expect((await house.job(made)).tenant).toBe("acme");
  });

  test("early when so many kinds gather that no other job could come", async () => {
    const { chunks, definition } = noting({ size: 2, wait: "30s", by: ({ input }) => String(input % 50) });
    await addAll(definition, upTo(100));
    await house.worker({ tasks: [definition], concurrency: 1 }).start();
    await house.clock.advance(0);
    // All but what an allowance of four chunks holds back.
    expect(chunks.flat().length).toBeGreaterThanOrEqual(92);
    await house.clock.advance("30s");
    expect(chunks.flat().sort((a, b) => a - b)).toEqual(upTo(100));
  });
});

describe("while a chunk gathers", () => {
  test("its jobs are claimed up to its size, not more, and take no slot", async () => {
    const { definition } = noting({ size: 5, wait: "1m" }, { gate: new Gate() });
    const limits: number[] = [];
    const broker = withFaults(house.broker, {
      claim: (params) => {
        limits.push(params.limit);
        return house.broker.claim(params);
      },
    });
    const worker = house.worker({ tasks: [definition], concurrency: 1 }, broker);
    await worker.start();
    const ids = await addAll(definition, upTo(4));
    await house.clock.advance(0);
    expect(worker.running).toBe(0);
    expect(await states(ids)).toEqual(ids.map(() => "running"));
    const more = await addAll(definition, upTo(20));
    await house.clock.advance("1s");
    // One chunk runs in the one slot; the next is gathered and waits for it.
    expect(worker.running).toBe(1);
    // 4 + 1 run, 5 wait.
    expect((await states(more)).filter((state) => state === "running")).toHaveLength(6);
    expect(Math.max(...limits)).toBe(5);
  });

  test("nothing more is claimed while a chunk waits for a slot: others may have it", async () => {
    const gate = new Gate();
    const { chunks, definition } = noting({ size: 5, wait: "1s" }, { gate });
    await house.worker({ tasks: [definition], concurrency: 1 }).start();
    await house.add(definition, 1);
    await house.clock.advance("1s");
    const second = await house.add(definition, 2);
    await house.clock.advance("1s");
    const third = await house.add(definition, 3);
    await house.clock.advance("5s");
    expect([chunks, await states([second, third])]).toEqual([[[1]], ["running", "available"]]);
    gate.open();
    await house.clock.advance("1s");
    expect(chunks).toEqual([[1], [2], [3]]);
  });

  test("a chunk that all left while it waited for a slot is forgotten", async () => {
    const gates = new Map([1, 2, 3, 4, 5].map((n) => [n, new Gate()]));
    const chunks: (readonly number[])[] = [];
    const slow = task({
      name: "slow",
      chunk: { size: 5, wait: "1s" },
      run: async ({ inputs }: ChunkContext<number>) => {
        chunks.push(inputs);
        await gates.get(inputs[0] as number)?.passed;
        return inputs;
      },
    });
    await house.worker({ tasks: [slow], concurrency: 1 }).start();
    const ids: string[] = [];
    const add = async (n: number) => {
      ids.push(await house.add(slow, n));
      await house.clock.advance("1s");
    };
    await add(1);
    await add(2);
    await house.broker.change({ ids: [ids[1] as string], change: { kind: "cancel" } });
    gates.get(1)?.open();
    for (const n of [3, 4, 5]) await add(n);
    await house.clock.advance("2s");
    expect(chunks).toEqual([[1], [3]]);
    // As before, only what waits for the slot has been claimed.
    expect(await states(ids)).toEqual(["completed", "cancelled", "running", "running", "available"]);
    for (const gate of gates.values()) gate.open();
  });

  test("leases are renewed for as long as it takes", async () => {
    const { chunks, definition } = noting({ size: 5, wait: "2m" });
    await house.worker({ tasks: [definition] }).start();
    const id = await house.add(definition, 1);
    await house.clock.advance("119s");
    expect(await house.job(id)).toMatchObject({ state: "running", attempt: 1 });
    await house.clock.advance("1s");
    expect(chunks).toEqual([[1]]);
    expect(await house.job(id)).toMatchObject({ state: "completed", attempt: 1 });
  });

  test("a job that is cancelled is cancelled at once, and the chunk starts without it", async () => {
    const { chunks, definition } = noting({ size: 5, wait: "1s" });
    await house.worker({ tasks: [definition] }).start();
    const [one, two] = await addAll(definition, [1, 2]);
    await house.clock.advance(0);
    await house.broker.change({ ids: [one as string], change: { kind: "cancel" } });
    expect(await house.finished(one as string)).toMatchObject({ state: "cancelled" });
    await house.clock.advance("1s");
    expect(chunks).toEqual([[2]]);
    expect((await house.job(two as string)).state).toBe("completed");
  });

  test("a chunk that all have left never starts, and later jobs begin a new one", async () => {
    const { chunks, definition } = noting({ size: 5, wait: "1s" });
    await house.worker({ tasks: [definition] }).start();
    const id = await house.add(definition, 1);
    await house.clock.advance("500ms");
    await house.broker.change({ ids: [id], change: { kind: "cancel" } });
    await house.clock.advance("100ms");
    await house.add(definition, 2);
    await house.clock.advance("999ms");
    expect(chunks).toEqual([]);
    await house.clock.advance("1ms");
    expect(chunks).toEqual([[2]]);
  });

  test("jobs that have left make no room scarce for others", async () => {
    const { chunks, definition } = noting({ size: 2, wait: "1h", by: ({ input }) => String(input) });
    await house.worker({ tasks: [definition] }).start();
    const ids = await addAll(definition, upTo(7));
    await house.clock.advance(0);
    await house.broker.change({ ids, change: { kind: "cancel" } });
    await house.clock.advance(0);
    await addAll(definition, [8, 9]);
    await house.clock.advance("1s");
    expect(chunks).toEqual([]);
  });

  test("a job whose lease is lost is left out, and runs again as after any crash", async () => {
    const { chunks, definition } = noting({ size: 3, wait: "15s" });
    let first: number | undefined;
    const broker = withFaults(house.broker, {
      claim: async (params) => {
        const jobs = await house.broker.claim(params);
        first ??= jobs[0]?.token;
        return jobs;
      },
      renew: async (params) => {
        const tokens = params.tokens.filter((token) => token !== first);
        const { lost, cancelled } = await house.broker.renew({ ...params, tokens });
        return { lost: tokens.length < params.tokens.length ? [...lost, first as number] : lost, cancelled };
      },
    });
    await house.worker({ tasks: [definition] }, broker).start();
    const one = await house.add(definition, 1);
    await house.clock.advance("11s");
    await addAll(definition, [2, 3]);
    await house.clock.advance("14s");
    expect(chunks).toEqual([]);
    await house.clock.advance("1s");
    expect(chunks).toEqual([[2, 3]]);
    await house.clock.advance("1m");
    expect(chunks).toEqual([[2, 3], [1]]);
    expect(await house.job(one)).toMatchObject({ state: "completed", attempt: 2 });
    expect((await house.history(one)).attempts).toMatchObject([{ outcome: "crashed" }]);
  });

  test("a shutdown gives its jobs back at once, with no attempt consumed", async () => {
    const { chunks, definition } = noting({ size: 5, wait: "1m" });
    const worker = house.worker({ tasks: [definition] });
    await worker.start();
    const ids = await addAll(definition, [1, 2]);
    await house.clock.advance(0);
    expect(await states(ids)).toEqual(["running", "running"]);
    const stopped = worker.stop();
    await house.clock.advance(0);
    await stopped;
    expect(await states(ids)).toEqual(["available", "available"]);
    expect(chunks).toEqual([]);
    await house.worker({ tasks: [definition] }).start();
    await house.clock.advance("1m");
    expect(chunks).toEqual([[1, 2]]);
    expect((await house.job(ids[0] as string)).attempt).toBe(1);
  });

  test("a worker that pauses lets it start, and gathers no more", async () => {
    const { chunks, definition } = noting({ size: 5, wait: "1m" });
    const worker = house.worker({ tasks: [definition] });
    await worker.start();
    await addAll(definition, [1, 2]);
    await house.clock.advance("1s");
    worker.pause();
    const late = await house.add(definition, 3);
    await house.clock.advance("2m");
    expect(chunks).toEqual([[1, 2]]);
    expect((await house.job(late)).state).toBe("available");
  });

  test("a worker that is taken for dead drops it, and the jobs run again", async () => {
    const { chunks, definition } = noting({ size: 5, wait: "30s" });
    const worker = house.worker({ tasks: [definition], concurrency: 1 });
    await worker.start();
    const id = await house.add(definition, 1);
    await house.clock.advance(0);
    await house.broker.deregisterWorker({ id: worker.id });
    await house.clock.advance("2m");
    expect(chunks).toEqual([[1]]);
    expect(await house.job(id)).toMatchObject({ state: "completed", attempt: 2 });
  });
});

describe("what never reaches the handler", () => {
  test("an input that the schema refuses: it fails alone", async () => {
    const { chunks, definition } = noting({ size: 3, wait: "1s" });
    await house.worker({ tasks: [definition] }).start();
    const [one, bad, two] = await addAll(definition, [1, 1_000, 2]);
    await house.clock.advance("1s");
    expect(chunks).toEqual([[1, 2]]);
    expect(await house.job(bad as string)).toMatchObject({
      state: "discarded",
      error: { code: "QUEUACK_INVALID_INPUT" },
    });
    expect(await states([one as string, two as string])).toEqual(["completed", "completed"]);
  });

  test.each([
    ["throws", () => Promise.reject(new Error("odd")), "is a object"],
    ["answers with no text", () => 5, "is a number"],
  ])("a job for which `by` %s: it fails alone", async (_, answer, why) => {
    const by = ({ input }: { input: number }) => {
      if (input !== 1) return "";
      const made: unknown = answer();
      if (made instanceof Promise) made.catch(() => undefined);
      return made as string;
    };
    const { chunks, definition } = noting({ size: 2, wait: "1s", by });
    await house.worker({ tasks: [definition] }).start();
    const [odd] = await addAll(definition, [1, 2, 3]);
    await house.clock.advance(0);
    expect(chunks).toEqual([[2, 3]]);
    const record = await house.job(odd as string);
    expect([record.state, record.error?.message]).toEqual(["retryable", expect.stringContaining(why)]);
  });

  test("a job with a cached result", async () => {
    const { chunks, definition } = noting(
      { size: 2, wait: "1s" },
      { cache: { key: ({ input }) => (input === 5 ? null : String(input)), ttl: "1h" } },
    );
    await house.worker({ tasks: [definition] }).start();
    await addAll(definition, [1, 5]);
    await house.clock.advance(0);
    const [one, five, two] = await addAll(definition, [1, 5, 2]);
    await house.clock.advance(0);
    expect(chunks.map((chunk) => [...chunk].sort())).toEqual([
      [1, 5],
      [2, 5],
    ]);
    expect(await house.job(one as string)).toMatchObject({ outcome: "cached", result: "10" });
    expect(await house.job(five as string)).toMatchObject({ outcome: "succeeded", result: "50" });
    expect(await house.job(two as string)).toMatchObject({ outcome: "succeeded", result: "20" });
  });
});

describe("beside ordinary tasks in one worker", () => {
  /** A task that takes one job at a time and notes it in the same list. */
  function alone(order: string[]) {
    return task({ name: "alone", run: ({ input }: TaskContext<number>) => void order.push(`one ${input}`) });
  }
  function together(order: string[]) {
    return task({
      name: "together",
      chunk: { size: 2, wait: "1s" },
      run: async ({ inputs }) => {
        order.push(`many ${inputs.join()}`);
        return inputs;
      },
    });
  }

  test("a chunk takes one slot, and the others are for ordinary jobs", async () => {
    const gate = new Gate();
    const { chunks, definition } = noting({ size: 50, wait: "1s" }, { gate });
    const started: number[] = [];
    const single = task({
      name: "single",
      run: async ({ input, signal }: TaskContext<number>) => {
        started.push(input);
        await Promise.race([gate.passed, untilAborted(signal)]);
      },
    });
    const worker = house.worker({ tasks: [definition, single], concurrency: 3 });
    await worker.start();
    await addAll(definition, upTo(50));
    await house.clock.advance(0);
    await addAll(single, upTo(5));
    await house.clock.advance(0);
    expect([chunks.length, started.length, worker.running]).toEqual([1, 2, 3]);
    gate.open();
    await house.clock.advance(0);
    expect([started.length, worker.running]).toEqual([5, 0]);
  });

  test("where both want every slot, they take turns", async () => {
    const order: string[] = [];
    const tasks = [alone(order), together(order)];
    await addAll("alone", upTo(4));
    await addAll("together", upTo(8));
    await house.worker({ tasks, concurrency: 1 }).start();
    await house.clock.advance(0);
    expect([...order].sort()).toEqual([
      "many 0,1",
      "many 2,3",
      "many 4,5",
      "many 6,7",
      "one 0",
      "one 1",
      "one 2",
      "one 3",
    ]);
    const kinds = order.map((line) => line.split(" ")[0]);
    for (let i = 2; i < 6; i++) expect(kinds[i]).not.toBe(kinds[i - 1]);
  });

  test("a slot for which a claim is under way is not a chunk's", async () => {
    const order: string[] = [];
    const answered = new Gate();
    const broker = withFaults(house.broker, {
      claim: async (params) => {
        const jobs = await house.broker.claim(params);
        if (params.tasks.includes("alone")) await answered.passed;
        return jobs;
      },
    });
    await addAll("alone", [1]);
    await addAll("together", [2, 3]);
    const worker = house.worker({ tasks: [alone(order), together(order)], concurrency: 1 }, broker);
    await worker.start();
    await house.clock.advance("2s");
    expect(order).toEqual([]);
    answered.open();
    await house.clock.advance(0);
    expect(order).toEqual(["one 1", "many 2,3"]);
  });

  test("never more handlers run than there are slots", async () => {
    let running = 0;
    let most = 0;
    const step = async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
    };
    const one = task({ name: "one", run: step });
    const many = task({
      name: "many",
      chunk: { size: 3, wait: 5 },
      run: async ({ inputs }) => {
        await step();
        return inputs;
      },
    });
    await house.worker({ tasks: [one, many], concurrency: 3 }).start();
    const ids: string[] = [];
    for (const n of upTo(10)) {
      ids.push(...(await addAll("one", upTo(n))), ...(await addAll("many", upTo(n))));
    }
    await house.clock.advance("1s");
    expect(await states(ids)).toEqual(ids.map(() => "completed"));
    expect(most).toBe(3);
  });

  test("two tasks with chunks gather apart", async () => {
    const a = noting({ size: 2, wait: "1s" }, { name: "a" });
    const b = noting({ size: 3, wait: "2s" }, { name: "b" });
    await house.worker({ tasks: [a.definition, b.definition] }).start();
    await addAll("a", [1, 2, 3]);
    await addAll("b", [4, 5]);
    await house.clock.advance("1s");
    expect([a.chunks, b.chunks]).toEqual([[[1, 2], [3]], []]);
    await house.clock.advance("1s");
    expect(b.chunks).toEqual([[4, 5]]);
  });
});
