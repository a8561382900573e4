import { uuidv7 } from "uuidv7";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { NewBatch } from "../core/batch.ts";
import type { NewJob } from "../core/job.ts";
import type { WorkSignal } from "./broker.ts";
import { newJob, type TestEngine, testEngine, workerInfo } from "./fixtures/test-engine.ts";

let engine: TestEngine;
let signals: WorkSignal[];
beforeEach(async () => {
  engine = await testEngine({ retention: { completedMs: 3_600_000, discardedMs: 3_600_000 } });
  await engine.broker.registerWorker({ worker: workerInfo() });
  signals = [];
  engine.broker.onWork((signal) => signals.push(signal));
});
afterEach(() => engine.broker.close());

/** A batch of these jobs with both callbacks. */
async function submit(jobs: readonly NewJob[], over: Partial<NewBatch> = {}, callback: Partial<NewJob> = {}) {
  const id = uuidv7();
  const follower = () => newJob({ callbackOf: id, queue: "after", ...callback });
  const batch: NewBatch = {
    id,
    tenant: "default",
    name: "import",
    sealed: true,
    onComplete: follower(),
    onSuccess: follower(),
    ...over,
  };
  await engine.broker.enqueue({ jobs: jobs.map((job) => ({ ...job, batch: id })), batch });
  return { id, followers: [batch.onComplete?.id, batch.onSuccess?.id] as [string, string] };
}

async function complete(): Promise<void> {
  const settlements = (await engine.claim()).map(
    ({ id, token }) => ({ id, token, to: "completed", result: null }) as const,
  );
  await engine.broker.settle({ settlements });
}

const names = () => engine.events.map(({ name }) => name);
const later = () => new Promise((resolve) => setImmediate(resolve));

describe("whoever waits for a batch", () => {
  test("is told by the settlement that ends it", async () => {
    const { id } = await submit([newJob(), newJob()]);
    const over = engine.broker.waitBatch({ id });
    await complete();
    expect(await over).toMatchObject({ id, open: 0, total: 2 });
  });

  test("is told by an end without a settlement: cancelled, deleted, expired, promoted too late", async () => {
    const ends: ((id: string) => Promise<unknown>)[] = [
      (id) => engine.broker.change({ ids: [id], change: { kind: "cancel" } }),
      (id) => engine.broker.remove({ filter: { ids: [id] }, limit: 1 }),
      async () => {
        await engine.clock.advance(10);
        await engine.claim();
      },
      () => engine.clock.advance(2_000),
    ];
    for (const end of ends) {
      const job = newJob({ expiresInMs: 10 });
      const { id } = await submit([job]);
      const over = engine.broker.waitBatch({ id });
      await end(job.id);
      expect(await over).toMatchObject({ id, open: 0 });
    }
  });

  test("hears when the time is up, when there is none, and when the broker is closed", async () => {
    const { id } = await submit([newJob()]);
    const late = engine.broker.waitBatch({ id, timeoutMs: 500 });
    await engine.clock.advance(500);
    expect(await late).toBeNull();
    const unknown = { code: "QUEUACK_UNKNOWN_BATCH" };
    await expect(engine.broker.waitBatch({ id: uuidv7() })).rejects.toMatchObject(unknown);
    const closed = expect(engine.broker.waitBatch({ id })).rejects.toMatchObject({ code: "QUEUACK_CLOSED" });
    await later();
    await engine.broker.close();
    await closed;
  });

  test("waits again for one that a retry has opened", async () => {
    const job = newJob();
    const { id } = await submit([job]);
    await engine.broker.change({ ids: [job.id], change: { kind: "cancel" } });
    await engine.broker.change({ ids: [job.id], change: { kind: "retry" } });
    let ended = false;
    const over = engine.broker.waitBatch({ id }).then((batch) => {
      ended = true;
      return batch;
    });
    await later();
    expect(ended).toBe(false);
    await complete();
    expect(await over).toMatchObject({ failed: 0, open: 0 });
  });
});

