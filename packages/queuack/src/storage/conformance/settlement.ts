import assert from "node:assert/strict";
import type { JobRecord } from "../../core/job.ts";
import { type Ending, ids, newId, newJobs, type Scene, someError } from "./scene.ts";
import type { Suite } from "./suite.ts";

const timedOut = { name: "TimeoutError", message: "too long", code: "QUEUACK_ATTEMPT_TIMEOUT", stack: "at x" } as const;

interface Case {
  readonly name: string;
  readonly ending: Ending;
  /** What the record of the job then says; times are relative to the settlement. */
  readonly after: Partial<JobRecord>;
  readonly failures: number;
}

const final = { leaseUntil: null, worker: "w1", attempt: 1, finishedAt: 0, startedAt: -700 } as const;
const back = { leaseUntil: null, worker: null, finishedAt: null, result: null } as const;

const cases: readonly Case[] = [
  {
    name: "completed with a result",
    ending: { to: "completed", result: '{"ok":1}' },
    after: { ...final, state: "completed", outcome: "succeeded", result: '{"ok":1}', error: null },
    failures: 0,
  },
  {
    name: "completed from a cache, without a result",
    ending: { to: "completed", result: null, outcome: "cached" },
    after: { ...final, state: "completed", outcome: "cached", result: null, error: null },
    failures: 0,
  },
  {
    name: "discarded",
    ending: { to: "discarded", outcome: "timed_out", error: timedOut },
    after: { ...final, state: "discarded", outcome: "timed_out", error: timedOut, result: null },
    failures: 1,
  },
  {
    name: "cancelled",
    ending: { to: "cancelled" },
    after: { ...final, state: "cancelled", outcome: "cancelled", result: null },
    failures: 0,
  },
  {
    name: "cancelled, with what its handler threw",
    ending: { to: "cancelled", error: someError },
    after: { ...final, state: "cancelled", outcome: "cancelled", error: someError },
    failures: 1,
  },
  {
    name: "retryable, later",
    ending: { to: "retryable", delayMs: 4_000, outcome: "crashed", error: someError },
    after: { ...back, state: "retryable", attempt: 1, runAt: 4_000, outcome: "crashed", error: someError },
    failures: 1,
  },
  {
    name: "retryable at once",
    ending: { to: "retryable", delayMs: 0, outcome: "failed", error: someError },
    after: { ...back, state: "available", attempt: 1, runAt: 0, outcome: "failed", error: someError },
    failures: 1,
  },
  {
    name: "released at once",
    ending: { to: "released", delayMs: 0 },
    after: { ...back, state: "available", attempt: 0, runAt: 0, outcome: null, error: null, startedAt: null },
    failures: 0,
  },
  {
    name: "released for later",
    ending: { to: "released", delayMs: 9_000 },
    after: { ...back, state: "scheduled", attempt: 0, runAt: 9_000, outcome: null, error: null, startedAt: null },
    failures: 0,
  },
];

const times = new Set(["startedAt", "finishedAt", "runAt"]);

