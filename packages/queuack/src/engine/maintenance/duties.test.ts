import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { milliseconds } from "../../core/duration.ts";
import { temporaryFolder } from "../../queue/fixtures/temporary-folder.ts";
import type { Store } from "../../storage/store.ts";
import { FakeClock } from "../../testing/fake-clock.ts";
import { newJob, type TestEngine, testEngine, workerInfo } from "../fixtures/test-engine.ts";
import { Duties } from "./duties.ts";

let engine: TestEngine;
beforeEach(async () => {
  engine = await testEngine();
  await engine.broker.registerWorker({ worker: workerInfo() });
});
afterEach(() => engine.broker.close());

const error = { name: "Error", message: "boom" };
const stateOf = async (id: string) => (await engine.job(id)).state;

describe("promotion", () => {
  test("makes a scheduled job available when its time comes, neither sooner nor later", async () => {
    const { clock, add, broker } = engine;
    const signals: number[] = [];
    broker.onWork(() => signals.push(clock.now()));
    const id = await add({ delayMs: 2_345 });
    await clock.advance(2_344);
    expect([await stateOf(id), signals]).toEqual(["scheduled", []]);
    await clock.advance(1);
    expect([await stateOf(id), signals]).toEqual(["available", [clock.now()]]);
  });

  test("does the same for one that waits for its backoff", async () => {
    const { clock, add, broker, claimOne } = engine;
    const id = await add();
    const { token } = await claimOne();
    await broker.settle({ settlements: [{ token, id, to: "retryable", delayMs: 700, outcome: "failed", error }] });
    await clock.advance(699);
    expect(await stateOf(id)).toBe("retryable");
    await clock.advance(1);
    expect(await stateOf(id)).toBe("available");
  });

  test("takes any number of jobs of one moment", async () => {
    const { clock, broker, claim } = engine;
    await broker.enqueue({ jobs: Array.from({ length: 2_500 }, () => newJob({ delayMs: 1_000 })) });
    await clock.advance("1s");
    const [stats] = await broker.queueStats({});
    expect(stats?.counts).toMatchObject({ scheduled: 0, available: 2_500 });
    expect(await claim({ limit: 3 })).toHaveLength(3);
  });

  test("an earlier time than the one waited for goes first", async () => {
    const { clock, add } = engine;
    const late = await add({ delayMs: 900 });
    const soon = await add({ delayMs: 100 });
    await clock.advance(100);
    expect([await stateOf(soon), await stateOf(late)]).toEqual(["available", "scheduled"]);
  });

  test("a job that another process scheduled is noticed, too", async () => {
    const { clock, store } = engine;
    const job = newJob({ delayMs: 5_000 });
    await store.jobs.insert({ jobs: [job] });
    await clock.advance("5s");
    expect(await stateOf(job.id)).toBe("available");
  });

  test("needs somebody who works: without a worker nothing is looked after", async () => {
    const { clock, broker, add } = engine;
    await broker.deregisterWorker({ id: "w1" });
    expect(clock.pending).toBe(0);
    const id = await add({ delayMs: 1_000 });
    await clock.advance("5s");
    expect(await stateOf(id)).toBe("scheduled");
    await broker.registerWorker({ worker: workerInfo("w2") });
    await clock.advance(0);
    expect(await stateOf(id)).toBe("available");
  });
});

describe("rescue", () => {
  test("of a silent worker's job: another attempt, by the job's own policy", async () => {
    const { clock, add, claim } = engine;
    const id = await add({ maxAttempts: 2 });
    await claim({ leaseMs: 5_000 });
    await clock.advance(4_900);
    expect(await stateOf(id)).toBe("running");
    await clock.advance(500);
    expect(await engine.job(id)).toMatchObject({ state: "retryable", attempt: 1, worker: null });
    expect((await engine.broker.history({ id })).attempts).toMatchObject([
      { attempt: 1, outcome: "crashed", worker: "w1", error: { code: "QUEUACK_WORKER_LOST" } },
    ]);
    expect(engine.events.at(-1)).toMatchObject({ name: "job:retrying", id, outcome: "crashed", delayMs: 500 });
  });

  test("after the last attempt the job lies in the dead letter queue as crashed", async () => {
    const { clock, add, claim } = engine;
    const id = await add({ maxAttempts: 1 });
    const waiting = engine.broker.wait({ id });
    await claim({ leaseMs: 1_000 });
    await clock.advance("2s");
    expect(await waiting).toMatchObject({
      state: "discarded",
      outcome: "crashed",
      error: { code: "QUEUACK_WORKER_LOST" },
    });
    expect(await engine.job(id)).toMatchObject({ state: "discarded", outcome: "crashed", attempt: 1 });
  });

  test("a job that was to be cancelled is cancelled", async () => {
    const { clock, add, claim, broker } = engine;
    const id = await add();
    await claim({ leaseMs: 1_000 });
    await broker.change({ ids: [id], change: { kind: "cancel" } });
    await clock.advance("2s");
    expect(await engine.job(id)).toMatchObject({ state: "cancelled", outcome: "cancelled" });
  });

  test("a lease that is renewed is left alone", async () => {
    const { clock, add, claim, broker } = engine;
    const id = await add();
    const [job] = await claim({ leaseMs: 1_000 });
    for (let i = 0; i < 5; i++) {
      await clock.advance(900);
      await broker.renew({ tokens: [job?.token as number], leaseMs: 1_000 });
    }
    expect(await stateOf(id)).toBe("running");
  });

  test("a worker that died is told of within a second, and its jobs go back long before their leases end", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    const clock = new FakeClock();
    const [here, there] = [await testEngine({ path, clock }), await testEngine({ path, clock })];
    await here.broker.registerWorker({ worker: workerInfo("w1") });
    await there.broker.registerWorker({ worker: workerInfo("w2") });
    const [again, dead] = [await here.add(), await here.add({ maxAttempts: 1 })];
    await there.claim({ worker: "w2", leaseMs: 3_600_000 });
    // Its process is gone, as the system sees it: the lock is free, and nobody deregistered.
    await there.store.close();
    await clock.advance("1s");
    expect(await here.broker.listWorkers()).toMatchObject([{ id: "w1" }, { id: "w2", state: "dead" }]);
    expect(await here.broker.get({ ids: [again, dead] })).toMatchObject([
      { state: expect.stringMatching(/retryable|available/), attempt: 1 },
      { state: "discarded", outcome: "crashed" },
    ]);
    const lost = { error: { message: "Worker w2 died while it ran the job." }, outcome: "crashed", attempt: 1 };
    expect(here.events.slice(2)).toMatchObject([
      { name: "worker:lost", worker: "w2" },
      { name: "job:retrying", id: again, ...lost, delayMs: 500 },
      { name: "job:discarded", id: dead, ...lost },
    ]);
    await here.broker.close();
    await there.broker.close().catch(() => {});
  });
});

