import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { defaults } from "../core/defaults.ts";
import { temporaryFolder } from "../queue/fixtures/temporary-folder.ts";
import type { WorkSignal } from "./broker.ts";
import { newJob, type TestEngine, testEngine, workerInfo } from "./fixtures/test-engine.ts";

let engine: TestEngine;
beforeEach(async () => {
  engine = await testEngine();
  await engine.broker.registerWorker({ worker: workerInfo() });
});
afterEach(() => engine.broker.close());

const error = { name: "Error", message: "boom" };
const names = () => engine.events.map(({ name }) => name);

describe("events tell of a job's life, in order", () => {
  test("enqueued, started, progress, retrying, started, completed", async () => {
    const { broker, clock, add, claimOne, events } = engine;
    const id = await add({ queue: "default" });
    const facts = { id, tenant: "default", queue: "default", task: "mail" };
    const first = await claimOne();
    await broker.report({ reports: [{ token: first.token, progress: '{"done":5}' }] });
    await broker.settle({
      settlements: [{ token: first.token, id, to: "retryable", delayMs: 1_000, outcome: "failed", error }],
    });
    await clock.advance("1s");
    const second = await claimOne();
    await clock.advance("2s");
    await broker.settle({ settlements: [{ token: second.token, id, to: "completed", result: '{"ok":true}' }] });
    const start = clock.now() - 3_000;
    expect(events).toEqual([
      { name: "job:enqueued", ...facts, at: start },
      { name: "job:started", ...facts, attempt: 1, worker: "w1", at: start },
      { name: "job:progress", ...facts, progress: { done: 5 }, at: start },
      {
        name: "job:retrying",
        ...facts,
        attempt: 1,
        outcome: "failed",
        error,
        durationMs: 0,
        delayMs: 1_000,
        at: start,
      },
      { name: "job:started", ...facts, attempt: 2, worker: "w1", at: start + 1_000 },
      { name: "job:completed", ...facts, attempt: 2, result: '{"ok":true}', durationMs: 2_000, at: start + 3_000 },
    ]);
  });

  test("a job that is claimed in the commit that inserts it was enqueued before it started", async () => {
    const { broker, claim } = engine;
    const accepted = broker.enqueue({ jobs: [newJob()] });
    // The insertion is handed over at the end of this tick; a claim right behind it rides on the same commit.
    const claimed = new Promise((resolve) => setImmediate(() => resolve(claim())));
    expect(await claimed).toHaveLength(1);
    await accepted;
    expect(names()).toEqual(["job:enqueued", "job:started"]);
  });

  test("discarded, cancelled while running, given back unharmed", async () => {
    const { broker, add, claim } = engine;
    for (let i = 0; i < 3; i++) await add();
    const [a, b, c] = await claim();
    if (!a || !b || !c) throw new Error("three jobs were enqueued");
    engine.events.length = 0;
    await broker.settle({
      settlements: [
        { token: a.token, id: a.id, to: "discarded", outcome: "timed_out", error },
        { token: b.token, id: b.id, to: "cancelled" },
        { token: c.token, id: c.id, to: "released", delayMs: 0 },
      ],
    });
    expect(engine.events).toMatchObject([
      { name: "job:discarded", id: a.id, attempt: 1, outcome: "timed_out", error },
      { name: "job:cancelled", id: b.id },
    ]);
    expect((await claim()).map(({ id, attempt }) => [id, attempt])).toEqual([[c.id, 1]]);
  });

  test("cancelled or expired while it waited", async () => {
    const { broker, clock, add } = engine;
    const cancelled = await add({ delayMs: 5_000 });
    const expired = await add({ delayMs: 5_000, expiresInMs: 1_000 });
    engine.events.length = 0;
    await broker.change({ ids: [cancelled], change: { kind: "cancel" } });
    await clock.advance("1s");
    expect(engine.events).toMatchObject([
      { name: "job:cancelled", id: cancelled },
      { name: "job:discarded", id: expired, attempt: 0, outcome: "expired", error: { name: "ExpiredError" } },
    ]);
  });

  test("a job that had expired when its turn came", async () => {
    const { clock, broker, add, claim } = engine;
    await broker.deregisterWorker({ id: "w1" });
    const id = await add({ expiresInMs: 1_000 });
    const waiting = broker.wait({ id });
    clock.set(clock.now() + 1_000);
    await broker.registerWorker({ worker: workerInfo("w2") });
    expect(await claim({ worker: "w2" })).toEqual([]);
    expect(await waiting).toMatchObject({ state: "discarded", outcome: "expired" });
    expect(engine.events.at(-1)).toMatchObject({ name: "job:discarded", id, outcome: "expired" });
  });

  test("nothing is told of a submission that was there before, nor under a lease that is lost", async () => {
    const { broker, add, claimOne } = engine;
    const job = newJob();
    await broker.enqueue({ jobs: [job] });
    await broker.enqueue({ jobs: [job] });
    expect(names()).toEqual(["job:enqueued"]);
    const { token, id } = await claimOne();
    await broker.settle({ settlements: [{ token, id, to: "completed", result: null }] });
    engine.events.length = 0;
    expect(await broker.settle({ settlements: [{ token, id, to: "completed", result: "5" }] })).toEqual(["lost"]);
    expect(await broker.renew({ tokens: [token], leaseMs: 5 })).toEqual({ lost: [token], cancelled: [] });
    expect(await broker.report({ reports: [{ token, progress: "1" }] })).toEqual({ lost: [token] });
    expect(names()).toEqual([]);
    await add();
    expect(names()).toEqual(["job:enqueued"]);
  });

  test("of queues that are paused and resumed", async () => {
    const { broker, clock } = engine;
    const queue = { tenant: "default", queue: "mail" };
    await broker.pauseQueue({ ...queue, paused: true });
    await broker.pauseQueue({ ...queue, paused: false });
    expect(engine.events).toEqual([
      { name: "queue:paused", ...queue, at: clock.now() },
      { name: "queue:resumed", ...queue, at: clock.now() },
    ]);
  });
});

