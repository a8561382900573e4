import { afterEach, beforeEach, expect, test } from "vitest";
import { type ChunkContext, task } from "../core/task.ts";
import { Gate, type TestHouse, testHouse, withFaults } from "./fixtures/test-house.ts";

let house: TestHouse;
beforeEach(async () => {
  house = await testHouse();
});
afterEach(() => house.close());

test("waits for what runs, for what it enqueues, and for what fails and comes again at once", async () => {
  const gate = new Gate();
  const ended: string[] = [];
  const child = task({
    name: "child",
    retry: { maxAttempts: 3 },
    run: ({ attempt }) => {
      if (attempt < 3) throw new Error("again");
      ended.push("child");
    },
  });
  const parent = task({
    name: "parent",
    run: async () => {
      await gate.passed;
      await house.add(child, undefined, {
        retry: { backoff: "fixed", baseMs: 0, capMs: 0, factor: 1, jitter: "none" },
      });
      ended.push("parent");
    },
  });
  const worker = house.worker({ tasks: [parent, child], concurrency: 1 });
  await worker.start();
  await house.add(parent);
  await house.add(parent);
  let idle = false;
  const waiting = worker.untilIdle().then(() => {
    idle = true;
  });
  await house.clock.advance(0);
  expect(idle).toBe(false);
  gate.open();
  await waiting;
  expect(ended).toEqual(["parent", "parent", "child", "child"]);
  expect(worker.running).toBe(0);
});

test("does not wait for what waits for a time, in a paused queue, or for another task", async () => {
  const noop = task({ name: "noop", run: () => undefined });
  const worker = house.worker({ tasks: [noop] });
  await worker.start();
  await house.broker.pauseQueue({ tenant: "default", queue: "default", paused: true });
  const ids = [await house.add(noop), await house.add(noop, null, { delayMs: 1_000 }), await house.add("other")];
  await worker.untilIdle();
  const states = (await house.broker.get({ ids })).map((job) => job?.state);
  expect(states).toEqual(["available", "scheduled", "available"]);
});

test("ends when the worker is stopped", async () => {
  const gate = new Gate();
  const slow = task({ name: "slow", run: () => gate.passed });
  const worker = house.worker({ tasks: [slow] });
  await worker.start();
  await house.add(slow);
  await house.clock.advance(0);
  const waiting = worker.untilIdle();
  const stopping = worker.stop();
  gate.open();
  await Promise.all([waiting, stopping]);
  await worker.untilIdle();
  expect(worker.state).toBe("stopped");
});

test("ends when the worker is stopped before the broker has answered it", async () => {
  const broker = withFaults(house.broker, { claim: () => Promise.reject(new Error("busy")) });
  const worker = house.worker({ tasks: [task({ name: "noop", run: () => undefined })] }, broker);
  await worker.start();
  let idle = false;
  const waiting = worker.untilIdle().then(() => {
    idle = true;
  });
  await house.clock.advance(0);
  expect(idle).toBe(false);
  await Promise.all([worker.stop(), waiting]);
});

test("waits for what gathers for a chunk, too", async () => {
  const chunks: number[][] = [];
  const gather = task({
    name: "gather",
    chunk: { size: 3, wait: "1s" },
    run: ({ inputs }: ChunkContext<number>) => {
      chunks.push([...inputs]);
      return inputs;
    },
  });
  const worker = house.worker({ tasks: [gather] });
  const ids = [];
  for (const n of [1, 2, 3, 4, 5]) ids.push(await house.add(gather, n));
  await worker.start();
  let idle = false;
  const waiting = worker.untilIdle().then(() => {
    idle = true;
  });
  await house.clock.advance("999ms");
  expect([idle, chunks]).toEqual([false, [[1, 2, 3]]]);
  await house.clock.advance("1ms");
  await waiting;
  expect(chunks).toEqual([
    [1, 2, 3],
    [4, 5],
  ]);
  for (const id of ids) expect((await house.job(id)).state).toBe("completed");
});