test("workers hear of what follows: now, or at its time", async () => {
  await submit([newJob()]);
  const heard = signals.length;
  await complete();
  expect(signals.slice(heard)).toContainEqual({ kind: "available" });
  await submit([newJob()], { onSuccess: undefined }, { delayMs: 700 });
  await complete();
  const from = signals.length;
  await engine.clock.advance(699);
  expect(signals.length).toBe(from);
  await engine.clock.advance(1);
  expect(signals.slice(from)).toContainEqual({ kind: "available" });
});

test("events tell of a completion and a success once, and of the jobs that follow", async () => {
  const job = newJob();
  const { id, followers } = await submit([job]);
  await engine.broker.change({ ids: [job.id], change: { kind: "cancel" } });
  await engine.broker.change({ ids: [job.id], change: { kind: "retry" } });
  await complete();
  expect(names()).toEqual([
    "job:enqueued",
    "job:cancelled",
    "batch:completed",
    "job:enqueued",
    "job:started",
    "job:completed",
    "batch:succeeded",
    "job:enqueued",
  ]);
  const enqueued = engine.events.flatMap((event) => (event.name === "job:enqueued" ? [event.id] : []));
  expect(enqueued).toEqual([job.id, ...followers]);
  expect(engine.events.filter((event) => "id" in event && event.id === id)).toMatchObject([
    { failed: 1, total: 1 },
    { failed: 0, total: 1 },
  ]);
});

test("a job that is refused by a finished batch takes no neighbour of its tick with it", async () => {
  const { id } = await submit([]);
  const late = newJob({ batch: id });
  const [refused, unknown, accepted] = await Promise.allSettled([
    engine.broker.enqueue({ jobs: [late] }),
    engine.broker.enqueue({ jobs: [newJob({ batch: uuidv7() })] }),
    engine.broker.enqueue({ jobs: [newJob()] }),
  ]);
  expect(refused).toMatchObject({ status: "rejected", reason: { code: "QUEUACK_BATCH_FINISHED" } });
  expect(unknown).toMatchObject({ status: "rejected", reason: { code: "QUEUACK_UNKNOWN_BATCH" } });
  expect(accepted.status).toBe("fulfilled");
});

test("a cancellation reaches every open job, however many, and those of its batches", async () => {
  const { id } = await submit(Array.from({ length: 1_500 }, () => newJob()));
  const { id: child } = await submit([newJob({ waitingFor: "x" })], { parent: id });
  await engine.claim({ limit: 3 });
  expect(await engine.broker.cancelBatch({ id })).toBe(1_501);
  const batches = await engine.broker.getBatches({ ids: [id, child] });
  expect(batches).toMatchObject([
    { open: 3, failed: 1_498 },
    { open: 0, failed: 1 },
  ]);
  expect(signals.flatMap((signal) => (signal.kind === "cancel" ? signal.ids : []))).toHaveLength(3);
  expect((await engine.broker.listBatches({ filter: { open: true }, limit: 5 })).items).toHaveLength(1);
});

test("the jobs of a worker that died are counted in their batch", async () => {
  const { id, followers } = await submit([newJob({ maxAttempts: 1 })]);
  await engine.claim();
  await engine.clock.advance(31_000);
  expect(await engine.broker.waitBatch({ id })).toMatchObject({ failed: 1, open: 0 });
  expect((await engine.broker.get({ ids: followers })).map((job) => job?.state)).toEqual(["available", undefined]);
});

test("batches past their keeping are cleared away with their jobs", async () => {
  const { id } = await submit([newJob()], { onComplete: undefined, onSuccess: undefined });
  const { id: busy } = await submit([newJob({ waitingFor: "x" })]);
  await complete();
  await engine.clock.advance(3_700_000);
  const found = await engine.broker.getBatches({ ids: [id, busy] });
  expect(found.map((batch) => batch !== null)).toEqual([false, true]);
});