describe("workers are nudged", () => {
  const signals: WorkSignal[] = [];
  const available = { kind: "available" } as const;
  const after = async (happening: () => Promise<unknown>) => {
    signals.length = 0;
    await happening();
    return [...signals];
  };

  test("when there may be something to claim or to cancel, and not otherwise", async () => {
    const { broker, add, claimOne, clock } = engine;
    const stop = broker.onWork((signal) => signals.push(signal));
    expect(await after(() => add())).toEqual([available]);
    expect(await after(() => add({ delayMs: 1_000 }))).toEqual([]);
    const { token, id } = await claimOne();
    const back = { token, id, to: "released", delayMs: 0 } as const;
    expect(await after(() => broker.settle({ settlements: [back] }))).toEqual([available]);
    expect(await after(() => broker.change({ ids: [id], change: { kind: "hold" } }))).toContainEqual(available);
    await broker.change({ ids: [id], change: { kind: "release" } });
    const again = await claimOne();
    expect(await after(() => broker.change({ ids: [id], change: { kind: "cancel" } }))).toEqual([
      { kind: "cancel", ids: [id] },
    ]);
    // Cancelled instead of put back: there is nothing to claim.
    const backAgain = { ...back, token: again.token };
    expect(await after(() => broker.settle({ settlements: [backAgain] }))).toEqual([]);
    expect((await broker.get({ ids: [id] }))[0]?.state).toBe("cancelled");
    expect(await after(() => clock.advance("1s"))).toContainEqual(available);
    const queue = { tenant: "default", queue: "default" };
    expect(await after(() => broker.pauseQueue({ ...queue, paused: true }))).toEqual([]);
    expect(await after(() => broker.pauseQueue({ ...queue, paused: false }))).toEqual([available]);
    stop();
    expect(await after(() => add())).toEqual([]);
  });

  test("by a job that can run at once while it is asked for, by another once it is there", async () => {
    const { broker, store, clock } = engine;
    const heard: string[] = [];
    let during = "nothing";
    broker.onWork(({ kind }) => heard.push(`${kind} during ${during}`));
    const { insert } = store.jobs;
    store.jobs.insert = async (params) => {
      during = "insert";
      // What is told while the store is asked is told before this goes on.
      await null;
      const reply = await insert(params);
      during = "nothing";
      return reply;
    };
    await broker.enqueue({ jobs: [newJob({ delayMs: 10 }), newJob()] });
    expect(heard).toEqual(["available during insert"]);
    await broker.enqueue({ jobs: [newJob({ runAt: clock.now() - 1 })] });
    expect(heard.slice(1)).toEqual(["available during nothing"]);
    await broker.enqueue({ jobs: [newJob({ delayMs: 10 })] });
    expect(heard).toHaveLength(2);
  });

  test("by what another connection commits, and no longer once they have stopped", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    const [here, there] = [await testEngine({ path }), await testEngine({ path })];
    let stop = () => {};
    const nudged = new Promise<WorkSignal>((resolve) => {
      stop = here.broker.onWork(resolve);
    });
    await there.add();
    expect(await nudged).toEqual(available);
    stop();
    await Promise.all([here.broker.close(), there.broker.close()]);
  });
});

