// What must always hold, one small test a promise, by way of the broker and over the real store: the catchers of faults
// that no room's own tests are sure to notice.
import { randomUUID } from "node:crypto";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { ClaimRequest } from "../../packages/queuack/src/core/claim.ts";
import { defaults } from "../../packages/queuack/src/core/defaults.ts";
import type { NewJob } from "../../packages/queuack/src/core/job.ts";
import type { Settlement } from "../../packages/queuack/src/core/settlement.ts";
import { LocalBroker, type LocalBrokerOptions } from "../../packages/queuack/src/engine/local-broker.ts";
import { openSqliteStore } from "../../packages/queuack/src/storage/sqlite/sqlite-store.ts";
import { FakeClock } from "../../packages/queuack/src/testing/fake-clock.ts";

const tenant = defaults.tenant;
const queue = defaults.queue;
const error = { name: "Error", message: "no" };
const closings: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});

/** An engine over a store, with a worker that claims for itself. */
async function engine({
  path = ":memory:",
  clock = new FakeClock(),
  ...options
}: Partial<LocalBrokerOptions> & { path?: string; clock?: FakeClock } = {}) {
  const store = await openSqliteStore({ path, clock });
  const broker = new LocalBroker(store, { clock, random: () => 0.5, ...options });
  const worker = randomUUID();
  await store.workers.register({
    worker: { id: worker, host: "h", pid: 1, tasks: ["t"], queues: [queue], concurrency: 9 },
  });
  let open = true;
  const close = async () => {
    if (open) await broker.close();
    open = false;
  };
  closings.push(close);
  const job = (over: Partial<NewJob> = {}): NewJob => ({
    id: randomUUID(),
    tenant,
    queue,
    task: "t",
    priority: defaults.priority,
    maxAttempts: defaults.maxAttempts,
    input: null,
    ...over,
  });
  return {
    store,
    broker,
    clock,
    worker,
    close,
    add: async (...overs: Partial<NewJob>[]) => {
      const accepted = await broker.enqueue({ jobs: (overs.length === 0 ? [{}] : overs).map(job) });
      return accepted.map(({ id }) => id);
    },
    claim: (over: Partial<ClaimRequest> = {}) =>
      broker.claim({ worker, tasks: ["t"], queues: [{ queue, quota: 100 }], limit: 100, leaseMs: 30_000, ...over }),
    settle: async (settlement: Settlement) => (await broker.settle({ settlements: [settlement] }))[0],
    find: async (id: string) => (await broker.get({ ids: [id] }))[0] ?? null,
    counts: async () => (await broker.queueStats({ tenant, queue }))[0]?.counts,
    rescue: async () => {
      // The engine's own duty, as a worker's process performs it.
      await broker.registerWorker({
        worker: { id: "watcher", host: "h", pid: 2, tasks: ["none"], queues: [queue], concurrency: 1 },
      });
      await clock.advance(1_000);
    },
  };
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "queuack-promises-"));
  closings.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

describe("an acknowledgement", () => {
  test("comes after the commit: another connection sees the job at once", async () => {
    const path = join(folder(), "jobs.db");
    const here = await engine({ path });
    const there = await engine({ path });
    for (let i = 0; i < 5; i++) {
      const [id] = await here.add();
      expect((await there.store.jobs.get({ ids: [id as string] }))[0]?.state).toBe("available");
    }
  });

  test("of a repeated id means the first job, also after it is done", async () => {
    const { broker, add, claim, settle, counts } = await engine();
    const id = randomUUID();
    await add({ id });
    const [again] = await broker.enqueue({
      jobs: [{ id, tenant, queue, task: "t", priority: 1, maxAttempts: 1, input: null }],
    });
    expect(again).toEqual({ id, state: "available", duplicate: true });
    const [job] = await claim();
    await settle({ token: job?.token as number, id, to: "completed", result: "1" });
    await add({ id });
    expect(await claim()).toEqual([]);
    expect(await counts()).toMatchObject({ available: 0, completed: 1 });
  });

  test("of a repeated idempotency key means the first job", async () => {
    const { add, counts } = await engine();
    const [first] = await add({ idempotencyKey: "k" });
    expect(await add({ idempotencyKey: "k" })).toEqual([first]);
    expect(await counts()).toMatchObject({ available: 1 });
  });

  test("is for all or nothing: what a full queue refuses leaves no trace", async () => {
    const { add, counts } = await engine({ backpressure: { warnAt: 3, limit: 3, onLimit: "refuse" } });
    await add({}, {});
    await expect(add({}, {})).rejects.toMatchObject({ code: "QUEUACK_QUEUE_FULL" });
    expect(await counts()).toMatchObject({ available: 2 });
    await add({});
    await expect(add({})).rejects.toMatchObject({ code: "QUEUACK_QUEUE_FULL" });
    expect(await counts()).toMatchObject({ available: 3 });
  });
});

