import assert from "node:assert/strict";
import type { BatchEnd, BatchRecord, NewBatch } from "../../core/batch.ts";
import type { NewJob } from "../../core/job.ts";
import { liveStates } from "../../core/unique.ts";
import type { Store } from "../store.ts";
import { type Ending, ids, newBatch, newId, newJob, newJobs, request, type Scene, someError } from "./scene.ts";
import type { Suite } from "./suite.ts";

const completed: Ending = { to: "completed", result: null };
const discarded: Ending = { to: "discarded", outcome: "failed", error: someError };

/** What belongs together: its counters, and what follows once when all of it is over. */
export function batches(suite: Suite): void {
  making(suite);
  counting(suite);
  firing(suite);
  nesting(suite);
  racing(suite);
}

/** How batches come in, are read, and go. */
function making(suite: Suite): void {
  suite.test("a batch reads back as it was given, and its members name it", async (scene) => {
    const [parent, jobs] = [await open(scene), newJobs(3)];
    const { batch, follow } = withCallbacks({ parent, name: "report", tags: ["t"], metadata: { m: [1] } });
    await scene.batch(batch, jobs);
    const { onComplete, onSuccess, ...given } = batch;
    assert.deepEqual(await get(scene, batch.id), {
      ...given,
      children: [],
      total: 3,
      open: 3,
      failed: 0,
      createdAt: scene.clock.now(),
      completedAt: null,
      succeededAt: null,
      cancelledAt: null,
      onComplete: follow.complete,
      onSuccess: follow.success,
    });
    assert.ok(onComplete && onSuccess);
    assert.deepEqual((await get(scene, parent)).children, [batch.id]);
    const bare = await get(scene, await open(scene));
    assert.deepEqual(
      [bare.parent, bare.onComplete, bare.onSuccess, bare.tags, bare.metadata, bare.sealed],
      [null, null, null, [], null, false],
    );
    for (const { id } of jobs) assert.equal((await scene.get(id)).batch, batch.id);
    assert.deepEqual(await scene.states([follow.complete, follow.success]), [null, null]);
    assert.deepEqual(await scene.store.batches.get({ ids: [newId(), "none"] }), [null, null]);
  });

  suite.test("lists come newest first, page by page, by tenant, name and whether anything is open", async (scene) => {
    const done = await scene.batch({ name: "a" });
    const busy = await scene.batch({ name: "b" }, newJobs(1));
    const filling = await open(scene, { name: "a" });
    const foreign = await scene.batch({ tenant: "acme" });
    const list = async (filter: Parameters<Store["batches"]["list"]>[0]["filter"]) =>
      ids((await scene.store.batches.list({ filter, limit: 9 })).items);
    assert.deepEqual(await list({}), [foreign, filling, busy, done]);
    assert.deepEqual(await list({ tenant: "acme" }), [foreign]);
    assert.deepEqual(await list({ names: ["a", "none"] }), [filling, done]);
    assert.deepEqual(await list({ open: true, tenant: "default" }), [filling, busy]);
    assert.deepEqual(await list({ open: false }), [foreign, done]);
    const first = await scene.store.batches.list({ filter: {}, limit: 3 });
    const second = await scene.store.batches.list({ filter: {}, limit: 3, cursor: first.cursor ?? undefined });
    assert.deepEqual([...ids(first.items), ...ids(second.items)], [foreign, filling, busy, done]);
    assert.equal(second.cursor, null);
  });

  suite.test("jobs are found by their batch, with other conditions on top", async (scene) => {
    const [first, second] = [newJobs(2), newJobs(1, { waitingFor: "x" })];
    const one = await scene.batch({}, first);
    const other = await scene.batch({ parent: await open(scene) }, second);
    await scene.insert(newJob());
    const find = async (batches: string[], states?: ["available"]) =>
      ids((await scene.store.jobs.list({ filter: { batches, states }, limit: 9 })).items).sort();
    assert.deepEqual(await find([one]), ids(first));
    assert.deepEqual(await find([one, other, "none"]), ids([...first, ...second]));
    assert.deepEqual(await find([one, other], ["available"]), ids(first));
    assert.deepEqual(await find([newId()]), []);
    assert.equal(await scene.store.jobs.remove({ filter: { batches: [one] }, limit: 9 }), 2);
  });

  suite.test("a repeated submission changes nothing, before its end and after", async (scene) => {
    await scene.worker();
    const jobs = newJobs(3);
    const { batch, follow } = withCallbacks();
    await scene.batch(batch, jobs);
    const again = async () => {
      const before = await get(scene, batch.id);
      await scene.batch({ ...withCallbacks().batch, id: batch.id, name: "other" }, jobs);
      assert.deepEqual(await get(scene, batch.id), before);
    };
    await again();
    await scene.settle(await scene.claim(), completed);
    await again();
    assert.equal((await scene.all()).length, 5);
    assert.deepEqual(await scene.states([follow.complete, follow.success]), ["available", "available"]);
  });

  suite.test("a batch in several insertions stays open until it is said to be whole", async (scene) => {
    await scene.worker();
    const { batch, follow } = withCallbacks();
    await scene.batch({ ...batch, sealed: false }, newJobs(2));
    await scene.settle(await scene.claim(), completed);
    assert.deepEqual(await counts(scene, batch.id), [2, 0, 0]);
    assert.equal(
      await scene.opened.store.batches.list({ filter: { open: true }, limit: 9 }).then((l) => l.items.length),
      1,
    );
    assert.deepEqual(await scene.states([follow.complete]), [null]);
    await scene.batch({ ...batch, sealed: true }, newJobs(1));
    assert.deepEqual(await scene.states([follow.complete]), [null]);
    await scene.settle(await scene.claim(), completed);
    assert.deepEqual(await scene.states([follow.complete, follow.success]), ["available", "available"]);
    assert.deepEqual(await counts(scene, batch.id), [3, 0, 0]);
  });

  suite.test("an empty batch is complete at once, and so is one of duplicates alone", async (scene) => {
    const { batch, follow } = withCallbacks();
    await scene.batch(batch);
    const { completedAt, succeededAt } = await get(scene, batch.id);
    assert.deepEqual([completedAt, succeededAt], [scene.clock.now(), scene.clock.now()]);
    assert.deepEqual(await scene.states([follow.complete, follow.success]), ["available", "available"]);
    const known = newJob({ idempotencyKey: "k" });
    await scene.insert(known);
    const second = withCallbacks();
    await scene.batch(second.batch, [known, newJob({ idempotencyKey: "k" })]);
    assert.deepEqual(await counts(scene, second.batch.id), [0, 0, 0]);
    assert.deepEqual(await scene.states([second.follow.success]), ["available"]);
    assert.equal((await scene.get(known.id)).batch, null);
  });

  suite.test("what is there already is no member: neither by its key nor by its unique key", async (scene) => {
    const unique = { key: "u", states: liveStates, onConflict: "replace" } as const;
    const [there, replaced] = [newJob({ idempotencyKey: "k" }), newJob({ unique })];
    const first = await scene.batch({}, [there, replaced]);
    const second = await scene.batch({}, [newJob({ idempotencyKey: "k" }), newJob({ unique, input: "2" }), newJob()]);
    assert.deepEqual(await counts(scene, second), [1, 1, 0]);
    assert.deepEqual(await counts(scene, first), [2, 2, 0]);
    const { batch, input } = await scene.get(replaced.id);
    assert.deepEqual([batch, input], [first, "2"]);
  });

  suite.test("a batch takes more as long as something is open, and refuses with nothing lost after", async (scene) => {
    await scene.worker();
    const jobs = newJobs(1);
    const batch = await scene.batch({}, jobs);
    await scene.insert(newJob({ batch }));
    assert.deepEqual(await counts(scene, batch), [2, 2, 0]);
    await scene.settle(await scene.claim(), completed);
    const [bystander, late] = [newJob(), newJob({ batch })];
    await assert.rejects(scene.insert(bystander, late), {
      code: "QUEUACK_BATCH_FINISHED",
      details: { id: batch, name: "import", cancelled: false },
    });
    await assert.rejects(scene.batch({ parent: batch }), { code: "QUEUACK_BATCH_FINISHED" });
    assert.deepEqual(await scene.states([bystander.id, late.id]), [null, null]);
    assert.deepEqual((await scene.insert({ ...(jobs[0] as NewJob), batch })).jobs[0]?.duplicate, true);
  });

  suite.test("a batch that is not there, or is another tenant's, is refused", async (scene) => {
    const foreign = await open(scene, { tenant: "acme" });
    for (const batch of [newId(), foreign, "none"]) {
      await assert.rejects(scene.insert(newJob({ batch })), { code: "QUEUACK_UNKNOWN_BATCH" });
      await assert.rejects(scene.batch({ parent: batch }), { code: "QUEUACK_UNKNOWN_BATCH" });
    }
    await assert.rejects(scene.batch({ id: foreign }), { code: "QUEUACK_UNKNOWN_BATCH" });
    assert.equal((await scene.all()).length, 0);
  });

  suite.test("a submission that a full queue refuses leaves no batch behind", async (scene) => {
    const batch = newBatch();
    const jobs = newJobs(3, { batch: batch.id });
    await assert.rejects(scene.store.jobs.insert({ jobs, batches: [batch], limit: 2 }), { code: "QUEUACK_QUEUE_FULL" });
    assert.deepEqual(await scene.store.batches.get({ ids: [batch.id] }), [null]);
    await scene.store.jobs.insert({ jobs, batches: [batch], limit: 3 });
    assert.deepEqual(await counts(scene, batch.id), [3, 3, 0]);
  });

  suite.test("a cancelled batch takes no more, and is complete when what it has is over", async (scene) => {
    await scene.worker();
    const { batch, follow } = withCallbacks();
    await scene.batch({ ...batch, sealed: false }, newJobs(1));
    assert.deepEqual(await scene.store.batches.cancel({ ids: [batch.id, newId()] }), [true, false]);
    await assert.rejects(scene.insert(newJob({ batch: batch.id })), {
      code: "QUEUACK_BATCH_FINISHED",
      details: { id: batch.id, name: "import", cancelled: true },
    });
    assert.deepEqual(await scene.states([follow.complete]), [null]);
    const { cancelledAt, sealed } = await get(scene, batch.id);
    assert.deepEqual([cancelledAt, sealed], [scene.clock.now(), true]);
    await scene.settle(await scene.claim(), completed);
    assert.deepEqual(await scene.states([follow.complete, follow.success]), ["available", "available"]);
    await scene.store.batches.cancel({ ids: [await open(scene)] });
    assert.equal((await scene.store.batches.list({ filter: { open: true }, limit: 9 })).items.length, 0);
  });

  suite.test("batches go when they were complete long enough and their members are gone", async (scene) => {
    await scene.worker();
    const kept = { completedMs: 1_000, discardedMs: 5_000 };
    const prune = () => scene.store.batches.prune({ retention: kept, limit: 10 });
    const parent = await open(scene);
    const well = await scene.batch({ parent }, newJobs(1));
    const ill = await scene.batch({}, newJobs(1));
    const busy = await scene.batch({}, [newJob({ waitingFor: "x" })]);
    const [first, second] = await scene.claim();
    assert.ok(first && second);
    await scene.end(first, completed);
    await scene.end(second, discarded);
    await scene.store.batches.cancel({ ids: [parent] });
    await scene.clock.advance(1_001);
    assert.equal(await prune(), 0, "its job is still there");
    await scene.store.jobs.remove({ filter: { ids: [first.id, second.id] }, limit: 9 });
    assert.deepEqual([await prune(), await prune()], [1, 1], "the child first, then the parent");
    assert.deepEqual(await present(scene, [parent, well, ill, busy]), [false, false, true, true]);
    await scene.clock.advance(4_000);
    assert.equal(await prune(), 1);
    assert.deepEqual(await present(scene, [ill, busy]), [false, true]);
  });

  suite.test("a batch stays for the jobs that followed it, which know it by its id", async (scene) => {
    await scene.worker();
    const { batch, follow } = withCallbacks({}, { delayMs: 50 });
    const jobs = newJobs(1);
    await scene.batch(batch, jobs);
    await scene.settle(await scene.claim(), completed);
    await scene.clock.advance(40);
    const prune = () => scene.store.batches.prune({ retention: { completedMs: 1, discardedMs: 1 }, limit: 10 });
    await scene.store.jobs.remove({ filter: { ids: ids(jobs) }, limit: 9 });
    for (const id of [follow.complete, follow.success]) {
      assert.equal(await prune(), 0);
      await scene.store.jobs.remove({ filter: { ids: [id] }, limit: 9 });
    }
    assert.equal(await prune(), 1);
  });

  suite.testIf("persistent", "counters and what is to follow outlive the store", async (scene) => {
    await scene.worker();
    const { batch, follow } = withCallbacks();
    await scene.batch(batch, newJobs(2));
    const [first, second] = await scene.claim();
    assert.ok(first && second);
    await scene.end(first, completed);
    await scene.reopen();
    assert.deepEqual(await counts(scene, batch.id), [2, 1, 0]);
    await scene.end(second, completed);
    await scene.reopen();
    assert.deepEqual(await scene.states([follow.complete, follow.success]), ["available", "available"]);
  });
}

