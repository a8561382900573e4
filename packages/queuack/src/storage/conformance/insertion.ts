import assert from "node:assert/strict";
import { ids, newId, newJob, newJobs } from "./scene.ts";
import type { Suite } from "./suite.ts";

/** How jobs come in: whole batches, once each. */
export function insertion(suite: Suite): void {
  suite.test("a job reads back as it was given, with what is not said left empty", async (scene) => {
    const plain = newJob();
    const full = newJob({
      tenant: "acme",
      queue: "mail",
      task: "send",
      priority: 91,
      input: '["ü",null]',
      maxAttempts: 7,
      retry: { backoff: "linear", baseMs: 5, capMs: 50, factor: 3, jitter: "none" },
      timeoutMs: 1_234,
      expiresInMs: 60_000,
      tags: ["a", "b"],
      metadata: { who: { name: "x" } },
      idempotencyKey: "k",
      group: "g",
    });
    await scene.insert(plain, full);
    const now = scene.clock.now();
    const empty = {
      outcome: null,
      result: null,
      error: null,
      attempt: 0,
      generation: 1,
      createdAt: now,
      runAt: now,
      startedAt: null,
      finishedAt: null,
      leaseUntil: null,
      worker: null,
      cancelRequested: false,
      waitingFor: null,
      progress: null,
    };
    assert.deepEqual(await scene.get(plain.id), {
      ...plain,
      ...empty,
      state: "available",
      retry: null,
      timeoutMs: null,
      expiresAt: null,
      tags: [],
      metadata: null,
      idempotencyKey: null,
      group: null,
      batch: null,
      callbackOf: null,
    });
    const { expiresInMs: _, ...kept } = full;
    const none = { batch: null, callbackOf: null };
    assert.deepEqual(await scene.get(full.id), {
      ...kept,
      ...empty,
      ...none,
      state: "available",
      expiresAt: now + 60_000,
    });
  });

  suite.test("an input is kept to the byte, null included", async (scene) => {
    const inputs = [null, "null", '""', '"\\u0000\\ud83d\\ude00"', JSON.stringify("😀é".repeat(20_000)), "[1.5e300]"];
    const jobs = inputs.map((input) => newJob({ input }));
    await scene.insert(...jobs);
    const found = await scene.store.jobs.get({ ids: ids(jobs) });
    assert.deepEqual(
      found.map((job) => job?.input),
      inputs,
    );
    await scene.worker();
    assert.deepEqual(
      (await scene.claim()).map((job) => job.input),
      inputs,
    );
  });

  suite.test("what says when or for what it waits starts there", async (scene) => {
    const now = scene.clock.now();
    const cases = [
      [{}, "available", now],
      [{ delayMs: 0 }, "available", now],
      [{ delayMs: 5_000 }, "scheduled", now + 5_000],
      [{ runAt: now + 2_000 }, "scheduled", now + 2_000],
      [{ runAt: now - 2_000 }, "available", now - 2_000],
      [{ waitingFor: "approval" }, "pending", now],
      [{ waitingFor: "approval", delayMs: 9_000 }, "pending", now + 9_000],
    ] as const;
    const jobs = cases.map(([over]) => newJob(over));
    const reply = await scene.insert(...jobs);
    assert.deepEqual(
      reply.jobs.map(({ state }) => state),
      cases.map(([, state]) => state),
    );
    const found = await scene.store.jobs.get({ ids: ids(jobs) });
    assert.deepEqual(
      found.map((job) => [job?.state, job?.runAt]),
      cases.map(([, state, runAt]) => [state, runAt]),
    );
    assert.equal(found[5]?.waitingFor, "approval");
    assert.equal(reply.nextInMs, 2_000, "the first that waits for a time");
  });

  suite.test("the reply names the first expiry as well, and nothing where nothing waits for a time", async (scene) => {
    assert.equal((await scene.insert(newJob())).nextInMs, null);
    assert.equal((await scene.insert(newJob({ delayMs: 900 }), newJob({ expiresInMs: 700 }))).nextInMs, 700);
  });

  suite.test("an id that is there already is left as it is, in the same batch and in a later one", async (scene) => {
    const first = newJob({ input: '"first"' });
    const again = { ...first, input: '"again"', priority: 99, queue: "elsewhere" };
    const { jobs } = await scene.insert(first, again);
    assert.deepEqual(jobs, [
      { id: first.id, state: "available", duplicate: false },
      { id: first.id, state: "available", duplicate: true },
    ]);
    await scene.worker();
    const job = await scene.claimOne();
    assert.deepEqual((await scene.insert(again)).jobs, [{ id: first.id, state: "running", duplicate: true }]);
    await scene.end(job, { to: "completed", result: "1" });
    assert.deepEqual((await scene.insert(again)).jobs, [{ id: first.id, state: "completed", duplicate: true }]);
    const record = await scene.get(first.id);
    assert.deepEqual([record.input, record.priority, record.queue], ['"first"', 50, "default"]);
    assert.equal((await scene.all()).length, 1);
  });

  suite.test("a key stands for one job of a tenant, in the same batch and in a later one", async (scene) => {
    const first = newJob({ idempotencyKey: "k" });
    const { jobs } = await scene.insert(first, newJob({ idempotencyKey: "k" }), newJob({ idempotencyKey: "other" }));
    assert.deepEqual(
      jobs.map(({ duplicate }) => duplicate),
      [false, true, false],
    );
    assert.equal(jobs[1]?.id, first.id, "the reply names the job that is there");
    const elsewhere = newJob({ idempotencyKey: "k", tenant: "acme" });
    const reply = await scene.insert(elsewhere, newJob({ idempotencyKey: "k", queue: "another" }));
    assert.deepEqual(ids(reply.jobs), [elsewhere.id, first.id]);
    assert.equal((await scene.all()).length, 3);
  });

  suite.test("a key is free again when its job is deleted", async (scene) => {
    const first = await scene.job({ idempotencyKey: "k" });
    assert.equal(await scene.store.jobs.remove({ filter: { ids: [first] }, limit: 10 }), 1);
    const { jobs } = await scene.insert(newJob({ idempotencyKey: "k" }));
    assert.equal(jobs[0]?.duplicate, false);
  });

  suite.test("a batch with a row that can't be kept comes in not at all", async (scene) => {
    const good = newJobs(300, { delayMs: 5, idempotencyKey: undefined });
    const keyed = newJob({ idempotencyKey: "k", queue: "new" });
    await assert.rejects(scene.insert(...good, keyed, newJob({ id: "not a uuid" })));
    assert.deepEqual(await scene.all(), []);
    assert.equal((await scene.insert(newJob({ idempotencyKey: "k", queue: "new" }))).jobs[0]?.duplicate, false);
  });

  suite.test("one call that fails takes nothing of its neighbours with it", async (scene) => {
    const [before, after] = [newJob({ queue: "a" }), newJob({ queue: "a" })];
    const calls = [
      scene.insert(before),
      scene.insert(newJob({ queue: "a" }), newJob({ id: "not a uuid" })),
      scene.insert(after),
    ];
    const done = await Promise.allSettled(calls);
    assert.deepEqual(
      done.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.deepEqual(ids(await scene.all()), [after.id, before.id]);
  });

  suite.test("ten thousand come in at once, and again as duplicates", async (scene) => {
    const jobs = Array.from({ length: 10_000 }, (_, n) => newJob({ queue: `q${n % 3}`, task: `t${n % 7}` }));
    const reply = await scene.insert(...jobs);
    assert.deepEqual(ids(reply.jobs), ids(jobs));
    assert.ok(reply.jobs.every(({ duplicate }) => !duplicate));
    assert.deepEqual(reply.waiting.map(({ waiting }) => waiting).sort(), [3_333, 3_333, 3_334]);
    assert.ok((await scene.insert(...jobs)).jobs.every(({ duplicate }) => duplicate));
  });

  suite.test("the same job handed in many times at once is one job", async (scene) => {
    const job = newJob();
    const replies = await Promise.all(Array.from({ length: 20 }, () => scene.insert(job)));
    assert.equal(replies.filter(({ jobs }) => jobs[0]?.duplicate === false).length, 1);
    assert.equal((await scene.all()).length, 1);
  });

  suite.test("nothing is inserted by an empty batch, and an unknown id is no job", async (scene) => {
    assert.deepEqual(await scene.insert(), { jobs: [], nextInMs: null, waiting: [] });
    assert.deepEqual(await scene.store.jobs.get({ ids: [newId(), "not a uuid"] }), [null, null]);
  });

  suite.testIf("persistent", "what was acknowledged is there after reopening", async (scene) => {
    const jobs = newJobs(10);
    await scene.insert(...jobs);
    await scene.reopen();
    assert.deepEqual(
      await scene.states(ids(jobs)),
      jobs.map(() => "available"),
    );
  });
}