describe("a lease", () => {
  test("that was lost settles nothing", async () => {
    const { broker, clock, add, claim, settle, find, rescue } = await engine();
    const [id = ""] = await add();
    const [old] = await claim();
    await clock.advance(31_000);
    await rescue();
    await clock.advance(60_000);
    const [now] = await claim();
    expect(now?.token).toBeGreaterThan(old?.token as number);
    expect(await settle({ token: old?.token as number, id, to: "completed", result: '"old"' })).toBe("lost");
    expect(await broker.renew({ tokens: [old?.token as number], leaseMs: 1 })).toMatchObject({ lost: [old?.token] });
    expect((await find(id))?.state).toBe("running");
    expect(await settle({ token: now?.token as number, id, to: "completed", result: '"new"' })).toBe("accepted");
    expect((await find(id))?.result).toBe('"new"');
  });

  test("that is renewed does not run out", async () => {
    const { broker, clock, add, claim, find, rescue } = await engine();
    const [id = ""] = await add();
    const [job] = await claim();
    await clock.advance(25_000);
    await broker.renew({ tokens: [job?.token as number], leaseMs: 30_000 });
    await clock.advance(10_000);
    await rescue();
    expect((await find(id))?.state).toBe("running");
  });

  test("has a token that was never given out, even where an older copy of the file was put back", async () => {
    const path = join(folder(), "jobs.db");
    const clock = new FakeClock();
    const before = await engine({ path, clock });
    await before.add({}, {});
    await before.close();
    cpSync(path, `${path}.copy`);
    const during = await engine({ path, clock });
    const [taken] = await during.claim();
    await during.close();
    cpSync(`${path}.copy`, path);
    await clock.advance("1h");
    const after = await engine({ path, clock });
    const [next] = await after.claim();
    expect(next?.token).toBeGreaterThan(taken?.token as number);
  });

  test("of a dead worker is given back, of a living one it is not", async () => {
    const path = join(folder(), "jobs.db");
    const clock = new FakeClock();
    const dying = await engine({ path, clock });
    const living = await engine({ path, clock });
    const [first = "", second = ""] = await dying.add({}, {});
    await dying.claim({ limit: 1 });
    await living.claim({ limit: 1 });
    expect(await living.store.workers.findDead({})).toEqual([]);
    // Lets go of its lock without a farewell, as the operating system does for a process that is killed.
    await dying.close();
    expect(await living.store.workers.findDead({})).toEqual([dying.worker]);
    expect(await living.store.jobs.abandoned({ limit: 9 })).toMatchObject([{ id: first, reason: "dead" }]);
    expect((await living.find(second))?.state).toBe("running");
  });
});

describe("attempts", () => {
  test("are consumed by a crash: the last one leaves a discarded job", async () => {
    const { clock, add, claim, find, rescue } = await engine();
    const [id = ""] = await add({ maxAttempts: 1 });
    await claim();
    await clock.advance(31_000);
    await rescue();
    expect(await find(id)).toMatchObject({ state: "discarded", outcome: "crashed", attempt: 1 });
  });

  test("are counted through failures and never exceed the maximum", async () => {
    const { clock, add, claim, settle, find } = await engine();
    const [id = ""] = await add({ maxAttempts: 2 });
    const [first] = await claim();
    await settle({ token: first?.token as number, id, to: "retryable", delayMs: 0, outcome: "failed", error });
    const [second] = await claim();
    expect(second?.attempt).toBe(2);
    await clock.advance(1);
    await settle({ token: second?.token as number, id, to: "discarded", outcome: "failed", error });
    expect(await find(id)).toMatchObject({ state: "discarded", attempt: 2 });
  });

  test("are not consumed by a release", async () => {
    const { add, claim, settle } = await engine();
    const [id = ""] = await add();
    const [first] = await claim();
    await settle({ token: first?.token as number, id, to: "released", delayMs: 0 });
    expect((await claim())[0]?.attempt).toBe(1);
  });
});