describe("pruning", () => {
  const end = async (to: "completed" | "discarded") => {
    const id = await engine.add();
    const { token } = await engine.claimOne();
    const how = to === "completed" ? { to, result: null } : { to, outcome: "failed" as const, error };
    await engine.broker.settle({ settlements: [{ token, id, ...how }] });
    return id;
  };
  /** Lets the date go ahead and half a minute pass, which is how often pruning comes round. */
  const until = async (later: string) => {
    engine.clock.set(engine.clock.now() + milliseconds(later, "later") - 30_000);
    await engine.clock.advance("30s");
  };
  const kept = async (...ids: string[]) => (await engine.broker.get({ ids })).map((job) => job !== null);

  test("keeps completed jobs for a day and discarded ones for a week by default", async () => {
    const [completed, discarded] = [await end("completed"), await end("discarded")];
    await until("23h 59m");
    expect(await kept(completed, discarded)).toEqual([true, true]);
    await until("2m");
    expect(await kept(completed, discarded)).toEqual([false, true]);
    await until("6d");
    expect(await kept(discarded)).toEqual([false]);
  });

  test("never keeps completed jobs for less than an hour, whatever is asked for", async () => {
    await engine.broker.close();
    engine = await testEngine({ retention: { completedMs: 1, discardedMs: 1 } });
    await engine.broker.registerWorker({ worker: workerInfo() });
    const [completed, discarded] = [await end("completed"), await end("discarded")];
    await until("59m");
    expect(await kept(completed, discarded)).toEqual([true, false]);
    await until("2m");
    expect(await kept(completed)).toEqual([false]);
  });

  test("goes on until nothing is left, and never touches what lives", async () => {
    const { broker } = engine;
    const jobs = Array.from({ length: 2_001 }, () => newJob());
    const alive = newJob({ delayMs: 86_400_000 * 30 });
    await broker.enqueue({ jobs: [...jobs, alive] });
    await broker.change({ ids: jobs.map(({ id }) => id), change: { kind: "cancel" } });
    await until("8d");
    const [stats] = await broker.queueStats({});
    expect(stats?.counts).toMatchObject({ cancelled: 0, scheduled: 1 });
  });
});

describe("a duty that fails", () => {
  test("is reported and tried again at its next time", async () => {
    const clock = new FakeClock();
    const errors: unknown[] = [];
    const promoted: number[] = [];
    const { store } = engine;
    const failing: Store = {
      ...store,
      workers: { ...store.workers, findDead: () => Promise.reject(new Error("rescue")) },
      jobs: {
        ...store.jobs,
        promote: (params) => {
          promoted.push(clock.now());
          return promoted.length === 1 ? Promise.reject(new Error("promote")) : store.jobs.promote(params);
        },
      },
    };
    const nothing = () => {};
    const duties = new Duties({
      store: failing,
      clock,
      retention: { completedMs: 3_600_000, discardedMs: 1 },
      random: () => 0,
      settle: async () => [],
      onAvailable: nothing,
      onExpired: nothing,
      onWorkerLost: nothing,
      onError: (error) => errors.push(error),
    });
    duties.start();
    duties.start();
    await clock.advance(1_000);
    expect(errors).toMatchObject([{ message: "promote" }, { message: "rescue" }, { message: "rescue" }]);
    expect(promoted).toEqual([clock.now() - 1_000, clock.now()]);
    await duties.stop();
    expect(clock.pending).toBe(0);
  });
});
