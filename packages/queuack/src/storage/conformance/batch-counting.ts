import assert from "node:assert/strict";
import { liveStates } from "../../core/unique.ts";
import { completed, counts, discarded, open, withCallbacks } from "./batch-scene.ts";
import { type Ending, newJob, newJobs, someError } from "./scene.ts";
import type { Suite } from "./suite.ts";

/** Every way into a final state, and out of one. */
export function counting(suite: Suite): void {
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