describe("a final state", () => {
  test("of a completed job is not reopened by a retry; a discarded job gets another generation", async () => {
    const { broker, add, claim, settle, find } = await engine();
    const [done = "", dead = ""] = await add({}, {});
    const [one, two] = await claim();
    await settle({ token: one?.token as number, id: done, to: "completed", result: null });
    await settle({ token: two?.token as number, id: dead, to: "discarded", outcome: "failed", error });
    expect(await broker.change({ ids: [done, dead], change: { kind: "retry" } })).toEqual(["unchanged", "changed"]);
    expect((await find(done))?.state).toBe("completed");
    expect(await find(dead)).toMatchObject({ state: "available", generation: 2 });
  });

  test("is kept as long as was said, the discarded longer than the completed", async () => {
    const { store, clock, add, claim, settle, find } = await engine();
    const [done = "", dead = ""] = await add({}, {});
    const [one, two] = await claim();
    await settle({ token: one?.token as number, id: done, to: "completed", result: null });
    await settle({ token: two?.token as number, id: dead, to: "discarded", outcome: "failed", error });
    const prune = () => store.queues.prune({ retention: defaults.retention, limit: 100 });
    await clock.advance(defaults.retention.completedMs - 1);
    expect(await prune()).toBe(0);
    await clock.advance(2);
    expect(await prune()).toBe(1);
    expect(await find(done)).toBeNull();
    expect((await find(dead))?.state).toBe("discarded");
    await clock.advance(defaults.retention.discardedMs);
    expect(await prune()).toBe(1);
  });
});

describe("a waiting job", () => {
  test("comes by priority, then by age", async () => {
    const { add, claim } = await engine();
    const ids = await add({ priority: 10 }, { priority: 90 }, { priority: 90 }, { priority: 50 });
    const order: (string | undefined)[] = [];
    for (let i = 0; i < 4; i++) order.push((await claim({ limit: 1 }))[0]?.id);
    expect(order).toEqual([ids[1], ids[2], ids[3], ids[0]]);
  });

  test("starts no sooner than it was told to", async () => {
    const { store, clock, add, claim } = await engine();
    const [soon] = await add({ delayMs: 100 }, { delayMs: 60_000 });
    await clock.advance(100);
    expect(await store.jobs.promote({ limit: 100 })).toMatchObject({ promoted: 1, nextInMs: 59_900 });
    expect((await claim()).map(({ id }) => id)).toEqual([soon]);
  });

  test("of a paused queue is not handed out", async () => {
    const { broker, add, claim } = await engine();
    await add();
    await broker.pauseQueue({ tenant, queue, paused: true });
    expect(await claim()).toEqual([]);
    await broker.pauseQueue({ tenant, queue, paused: false });
    expect(await claim()).toHaveLength(1);
  });

  test("that expired is discarded, not started", async () => {
    const { clock, add, claim, find } = await engine();
    const [id = ""] = await add({ expiresInMs: 1_000 });
    await clock.advance(1_001);
    expect(await claim()).toEqual([]);
    expect(await find(id)).toMatchObject({ state: "discarded", outcome: "expired" });
  });
});

test("the counters follow every step of a job", async () => {
  const { add, claim, settle, counts } = await engine();
  const [id = "", other = ""] = await add({}, {});
  expect(await counts()).toMatchObject({ available: 2, running: 0 });
  const [one, two] = await claim();
  expect(await counts()).toMatchObject({ available: 0, running: 2 });
  await settle({ token: one?.token as number, id, to: "completed", result: null });
  await settle({ token: two?.token as number, id: other, to: "retryable", delayMs: 9, outcome: "failed", error });
  expect(await counts()).toMatchObject({ running: 0, completed: 1, retryable: 1 });
});

test("a running job's cancellation reaches its worker with the next heartbeat, and at once in this process", async () => {
  const { broker, add, claim } = await engine();
  const [id = ""] = await add();
  const [job] = await claim();
  const heard: string[] = [];
  broker.onWork((signal) => heard.push(...(signal.kind === "cancel" ? signal.ids : [])));
  expect(await broker.change({ ids: [id], change: { kind: "cancel" } })).toEqual(["requested"]);
  expect(heard).toEqual([id]);
  expect(await broker.renew({ tokens: [job?.token as number], leaseMs: 30_000 })).toEqual({
    lost: [],
    cancelled: [job?.token],
  });
});