describe("retention", () => {
  test("of a queue is never shorter for completed jobs than the window in which a repeated id is known", async () => {
    const { broker, clock, add, claimOne, store } = engine;
    await broker.configureQueue({
      tenant: "default",
      queue: "default",
      settings: { retention: { completedMs: 1, discardedMs: 1 } },
    });
    const [stats] = await broker.queueStats({ queue: "default" });
    expect(stats?.settings.retention).toEqual({ completedMs: defaults.minimumRetentionMs, discardedMs: 1 });
    const id = await add();
    const { token } = await claimOne();
    await broker.settle({ settlements: [{ token, id, to: "completed", result: null }] });
    clock.set(clock.now() + 59 * 60_000);
    await clock.advance("30s");
    expect(await store.jobs.get({ ids: [id] })).toMatchObject([{ id }]);
    clock.set(clock.now() + 60_000);
    await clock.advance("30s");
    expect(await store.jobs.get({ ids: [id] })).toEqual([null]);
  });
});

describe("close()", () => {
  test("lets what is under way come to its end", async () => {
    const { broker } = engine;
    const accepted = broker.enqueue({ jobs: [newJob()] });
    await broker.close();
    expect(await accepted).toMatchObject([{ state: "available", duplicate: false }]);
  });

  test("twice is the same end: the second waits as long as the first", async () => {
    const { broker } = engine;
    const order: string[] = [];
    const accepted = broker.enqueue({ jobs: [newJob()] }).then(() => order.push("accepted"));
    await Promise.all([accepted, broker.close(), broker.close().then(() => order.push("closed"))]);
    expect(order).toEqual(["accepted", "closed"]);
  });

  test.each<[string, (engine: TestEngine) => unknown]>([
    ["enqueue", ({ broker }) => broker.enqueue({ jobs: [newJob()] })],
    ["claim", ({ claim }) => claim()],
    ["get", ({ broker }) => broker.get({ ids: [] })],
    ["list", ({ broker }) => broker.list({ filter: {}, limit: 1 })],
    ["history", ({ broker }) => broker.history({ id: newJob().id })],
    ["wait", ({ broker }) => broker.wait({ id: newJob().id })],
    ["change", ({ broker }) => broker.change({ ids: [], change: { kind: "hold" } })],
    ["remove", ({ broker }) => broker.remove({ filter: {}, limit: 1 })],
    ["pauseQueue", ({ broker }) => broker.pauseQueue({ tenant: "t", queue: "q", paused: true })],
    ["configureQueue", ({ broker }) => broker.configureQueue({ tenant: "t", queue: "q", settings: {} })],
    ["queueStats", ({ broker }) => broker.queueStats({})],
    ["compact", ({ broker }) => broker.compact()],
    ["registerWorker", ({ broker }) => broker.registerWorker({ worker: workerInfo() })],
    ["listWorkers", ({ broker }) => broker.listWorkers()],
    ["subscribe", async ({ broker }) => broker.subscribe({}, () => {})],
  ])("afterwards %s says that the queue is closed", async (_, call) => {
    await engine.broker.close();
    await expect(call(engine)).rejects.toMatchObject({ code: "QUEUACK_CLOSED" });
  });
});