/** Every way into a final state, and out of one. */
function counting(suite: Suite): void {
  const endings: Record<string, { ending: Ending; failed: number }> = {
    completed: { ending: completed, failed: 0 },
    cached: { ending: { to: "completed", result: null, outcome: "cached" }, failed: 0 },
    discarded: { ending: discarded, failed: 1 },
    cancelled: { ending: { to: "cancelled" }, failed: 1 },
  };
  for (const [name, { ending, failed }] of Object.entries(endings)) {
    suite.test(`a member that is ${name} is counted off once`, async (scene) => {
      const batch = await open(scene);
      const job = await scene.running({ batch });
      await scene.end(job, ending);
      assert.deepEqual(await scene.settle([job], ending), ["lost"]);
      assert.deepEqual(await counts(scene, batch), [1, 0, failed]);
    });
  }

  suite.test("a member that goes back stays open: failed, released, held, at another time", async (scene) => {
    const batch = await open(scene);
    const job = await scene.running({ batch });
    await scene.end(job, { to: "retryable", delayMs: 0, outcome: "failed", error: someError });
    await scene.end(await scene.claimOne(), { to: "released", delayMs: 5 });
    for (const change of [{ kind: "hold" }, { kind: "release" }, { kind: "reschedule", delayMs: 9 }] as const) {
      assert.deepEqual(await scene.store.jobs.change({ ids: [job.id], change }), ["changed"]);
    }
    assert.deepEqual(await counts(scene, batch), [1, 1, 0]);
  });

  suite.test("cancelled while it waits, and while it runs, where it would have gone back", async (scene) => {
    const batch = await open(scene);
    const waiting = await scene.job({ batch, waitingFor: "x" });
    const running = await scene.running({ batch });
    const cancel = () => scene.store.jobs.change({ ids: [waiting, running.id], change: { kind: "cancel" } });
    assert.deepEqual(await cancel(), ["changed", "requested"]);
    assert.deepEqual(await counts(scene, batch), [2, 1, 1]);
    assert.deepEqual(await scene.settle([running], { to: "released", delayMs: 0 }), ["cancelled"]);
    assert.deepEqual(await cancel(), ["unchanged", "unchanged"]);
    assert.deepEqual(await counts(scene, batch), [2, 0, 2]);
  });

  suite.test("expired: found at its claim, and when its time came", async (scene) => {
    await scene.worker();
    for (const find of [() => scene.claim(), () => scene.store.jobs.promote({ limit: 10 })]) {
      const { batch, follow } = withCallbacks();
      await scene.batch(batch, newJobs(2, { expiresInMs: 10 }));
      await scene.clock.advance(10);
      await find();
      assert.deepEqual(await counts(scene, batch.id), [2, 0, 2]);
      assert.deepEqual(await scene.states([follow.complete, follow.success]), ["available", null]);
      await scene.store.jobs.remove({ filter: { ids: [follow.complete] }, limit: 1 });
    }
  });

  suite.test("superseded by another that waits under its key", async (scene) => {
    const states = liveStates.filter((state) => state !== "running");
    const unique = { key: "k", states, onConflict: "ignore" } as const;
    const batch = await open(scene);
    const job = await scene.running({ batch, unique });
    await scene.job({ batch, unique });
    assert.deepEqual(await scene.settle([job], { to: "released", delayMs: 0 }), ["cancelled"]);
    assert.deepEqual(await counts(scene, batch), [2, 1, 1]);
  });

  suite.test("an operator's retry takes it back among the open", async (scene) => {
    const batch = await open(scene);
    const retry = (id: string) => scene.store.jobs.change({ ids: [id, id], change: { kind: "retry" } });
    const failing = await scene.running({ batch });
    await scene.end(failing, discarded);
    assert.deepEqual(await retry(failing.id), ["changed", "unchanged"]);
    assert.deepEqual(await counts(scene, batch), [1, 1, 0]);
    await scene.end(await scene.claimOne(), completed);
    assert.deepEqual(await retry(failing.id), ["unchanged", "unchanged"]);
    assert.deepEqual(await counts(scene, batch), [1, 0, 0]);
  });

  suite.test("deleted while it waits it is no member any more, and may have been the last", async (scene) => {
    await scene.worker();
    const [job, waiting] = [newJob(), newJob({ delayMs: 9 })];
    const { batch, follow } = withCallbacks();
    await scene.batch(batch, [job, waiting]);
    await scene.end(await scene.claimOne(), discarded);
    const remove = (id: string) => scene.store.jobs.remove({ filter: { ids: [id] }, limit: 1 });
    assert.equal(await remove(waiting.id), 1);
    assert.deepEqual(await counts(scene, batch.id), [1, 0, 1]);
    assert.deepEqual(await scene.states([follow.complete, follow.success]), ["available", null]);
    assert.equal(await remove(job.id), 1);
    assert.deepEqual(await counts(scene, batch.id), [1, 0, 1], "what is over counts on");
  });

  suite.test("retention takes final members away and changes no counter", async (scene) => {
    const batch = await open(scene);
    for (const ending of [completed, discarded]) await scene.end(await scene.running({ batch }), ending);
    await scene.clock.advance(2);
    const retention = { completedMs: 1, discardedMs: 1 };
    assert.equal(await scene.store.queues.prune({ retention, limit: 10 }), 2);
    assert.deepEqual(await counts(scene, batch), [2, 0, 1]);
  });
}

