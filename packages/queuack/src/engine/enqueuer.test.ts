import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openSqliteStore } from "../storage/sqlite/sqlite-store.ts";
import type { Store } from "../storage/store.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { Enqueuer } from "./enqueuer.ts";
import { newJob } from "./fixtures/test-engine.ts";

let real: Store;
let store: Store;
let inserted: number[];
beforeEach(async () => {
  real = await openSqliteStore({ path: ":memory:", clock: new FakeClock() });
  inserted = [];
  const insert: Store["jobs"]["insert"] = (params) => {
    inserted.push(params.jobs.length);
    return real.jobs.insert(params);
  };
  store = { ...real, jobs: { ...real.jobs, insert } };
});
afterEach(() => real.close());

const jobs = (n: number, over = {}) => Array.from({ length: n }, () => newJob(over));
const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id);

describe("the enqueuer", () => {
  test("hands what one tick brings to the store together, and each caller gets its own", async () => {
    const enqueuer = new Enqueuer(store, undefined);
    const batches = [jobs(1), jobs(3), jobs(2)];
    const replies = await Promise.all(batches.map((batch) => enqueuer.submit(batch)));
    expect(inserted).toEqual([6]);
    expect(replies.map(ids)).toEqual(batches.map(ids));
  });

  test("makes another commit for another tick", async () => {
    const enqueuer = new Enqueuer(store, undefined);
    await enqueuer.submit(jobs(1));
    await enqueuer.submit(jobs(1));
    expect(inserted).toEqual([1, 1]);
  });

  test("merges up to 2,000 jobs, and never cuts what one caller wants whole", async () => {
    const enqueuer = new Enqueuer(store, undefined);
    await Promise.all([900, 900, 900, 2_500, 1].map((n) => enqueuer.submit(jobs(n))));
    expect(inserted).toEqual([1_800, 900, 2_500, 1]);
  });

  test("one caller's full queue does not refuse its neighbours, and is refused whole", async () => {
    const enqueuer = new Enqueuer(store, 3);
    const outcomes = await Promise.allSettled([
      enqueuer.submit(jobs(2, { queue: "a" })),
      enqueuer.submit(jobs(4, { queue: "full" })),
      enqueuer.submit(jobs(1, { queue: "a" })),
    ]);
    expect(outcomes).toMatchObject([
      { status: "fulfilled" },
      { status: "rejected", reason: { code: "QUEUACK_QUEUE_FULL", details: { queue: "full", limit: 3 } } },
      { status: "fulfilled" },
    ]);
    const stats = await real.queues.stats({});
    expect(stats.filter(({ waiting }) => waiting > 0).map(({ queue, waiting }) => [queue, waiting])).toEqual([
      ["a", 3],
    ]);
  });

  test("of two callers that fit one by one but not together, the first is accepted", async () => {
    const enqueuer = new Enqueuer(store, 3);
    const outcomes = await Promise.allSettled([enqueuer.submit(jobs(2)), enqueuer.submit(jobs(2))]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  });

  test("tells everybody whose jobs were in a commit that failed", async () => {
    const failing: Store = { ...store, jobs: { ...store.jobs, insert: () => Promise.reject(new Error("disk")) } };
    const enqueuer = new Enqueuer(failing, undefined);
    const outcomes = await Promise.allSettled([enqueuer.submit(jobs(1)), enqueuer.submit(jobs(1))]);
    expect(outcomes).toMatchObject([{ reason: { message: "disk" } }, { reason: { message: "disk" } }]);
  });

  test("has nothing under way once it is drained", async () => {
    const enqueuer = new Enqueuer(store, undefined);
    await enqueuer.drain();
    let accepted = 0;
    for (let i = 0; i < 3; i++) void enqueuer.submit(jobs(1)).then(() => accepted++);
    await enqueuer.drain();
    expect(accepted).toBe(3);
  });
});
