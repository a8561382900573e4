import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { defaults } from "../core/defaults.ts";
import type { Store } from "../storage/store.ts";
import { newJob, type TestEngine, testEngine } from "./fixtures/test-engine.ts";
import { finishedJob, ResultWaiters } from "./result-waiters.ts";

let engine: TestEngine;
let foreign: Set<() => void>;
let asked: number[];
let failing: boolean;
let waiters: ResultWaiters;
beforeEach(async () => {
  engine = await testEngine();
  foreign = new Set();
  asked = [];
  failing = false;
  const { store } = engine;
  const watched: Store = {
    ...store,
    onForeignCommit: (listener) => {
      foreign.add(listener);
      return () => void foreign.delete(listener);
    },
    jobs: {
      ...store.jobs,
      get: (params) => {
        asked.push(params.ids.length);
        return failing ? Promise.reject(new Error("disk")) : store.jobs.get(params);
      },
    },
  };
  waiters = new ResultWaiters(watched, engine.clock);
});
afterEach(() => engine.broker.close());

/** What another process does to a job, told as the store tells of it. */
async function complete(ids: readonly string[]): Promise<void> {
  const jobs = await engine.store.jobs.claim({
    worker: "w1",
    tasks: ["mail"],
    queues: [{ queue: defaults.queue, quota: ids.length }],
    limit: ids.length,
    leaseMs: 1_000,
  });
  const settlements = jobs.jobs.map(({ token, id }) => ({ token, id, to: "completed" as const, result: "5" }));
  await engine.store.jobs.settle({ settlements });
}
const tellForeign = () => {
  for (const listener of [...foreign]) listener();
};

describe("those who wait for a job", () => {
  test("hear of a commit elsewhere; many commits share one question", async () => {
    await engine.store.workers.register({
      worker: { id: "w1", host: "", pid: 1, tasks: [], queues: [], concurrency: 1 },
    });
    const ids = [await engine.add(), await engine.add()];
    const waiting = ids.map((id) => waiters.wait(id, undefined));
    await engine.clock.advance(0);
    asked.length = 0;
    tellForeign();
    tellForeign();
    expect(engine.clock.pending).toBe(1);
    await complete(ids);
    tellForeign();
    await engine.clock.advance("5ms");
    expect(await Promise.all(waiting)).toMatchObject(ids.map((id) => ({ id, state: "completed", result: "5" })));
    expect(asked).toEqual([2]);
  });

  test("listen only while somebody waits", async () => {
    const id = await engine.add();
    expect(foreign.size).toBe(0);
    const short = waiters.wait(id, 10);
    const long = waiters.wait(id, 20);
    expect(foreign.size).toBe(1);
    await engine.clock.advance("10ms");
    expect(await short).toBeNull();
    expect([foreign.size, waiters.has(id)]).toEqual([1, true]);
    await engine.clock.advance("10ms");
    expect(await long).toBeNull();
    expect([foreign.size, waiters.has(id), engine.clock.pending]).toEqual([0, false, 0]);
  });

  test("ask again when a question has failed", async () => {
    const id = await engine.add();
    const waiting = waiters.wait(id, undefined);
    await engine.clock.advance(0);
    await engine.store.jobs.change({ ids: [id], change: { kind: "cancel" } });
    failing = true;
    tellForeign();
    asked.length = 0;
    await engine.clock.advance("900ms");
    // A store that can't be read is not asked over and over.
    expect(asked).toHaveLength(1);
    failing = false;
    await engine.clock.advance("1s");
    expect(await waiting).toMatchObject({ id, state: "cancelled" });
  });

  test("are many: no question grows without bound", async () => {
    const jobs = Array.from({ length: 501 }, () => newJob());
    await engine.broker.enqueue({ jobs });
    const waiting = jobs.map(({ id }) => waiters.wait(id, undefined));
    await engine.clock.advance(0);
    await engine.store.jobs.change({ ids: jobs.map(({ id }) => id), change: { kind: "cancel" } });
    asked.length = 0;
    tellForeign();
    await engine.clock.advance("5ms");
    expect(await Promise.all(waiting)).toHaveLength(501);
    expect(asked).toEqual([500, 1]);
  });

  test("are told that a job is gone, when it was deleted elsewhere", async () => {
    const id = await engine.add();
    const waiting = expect(waiters.wait(id, undefined)).rejects.toMatchObject({ code: "QUEUACK_UNKNOWN_JOB" });
    await engine.clock.advance(0);
    await engine.store.jobs.remove({ filter: { ids: [id] }, limit: 1 });
    tellForeign();
    await engine.clock.advance("5ms");
    await waiting;
    expect(foreign.size).toBe(0);
  });

  test("are told when the queue is closed", async () => {
    const id = await engine.add();
    const waiting = expect(waiters.wait(id, 1_000)).rejects.toMatchObject({ code: "QUEUACK_CLOSED" });
    waiters.close();
    await waiting;
    expect([foreign.size, waiters.has(id), engine.clock.pending]).toEqual([0, false, 0]);
  });
});

test("a job that goes on has left nothing yet", async () => {
  const job = await engine.job(await engine.add());
  expect(() => finishedJob(job)).toThrow("is available, which is not final");
});