/** What follows, exactly once. */
function firing(suite: Suite): void {
  suite.test("both follow where all went well, as they were given, and know their batch", async (scene) => {
    await scene.worker();
    const over = { queue: "reports", task: "tell", priority: 70, input: '"done"', tags: ["x"], group: "g" };
    const { batch, follow } = withCallbacks({}, over);
    await scene.batch(batch, newJobs(2));
    const [first, second] = await scene.claim();
    assert.ok(first && second);
    await scene.end(first, completed);
    assert.deepEqual(await scene.states([follow.complete, follow.success]), [null, null]);
    await scene.clock.advance(5);
    await scene.end(second, completed);
    const followers = await scene.claim({ tasks: ["tell"], queues: [{ queue: "reports", quota: 9 }] });
    assert.deepEqual(ids(followers), [follow.complete, follow.success]);
    for (const { callbackOf, batch: memberOf, createdAt, ...job } of followers) {
      assert.deepEqual([callbackOf, memberOf, createdAt], [batch.id, null, scene.clock.now()]);
      for (const [key, value] of Object.entries(over)) assert.deepEqual(job[key as "queue"], value);
    }
    assert.equal((await scene.get(follow.complete)).callbackOf, batch.id);
    assert.deepEqual(await counts(scene, batch.id), [2, 0, 0]);
    assert.equal((await get(scene, batch.id)).completedAt, scene.clock.now());
  });

  suite.test("a delay is reckoned from the end of the batch, and a full queue takes what follows", async (scene) => {
    await scene.store.queues.configure({
      tenant: "default",
      queue: "full",
      settings: { backpressure: { warnAt: 1, limit: 1, onLimit: "refuse" } },
    });
    await scene.insert(newJob({ queue: "full" }));
    const { batch, follow } = withCallbacks({}, { queue: "full", delayMs: 500 });
    const heard = listen(scene);
    await scene.batch(batch, newJobs(1));
    await scene.clock.advance(100);
    await scene.worker();
    await scene.settle(await scene.claim(), completed);
    const { state, runAt } = await scene.get(follow.complete);
    assert.deepEqual([state, runAt], ["scheduled", scene.clock.now() + 500]);
    assert.deepEqual(heard[0]?.nextInMs, 500);
  });

  suite.test("with a failed member only onComplete follows, and onSuccess after its retry went well", async (scene) => {
    await scene.worker();
    const { batch, follow } = withCallbacks();
    await scene.batch(batch, newJobs(2));
    const [well, ill] = await scene.claim();
    assert.ok(well && ill);
    const heard = listen(scene);
    await scene.settle([well], completed);
    await scene.settle([ill], discarded);
    const both = () => scene.states([follow.complete, follow.success]);
    assert.deepEqual(await both(), ["available", null]);
    await scene.settle(await scene.claim(), completed);
    await scene.clock.advance(7);
    const firstEnd = (await get(scene, batch.id)).completedAt;
    // Once more in vain: nothing may follow for a second time.
    for (const [round, ending] of [discarded, completed].entries()) {
      await scene.store.jobs.change({ ids: [ill.id], change: { kind: "retry" } });
      assert.deepEqual(await counts(scene, batch.id), [2, 1, 0]);
      await scene.settle(await scene.claim(), ending);
      assert.deepEqual(await both(), ["completed", round === 0 ? null : "available"]);
    }
    const { completedAt, succeededAt } = await get(scene, batch.id);
    assert.deepEqual([completedAt, succeededAt], [firstEnd, scene.clock.now()]);
    assert.deepEqual(
      heard.map(({ completed, succeeded, failed }) => [completed, succeeded, failed]),
      [
        [true, false, 1],
        [false, false, 1],
        [false, true, 0],
      ],
    );
  });

  suite.test("what has followed does not follow again, even when it is deleted meanwhile", async (scene) => {
    await scene.worker();
    const { batch, follow } = withCallbacks();
    await scene.batch(batch, newJobs(1));
    const job = await scene.claimOne();
    await scene.end(job, discarded);
    await scene.store.jobs.remove({ filter: { ids: [follow.complete] }, limit: 1 });
    await scene.store.jobs.change({ ids: [job.id], change: { kind: "retry" } });
    await scene.end(await scene.claimOne(), completed);
    assert.deepEqual(await scene.states([follow.complete, follow.success]), [null, "available"]);
  });

  suite.test("whoever listens hears of each end after its commit, and of none that was undone", async (scene) => {
    await scene.worker();
    const { batch, follow } = withCallbacks();
    const heard = listen(scene);
    const jobs = [newJob({ queue: "tight" }), newJob({ queue: "tight" })];
    const { batch: undone } = withCallbacks();
    await assert.rejects(scene.store.jobs.insert({ batches: [undone], jobs, limit: 1 }), {
      code: "QUEUACK_QUEUE_FULL",
    });
    await scene.batch(batch, newJobs(1));
    assert.deepEqual(heard, []);
    await scene.settle(await scene.claim(), completed);
    const facts = { tenant: "default", queue: "default", task: "work", state: "available" };
    assert.deepEqual(heard, [
      {
        id: batch.id,
        tenant: "default",
        name: "import",
        total: 1,
        failed: 0,
        completed: true,
        succeeded: true,
        callbacks: [
          { id: follow.complete, ...facts },
          { id: follow.success, ...facts },
        ],
        nextInMs: 0,
      },
    ]);
  });
}

