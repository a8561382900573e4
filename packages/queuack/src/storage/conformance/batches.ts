import assert from "node:assert/strict";
import type { NewJob } from "../../core/job.ts";
import { liveStates } from "../../core/unique.ts";
import type { Store } from "../store.ts";
import { counting } from "./batch-counting.ts";
import { firing, nesting, racing } from "./batch-ends.ts";
import { completed, counts, discarded, get, open, present, withCallbacks } from "./batch-scene.ts";
import { ids, newBatch, newId, newJob, newJobs } from "./scene.ts";
import type { Suite } from "./suite.ts";

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
