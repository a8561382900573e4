import assert from "node:assert/strict";
import type { BatchEnd } from "../../core/batch.ts";
import type { Store } from "../store.ts";
import { chain, completed, counts, discarded, get, listen, withCallbacks } from "./batch-scene.ts";
import { ids, newJob, newJobs, request } from "./scene.ts";
import type { Suite } from "./suite.ts";

/** What follows, exactly once. */
export function firing(suite: Suite): void {
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
export function nesting(suite: Suite): void {
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
export function racing(suite: Suite): void {
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