/** Batches in batches. */
function nesting(suite: Suite): void {
  suite.test("a batch is one member of its parent, and all ends come in one commit", async (scene) => {
    await scene.worker();
    const [top, middle, leaf] = chain();
    await scene.batch(top.batch, [newJob({ waitingFor: "x" })]);
    await scene.batch(middle.batch);
    assert.equal((await get(scene, middle.batch.id)).completedAt, scene.clock.now(), "an empty child ends at once");
    assert.deepEqual(await counts(scene, top.batch.id), [2, 1, 0]);
    const again = chain();
    for (const { batch } of again) await scene.batch({ ...batch, sealed: false });
    for (const { batch } of again) await scene.batch(batch, batch === again[2].batch ? newJobs(1) : []);
    assert.deepEqual(await counts(scene, again[0].batch.id), [1, 1, 0]);
    await scene.end(await scene.claimOne(), completed);
    for (const { batch, follow } of again) {
      assert.deepEqual(await counts(scene, batch.id), [1, 0, 0]);
      assert.deepEqual(await scene.states([follow.complete, follow.success]), ["available", "available"]);
    }
    assert.ok(leaf);
  });

  suite.test("a child with failed members is a failed member, until a retry opens all of them again", async (scene) => {
    await scene.worker();
    const all = chain();
    for (const { batch } of all) await scene.batch({ ...batch, sealed: false });
    for (const { batch } of all) await scene.batch(batch, batch === all[2].batch ? newJobs(2) : []);
    const every = async () => await Promise.all(all.map(({ batch }) => counts(scene, batch.id)));
    const [well, ill] = await scene.claim();
    assert.ok(well && ill);
    await scene.settle([well], completed);
    await scene.settle([ill], discarded);
    assert.deepEqual(await every(), [
      [1, 0, 1],
      [1, 0, 1],
      [2, 0, 1],
    ]);
    for (const { follow } of all) {
      assert.deepEqual(await scene.states([follow.complete, follow.success]), ["available", null]);
    }
    await scene.store.jobs.remove({ filter: { ids: all.map(({ follow }) => follow.complete) }, limit: 9 });
    await scene.store.jobs.change({ ids: [ill.id], change: { kind: "retry" } });
    assert.deepEqual(await every(), [
      [1, 1, 0],
      [1, 1, 0],
      [2, 1, 0],
    ]);
    assert.deepEqual(await scene.opened.verify(), []);
    await scene.settle(await scene.claim(), completed);
    assert.deepEqual(await every(), [
      [1, 0, 0],
      [1, 0, 0],
      [2, 0, 0],
    ]);
    for (const { follow } of all) {
      assert.deepEqual(await scene.states([follow.complete, follow.success]), [null, "available"]);
    }
  });

  suite.test("members of several batches that end in one settlement are each counted in their own", async (scene) => {
    await scene.worker();
    const parent = await scene.batch({}, newJobs(1));
    const children = [];
    for (let n = 0; n < 20; n++) children.push(await scene.batch({ parent }, newJobs(1 + (n % 3))));
    const claimed = await scene.claim({ limit: 100 });
    await scene.settle(claimed.slice(0, 7), discarded);
    assert.deepEqual(await scene.opened.verify(), []);
    await scene.settle(claimed.slice(7), completed);
    const [total, open, failed] = await counts(scene, parent);
    assert.deepEqual([total, open], [21, 0]);
    const ill = await Promise.all(children.map(async (id) => (await counts(scene, id))[2]));
    assert.equal(failed, ill.filter((n) => n > 0).length + 1, "the parent's own job was among the first");
  });
}

