import { statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { task } from "../core/task.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { connect } from "./connect.ts";
import { temporaryFolder } from "./fixtures/temporary-folder.ts";
import type { Queue } from "./queue.ts";

const quick = task({ name: "quick", run: () => "done" });
const broken = task({
  name: "broken",
  retry: { maxAttempts: 1 },
  run: () => {
    throw new Error("boom");
  },
});
let clock: FakeClock;
let q: Queue;
beforeEach(async () => {
  clock = new FakeClock();
  q = await connect(":memory:", { clock, tasks: [quick, broken], workers: 1 });
});
afterEach(() => q.close());

describe("a queue that is paused", () => {
  test("accepts jobs and hands none out until it is resumed; others go on", async () => {
    await q.queues.pause("default");
    const waiting = await q.enqueue(quick, undefined);
    await clock.advance("1m");
    expect(await waiting.get()).toMatchObject({ state: "available", attempt: 0 });
    expect(await q.queues.get("default")).toMatchObject({ pausedAt: clock.now() - 60_000, waiting: 1 });
    await q.queues.resume("default");
    expect(await waiting.result()).toBe("done");
    expect((await q.queues.get("default"))?.pausedAt).toBeNull();
  });

  test("is one of its tenant alone", async () => {
    await q.queues.pause("default");
    await using acme = await connect(":memory:", { clock, tenant: "acme" });
    expect(await acme.queues.get("default")).toBeNull();
    const foreign = await q.enqueue(quick, undefined, { tenant: "acme" });
    expect(await foreign.result()).toBe("done");
  });

  test("keeps the time of its first pause", async () => {
    await q.queues.pause("default");
    const since = clock.now();
    await clock.advance("1m");
    await q.queues.pause("default");
    expect((await q.queues.get("default"))?.pausedAt).toBe(since);
  });
});

describe("figures", () => {
  test("count the jobs of every state, and what waits longest", async () => {
    await q.enqueue(broken, undefined);
    await (await q.enqueue(quick, undefined)).result();
    await clock.advance("1s");
    const oldest = clock.now();
    await q.enqueue("mail");
    await clock.advance("1s");
    await q.enqueueMany("mail", [1, 2], { delay: "1h" });
    const [held] = await q.enqueueMany("mail", [3, 4]);
    await q.jobs.hold(held?.id as string);
    expect(await q.stats()).toEqual([
      {
        tenant: "default",
        queue: "default",
        pausedAt: null,
        settings: { backpressure: null, retention: null, escalation: null },
        counts: {
          scheduled: 2,
          pending: 1,
          available: 2,
          running: 0,
          retryable: 0,
          completed: 1,
          discarded: 1,
          cancelled: 0,
          skipped: 0,
          upstream_failed: 0,
        },
        waiting: 5,
        oldestAvailableAt: oldest,
        recent: { completed: 1, failed: 1, windowMs: 300_000 },
      },
    ]);
    clock.set(clock.now() + 6 * 60_000);
    expect((await q.queues.get("default"))?.recent).toMatchObject({ completed: 0, failed: 0 });
  });

  test("of a queue that was never used are none", async () => {
    expect(await q.queues.get("nowhere")).toBeNull();
    expect(await q.queues.list()).toEqual([]);
  });
});

describe("settings of a queue", () => {
  test("stand on those of the connection, and null goes back to them", async () => {
    await q.queues.configure("mail", { backpressure: { limit: 5 }, retention: { completed: "2h" } });
    const settings = async () => (await q.queues.get("mail"))?.settings;
    expect(await settings()).toEqual({
      backpressure: { warnAt: 5, limit: 5, onLimit: "refuse" },
      retention: { completedMs: 7_200_000, discardedMs: 604_800_000 },
      escalation: null,
    });
    await q.queues.configure("mail", { backpressure: null });
    expect(await settings()).toMatchObject({ backpressure: null, retention: { completedMs: 7_200_000 } });
    await q.queues.configure("mail", { backpressure: { limit: undefined, warnAt: 7 }, retention: null });
    expect(await settings()).toEqual({
      backpressure: { warnAt: 7, limit: 1_000_000, onLimit: "refuse" },
      retention: null,
      escalation: null,
    });
  });

  test.each<[string, () => Promise<unknown>, RegExp]>([
    ["a name", () => q.queues.configure("two words", {}), /queue is "two words"/],
    ["pausing a name", () => q.queues.pause(""), /queue is ""/],
    ["resuming a name", () => q.queues.resume(5 as never), /queue is 5/],
    ["an unknown one", () => q.queues.configure("a", { limit: 5 } as never), /"limit".*backpressure, retention/],
    ["a limit", () => q.queues.configure("a", { backpressure: { limit: 0 } }), /backpressure\.limit is 0/],
    ["an unknown bound", () => q.queues.configure("a", { backpressure: { max: 5 } as never }), /"max"/],
    ["a retention", () => q.queues.configure("a", { retention: { completed: "ever" } }), /completed is "ever"/],
    ["an unknown retention", () => q.queues.configure("a", { retention: { failed: 1 } as never }), /"failed"/],
    ["a purge", () => q.queues.purge("a", { state: "completed" } as never), /"state".*states, olderThan/],
    ["a purge of a state", () => q.queues.purge("a", { states: ["done" as never] }), /states holds "done"/],
    ["a purge of an age", () => q.queues.purge("a", { olderThan: "old" }), /olderThan is "old"/],
  ])("%s that is wrong is refused", async (_, call, message) => {
    await expect(call()).rejects.toMatchObject({
      code: "QUEUACK_INVALID_OPTION",
      message: expect.stringMatching(message),
    });
  });
});

describe("purging", () => {
  const done = async () => {
    const job = await q.enqueue(quick, undefined);
    await job.result();
    return job.id;
  };

  test("deletes final jobs of the queue, and leaves those that live and other queues alone", async () => {
    await done();
    await q.enqueue(broken, undefined);
    await clock.advance(0);
    const waiting = await q.enqueue("mail");
    const elsewhere = await q.enqueue("mail", 1, { queue: "other" });
    await elsewhere.cancel();
    expect(await q.queues.purge("default")).toBe(2);
    expect(await q.queues.purge("default")).toBe(0);
    expect((await waiting.get()).state).toBe("available");
    expect((await elsewhere.get()).state).toBe("cancelled");
  });

  test("by age: of the end for final jobs, of their making for waiting ones", async () => {
    const [old, stale] = [await done(), (await q.enqueue("mail")).id];
    // Made long ago, and ended only now.
    const late = await q.enqueue(quick, undefined, { delay: "10s" });
    await clock.advance("10s");
    await late.result();
    const [young, fresh] = [await done(), (await q.enqueue("mail")).id];
    await clock.advance("1s");
    expect(await q.queues.purge("default", { olderThan: "5s" })).toBe(1);
    expect(await q.queues.purge("default", { olderThan: "5s", states: ["available"] })).toBe(1);
    const left = await Promise.all([old, stale, late.id, young, fresh].map((id) => q.jobs.get(id)));
    expect(left.map((job) => job?.id)).toEqual([undefined, undefined, late.id, young, fresh]);
  });

  test("gives the space back to the file system", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    await using disk = await connect(path);
    const size = () => statSync(path).size + statSync(`${path}-wal`).size;
    const inputs = Array.from({ length: 2_000 }, (_, i) => `${i}`.padEnd(4_000, "x"));
    await disk.enqueueMany("mail", inputs);
    await disk.jobs.cancel({});
    await disk.broker.compact();
    const before = size();
    expect(before).toBeGreaterThan(8_000_000);
    expect(await disk.queues.purge("default")).toBe(2_000);
    const after = size();
    console.log(`purge: ${before} bytes before, ${after} after`);
    expect(after).toBeLessThan(before / 10);
  });
});
