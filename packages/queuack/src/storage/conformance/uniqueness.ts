import assert from "node:assert/strict";
import type { NewJob } from "../../core/job.ts";
import { liveStates, type OnConflict, type Uniqueness } from "../../core/unique.ts";
import { newJob, request, type Scene, someError } from "./scene.ts";
import type { Suite } from "./suite.ts";

/** A job that is unique under the key `k`. */
function unique(over: Partial<Uniqueness> = {}, job: Partial<NewJob> = {}): NewJob {
  return newJob({ unique: { key: "k", states: liveStates, onConflict: "ignore", ...over }, ...job });
}

/** No two jobs of one key, whatever happens to them; and what becomes of the second. */
export function uniqueness(suite: Suite): void {
  suite.test("the second of a key is answered with the first, in one insertion as in two", async (scene) => {
    const [first, second, third] = [unique(), unique(), unique()];
    const { jobs } = await scene.insert(first, second);
    assert.deepEqual(jobs, [
      { id: first.id, state: "available", duplicate: false },
      { id: first.id, state: "available", duplicate: true, conflict: "ignored" },
    ]);
    assert.deepEqual((await scene.insert(third)).jobs[0]?.id, first.id);
    assert.deepEqual(await scene.states([second.id, third.id]), [null, null]);
    assert.equal((await scene.insert(unique({ key: "other" }))).jobs[0]?.duplicate, false);
  });

  suite.test("a repeated submission is no conflict with itself", async (scene) => {
    const job = unique({ onConflict: "reject" });
    await scene.insert(job);
    assert.deepEqual((await scene.insert(job)).jobs, [{ id: job.id, state: "available", duplicate: true }]);
  });

  suite.test("reject refuses the whole submission and says who holds the key", async (scene) => {
    const first = unique();
    await scene.insert(first);
    const [bystander, second] = [newJob(), unique({ onConflict: "reject" })];
    await assert.rejects(scene.insert(bystander, second), {
      code: "QUEUACK_DUPLICATE_JOB",
      details: { id: second.id, existing: first.id, state: "available", task: "work" },
    });
    assert.deepEqual(await scene.states([bystander.id, second.id]), [null, null]);
  });

  suite.test("replace hands input, priority, options and time to the one that waits", async (scene) => {
    const first = unique({}, { delayMs: 5_000, tags: ["old"], idempotencyKey: "i" });
    await scene.insert(first);
    const second = unique(
      { onConflict: "replace" },
      { input: "2", priority: 70, tags: ["new"], maxAttempts: 9, delayMs: 90 },
    );
    const { jobs, nextInMs } = await scene.insert(second);
    assert.deepEqual(jobs, [{ id: first.id, state: "scheduled", duplicate: true, conflict: "replaced" }]);
    assert.equal(nextInMs, 90);
    const { input, priority, tags, runAt, maxAttempts, idempotencyKey, attempt } = await scene.get(first.id);
    assert.deepEqual(
      { input, priority, tags, runAt, maxAttempts, idempotencyKey, attempt },
      {
        input: "2",
        priority: 70,
        tags: ["new"],
        runAt: scene.clock.now() + 90,
        maxAttempts: 9,
        idempotencyKey: "i",
        attempt: 0,
      },
    );
    await scene.clock.advance(90);
    assert.equal(await scene.promote(), 1);
    await scene.worker();
    assert.equal((await scene.claimOne()).input, "2");
  });

  suite.test("reschedule moves the time alone, and a held one stays held", async (scene) => {
    const [first, held] = [unique(), unique({ key: "h" }, { waitingFor: "release" })];
    await scene.insert(first, held);
    const later = { delayMs: 700, input: "2" };
    const { jobs } = await scene.insert(
      unique({ onConflict: "reschedule" }, later),
      unique({ key: "h", onConflict: "replace" }, later),
    );
    assert.deepEqual(
      jobs.map(({ id, state, conflict }) => [id, state, conflict]),
      [
        [first.id, "scheduled", "rescheduled"],
        [held.id, "pending", "replaced"],
      ],
    );
    const { input, runAt } = await scene.get(first.id);
    assert.deepEqual([input, runAt], [first.input, scene.clock.now() + 700]);
  });

  suite.test("one that runs is never changed", async (scene) => {
    const job = await scene.running({ unique: { key: "k", states: liveStates, onConflict: "ignore" } });
    for (const onConflict of ["ignore", "replace", "reschedule"] satisfies OnConflict[]) {
      const { jobs } = await scene.insert(unique({ onConflict }, { input: "2", delayMs: 9 }));
      assert.deepEqual(jobs, [{ id: job.id, state: "running", duplicate: true, conflict: "ignored" }]);
    }
    assert.equal((await scene.get(job.id)).input, job.input);
  });

  const endings = {
    completed: { to: "completed", result: null },
    discarded: { to: "discarded", outcome: "failed", error: someError },
    cancelled: { to: "cancelled" },
  } as const;
  for (const [state, ending] of Object.entries(endings)) {
    suite.test(`the key is free once the job is ${state}, unless that state was asked for`, async (scene) => {
      const first = await scene.running({ unique: { key: "k", states: liveStates, onConflict: "ignore" } });
      const kept = await scene.running({
        unique: { key: "kept", states: [...liveStates, state as "completed"], onConflict: "ignore" },
      });
      for (const job of [first, kept]) await scene.end(job, ending);
      const { jobs } = await scene.insert(unique(), unique({ key: "kept" }));
      assert.deepEqual(
        jobs.map(({ duplicate }) => duplicate),
        [false, true],
      );
      await scene.store.jobs.remove({ filter: { ids: [kept.id] }, limit: 1 });
      assert.equal((await scene.insert(unique({ key: "kept" }))).jobs[0]?.duplicate, false);
    });
  }

  suite.test("it is held through every way back: failure, release, hold, retry, another time", async (scene) => {
    const job = await scene.running({ unique: { key: "k", states: liveStates, onConflict: "ignore" } });
    await scene.end(job, { to: "retryable", delayMs: 10, outcome: "failed", error: someError });
    await taken(scene, job.id);
    const change = (change: Parameters<typeof scene.store.jobs.change>[0]["change"]) =>
      scene.store.jobs.change({ ids: [job.id], change });
    for (const kind of ["retry", "hold", "release"] as const) {
      assert.deepEqual(await change({ kind }), ["changed"]);
      await taken(scene, job.id);
    }
    await scene.end(await scene.claimOne(), { to: "released", delayMs: 0 });
    await taken(scene, job.id);
    await change({ kind: "cancel" });
    const next = unique();
    assert.equal((await scene.insert(next)).jobs[0]?.id, next.id);
    assert.deepEqual(await change({ kind: "retry" }), ["conflict"], "the key is another's now");
    assert.equal(await scene.state(job.id), "cancelled");
    await scene.store.jobs.remove({ filter: { ids: [next.id] }, limit: 1 });
    assert.deepEqual(await change({ kind: "retry" }), ["changed"]);
    await taken(scene, job.id);
  });

  suite.test(
    "without running among its states, another may wait meanwhile, and the one that comes back gives way",
    async (scene) => {
      const waiting = liveStates.filter((state) => state !== "running");
      const first = await scene.running({ unique: { key: "k", states: waiting, onConflict: "replace" } });
      const [second, third] = [
        unique({ states: waiting }),
        unique({ states: waiting, onConflict: "replace" }, { input: "3" }),
      ];
      assert.deepEqual((await scene.insert(second)).jobs[0]?.duplicate, false);
      assert.deepEqual((await scene.insert(third)).jobs[0]?.conflict, "replaced");
      const replies = await scene.settle([first], { to: "retryable", delayMs: 0, outcome: "failed", error: someError });
      assert.deepEqual(replies, ["cancelled"]);
      const { state, outcome } = await scene.get(first.id);
      assert.deepEqual([state, outcome], ["cancelled", "superseded"]);
      const { input, token, id } = await scene.claimOne();
      assert.deepEqual([id, input], [second.id, "3"]);
      await scene.end({ id, token }, { to: "retryable", delayMs: 0, outcome: "failed", error: someError });
      await taken(scene, second.id);
    },
  );

  suite.test("a period makes the key another one, on the store's clock", async (scene) => {
    const throttle = { periodMs: 60_000, states: [...liveStates, "completed"] } as const;
    const first = await scene.running({ unique: { key: "k", onConflict: "ignore", ...throttle } });
    await scene.end(first, { to: "completed", result: null });
    await scene.clock.advance(59_999);
    assert.equal((await scene.insert(unique(throttle))).jobs[0]?.id, first.id);
    await scene.clock.advance(1);
    assert.equal((await scene.insert(unique(throttle))).jobs[0]?.duplicate, false);
  });

  suite.test("an expired job lets go of its key", async (scene) => {
    await scene.worker();
    await scene.insert(unique({}, { expiresInMs: 10 }));
    await scene.clock.advance(10);
    await scene.store.jobs.claim(request());
    assert.equal((await scene.insert(unique())).jobs[0]?.duplicate, false);
  });

  suite.testIf("shared", "two handles that insert at once make one job", async (scene) => {
    const other = await scene.second();
    const jobs = Array.from({ length: 20 }, () => unique());
    const replies = await Promise.all(
      jobs.map((job, n) => (n % 2 === 0 ? scene.store : other).jobs.insert({ jobs: [job] })),
    );
    assert.equal(new Set(replies.map(({ jobs }) => jobs[0]?.id)).size, 1);
    assert.equal(replies.filter(({ jobs }) => jobs[0]?.duplicate === false).length, 1);
  });
}

/** The key `k` is held by this job. */
async function taken(scene: Scene, id: string): Promise<void> {
  assert.equal((await scene.insert(unique())).jobs[0]?.id, id);
}