/** Several handles on one file. */
function racing(suite: Suite): void {
  suite.testIf("shared", "the last members that end at once on several handles fire once", async (scene) => {
    const stores = [scene.store, await scene.second()];
    for (const [n, store] of stores.entries()) await scene.worker(`w${n}`, store);
    for (let round = 0; round < 10; round++) {
      const { batch, follow } = withCallbacks({}, { queue: "after" });
      await scene.batch(batch, newJobs(4));
      const jobs = await scene.claim({ worker: "w0", limit: 4 });
      const heard = stores.map((store) => {
        const ended: BatchEnd[] = [];
        store.batches.onEnd((some) => ended.push(...some));
        return ended;
      });
      await Promise.all(
        jobs.map(({ id, token }, n) =>
          (stores[n % 2] as Store).jobs.settle({ settlements: [{ id, token, to: "completed", result: null }] }),
        ),
      );
      assert.deepEqual(await counts(scene, batch.id), [4, 0, 0]);
      assert.equal(heard.flat().filter(({ id }) => id === batch.id).length, 1);
      assert.deepEqual(await scene.states([follow.complete, follow.success]), ["available", "available"]);
    }
  });

  suite.testIf("shared", "whoever adds while the last member ends is either in or refused", async (scene) => {
    const other = await scene.second();
    await scene.worker();
    for (let round = 0; round < 20; round++) {
      const { batch, follow } = withCallbacks({}, { queue: "after" });
      await scene.batch(batch, newJobs(1));
      const { id, token } = await scene.claimOne();
      const late = newJob({ batch: batch.id });
      const [, added] = await Promise.allSettled([
        scene.store.jobs.settle({ settlements: [{ id, token, to: "completed", result: null }] }),
        other.jobs.insert({ jobs: [late] }),
      ]);
      if (added.status === "rejected") assert.equal((added.reason as { code: string }).code, "QUEUACK_BATCH_FINISHED");
      else
        await scene.store.jobs.settle({
          settlements: (await scene.store.jobs.claim(request())).jobs.map((job) => ({
            id: job.id,
            token: job.token,
            ...(completed as { to: "completed"; result: null }),
          })),
        });
      assert.deepEqual(await counts(scene, batch.id), [added.status === "rejected" ? 1 : 2, 0, 0]);
      assert.deepEqual(await scene.states([follow.complete]), ["available"]);
    }
  });
}