/** What becomes of a job when its lease is given back. */
export function settlement(suite: Suite): void {
  for (const { name, ending, after, failures } of cases) {
    suite.test(`a job is ${name}`, async (scene) => {
      const job = await scene.running();
      await scene.clock.advance(700);
      await scene.end(job, ending);
      const record = await scene.get(job.id);
      for (const [key, expected] of Object.entries(after)) {
        const absolute = times.has(key) && typeof expected === "number" ? scene.clock.now() + expected : expected;
        assert.deepEqual(record[key as keyof JobRecord], absolute, key);
      }
      assert.equal((await scene.store.jobs.history({ id: job.id })).attempts.length, failures);
      assert.deepEqual(await scene.settle([job], ending), ["lost"], "a lease is given back once");
    });
  }

  for (const ending of [
    { to: "retryable", delayMs: 4_000, outcome: "failed", error: someError },
    { to: "released", delayMs: 0 },
  ] as const) {
    suite.test(`a wish to cancel outlives an attempt that is ${ending.to}`, async (scene) => {
      const job = await scene.running();
      const cancel = { ids: [job.id], change: { kind: "cancel" } } as const;
      assert.deepEqual(await scene.store.jobs.change(cancel), ["requested"]);
      assert.deepEqual(await scene.settle([job], ending), ["cancelled"]);
      assert.equal((await scene.get(job.id)).state, "cancelled");
    });
  }

  suite.test("an attempt counts from its claim on, so that a crash consumes it", async (scene) => {
    const first = await scene.running({ maxAttempts: 3 });
    assert.equal((await scene.get(first.id)).attempt, 1);
    await scene.end(first, { to: "retryable", delayMs: 0, outcome: "crashed", error: someError });
    const second = await scene.claimOne();
    assert.equal(second.attempt, 2);
    assert.equal((await scene.get(first.id)).attempt, 2);
    await scene.end(second, { to: "retryable", delayMs: 0, outcome: "crashed", error: someError });
    const third = await scene.claimOne();
    assert.equal(third.attempt, 3);
    await scene.end(third, { to: "discarded", outcome: "crashed", error: someError });
    assert.deepEqual(await scene.claim(), []);
  });

  suite.test("a released job consumes no attempt, however often", async (scene) => {
    let job = await scene.running({ maxAttempts: 2 });
    for (let n = 0; n < 5; n++) {
      await scene.end(job, { to: "released", delayMs: 0 });
      job = await scene.claimOne();
      assert.equal(job.attempt, 1);
    }
    await scene.end(job, { to: "retryable", delayMs: 0, outcome: "failed", error: someError });
    job = await scene.claimOne();
    await scene.end(job, { to: "released", delayMs: 5_000 });
    const record = await scene.get(job.id);
    assert.deepEqual([record.state, record.attempt, record.outcome], ["retryable", 1, "failed"]);
  });

  suite.test("a released job keeps its place in the order of arrival", async (scene) => {
    await scene.worker();
    const jobs = newJobs(3);
    await scene.insert(...jobs);
    const first = await scene.claimOne();
    await scene.end(first, { to: "released", delayMs: 0 });
    assert.deepEqual(ids(await scene.claim()), ids(jobs));
  });

  suite.test("a lost lease in the middle of a batch leaves the others as they are", async (scene) => {
    await scene.worker();
    await scene.insert(...newJobs(200));
    const claimed = await scene.claim({ limit: 200 });
    const lost = new Set([0, 63, 64, 100, 199]);
    const settlements = claimed.map(({ id, token }, n) => ({
      id: n === 100 ? newId() : id,
      token: lost.has(n) ? token + 1_000_000 : token,
      to: "completed" as const,
      result: String(n),
    }));
    const replies = await scene.store.jobs.settle({ settlements });
    assert.deepEqual(
      replies,
      claimed.map((_, n) => (lost.has(n) ? "lost" : "accepted")),
    );
    const found = await scene.store.jobs.get({ ids: ids(claimed) });
    assert.deepEqual(
      found.map((job) => job?.result),
      claimed.map((_, n) => (lost.has(n) ? null : String(n))),
    );
  });

  suite.test("one lease twice in a batch counts once, and the first word holds", async (scene) => {
    const { id, token } = await scene.running();
    const replies = await scene.store.jobs.settle({
      settlements: [
        { id, token, to: "completed", result: "1" },
        { id, token, to: "discarded", outcome: "failed", error: someError },
      ],
    });
    assert.deepEqual(replies, ["accepted", "lost"]);
    assert.equal(await scene.state(id), "completed");
    assert.deepEqual(await scene.store.jobs.settle({ settlements: [] }), []);
  });

  suite.test("a batch of every kind is one whole", async (scene) => {
    await scene.worker();
    await scene.insert(...newJobs(cases.length * 10));
    const claimed = await scene.claim({ limit: cases.length * 10 });
    const settlements = claimed.map(({ id, token }, n) => ({ id, token, ...kind(n).ending }));
    const replies = await scene.store.jobs.settle({ settlements });
    assert.deepEqual(new Set(replies), new Set(["accepted"]));
    assert.deepEqual(
      await scene.states(ids(claimed)),
      claimed.map((_, n) => kind(n).after.state),
    );
  });

  suite.test("a retried job that then succeeds shows its success, and keeps its failures", async (scene) => {
    const first = await scene.running();
    await failTwice(scene, first);
    const record = await scene.get(first.id);
    assert.deepEqual([record.state, record.outcome, record.error, record.attempt], ["completed", "succeeded", null, 3]);
    const { attempts } = await scene.store.jobs.history({ id: first.id });
    assert.deepEqual(
      attempts.map(({ attempt, outcome }) => [attempt, outcome]),
      [
        [1, "failed"],
        [2, "timed_out"],
      ],
    );
  });
}

function kind(n: number): Case {
  return cases[n % cases.length] as Case;
}

/** Fails two attempts of a running job and completes the third. */
async function failTwice(scene: Scene, job: { readonly id: string; readonly token: number }): Promise<void> {
  await scene.end(job, { to: "retryable", delayMs: 0, outcome: "failed", error: someError });
  await scene.end(await scene.claimOne(), { to: "retryable", delayMs: 0, outcome: "timed_out", error: timedOut });
  await scene.end(await scene.claimOne(), { to: "completed", result: "3" });
}