/** A batch with both jobs that follow, and their ids. */
function withCallbacks(over: Partial<NewBatch> = {}, job: Partial<NewJob> = {}) {
  const id = over.id ?? newId();
  const onComplete = newJob({ callbackOf: id, ...job });
  const onSuccess = newJob({ callbackOf: id, ...job });
  return {
    batch: newBatch({ id, onComplete, onSuccess, ...over }),
    follow: { complete: onComplete.id, success: onSuccess.id },
  };
}

/** Three batches, each the parent of the next. */
function chain() {
  const top = withCallbacks({}, { queue: "after" });
  const middle = withCallbacks({ parent: top.batch.id }, { queue: "after" });
  const leaf = withCallbacks({ parent: middle.batch.id }, { queue: "after" });
  return [top, middle, leaf] as const;
}

/** A batch that stays open, whatever becomes of its members. */
function open(scene: Scene, over: Partial<NewBatch> = {}): Promise<string> {
  return scene.batch({ sealed: false, ...over });
}

async function get(scene: Scene, id: string): Promise<BatchRecord> {
  const [batch] = await scene.store.batches.get({ ids: [id] });
  assert.ok(batch, `batch ${id} must be there`);
  return batch;
}

async function present(scene: Scene, ids: readonly string[]): Promise<boolean[]> {
  return (await scene.store.batches.get({ ids })).map((batch) => batch !== null);
}

/** Total, open, failed. */
async function counts(scene: Scene, id: string): Promise<[number, number, number]> {
  const { total, open, failed } = await get(scene, id);
  return [total, open, failed];
}

/** What the store tells of ends from here on. */
function listen(scene: Scene): BatchEnd[] {
  const heard: BatchEnd[] = [];
  scene.store.batches.onEnd((ended) => heard.push(...ended));
  return heard;
}
