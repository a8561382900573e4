import assert from "node:assert/strict";
import { ids, leaseMs, newJobs, type Scene, someError } from "./scene.ts";
import type { Suite } from "./suite.ts";

/** How a lease lives, and how it is seen that nobody stands behind it. */
export function leases(suite: Suite): void {
  suite.test("a lease that is renewed goes on, one that is not runs out", async (scene) => {
    await scene.worker();
    await scene.insert(...newJobs(2));
    const [kept, silent] = await scene.claim();
    assert.ok(kept && silent);
    await scene.clock.advance(leaseMs - 1);
    assert.deepEqual(await abandoned(scene), []);
    assert.deepEqual(await renew(scene, kept.token), { lost: [], cancelled: [] });
    assert.equal((await scene.get(kept.id)).leaseUntil, scene.clock.now() + leaseMs);
    assert.equal((await scene.get(silent.id)).leaseUntil, scene.clock.now() + 1);
    await scene.clock.advance(1);
    assert.deepEqual(await abandoned(scene), [[silent.token, "silent"]]);
    await scene.clock.advance(leaseMs);
    assert.deepEqual(await abandoned(scene), [
      [kept.token, "silent"],
      [silent.token, "silent"],
    ]);
  });

  suite.test("a renewal sets the time anew, shorter or longer", async (scene) => {
    const { id, token } = await scene.running();
    for (const ms of [90_000, 1_000]) {
      await scene.store.jobs.renew({ tokens: [token], leaseMs: ms });
      assert.equal((await scene.get(id)).leaseUntil, scene.clock.now() + ms);
    }
  });

  suite.test("who comes back before anybody acted on its silence still holds the lease", async (scene) => {
    const job = await scene.running();
    await scene.clock.advance(leaseMs * 3);
    assert.deepEqual(await renew(scene, job.token), { lost: [], cancelled: [] });
    assert.deepEqual(await abandoned(scene), []);
    await scene.clock.advance(leaseMs * 3);
    await scene.end(job, { to: "completed", result: null });
    assert.deepEqual(await abandoned(scene), []);
  });

  suite.test("of many tokens each is answered for itself", async (scene) => {
    await scene.worker();
    await scene.insert(...newJobs(4));
    const [one, two, three, four] = await scene.claim();
    assert.ok(one && two && three && four);
    await scene.end(two, { to: "completed", result: null });
    await scene.store.jobs.change({ ids: [three.id], change: { kind: "cancel" } });
    const tokens = [four.token, 12_345, two.token, three.token, one.token];
    const { lost, cancelled } = await scene.store.jobs.renew({ tokens, leaseMs });
    assert.deepEqual(lost, [12_345, two.token]);
    assert.deepEqual(cancelled, [three.token]);
    assert.deepEqual(await scene.store.jobs.renew({ tokens: [], leaseMs }), { lost: [], cancelled: [] });
  });

  suite.test("a wish to cancel is told with every renewal until the lease ends", async (scene) => {
    const job = await scene.running();
    const cancel = () => scene.store.jobs.change({ ids: [job.id], change: { kind: "cancel" } });
    assert.equal((await scene.get(job.id)).cancelRequested, false);
    assert.deepEqual([await cancel(), await cancel()], [["requested"], ["requested"]]);
    assert.equal((await scene.get(job.id)).cancelRequested, true);
    for (let beat = 0; beat < 3; beat++) {
      assert.deepEqual(await renew(scene, job.token), { lost: [], cancelled: [job.token] });
    }
    await scene.end(job, { to: "cancelled" });
    assert.deepEqual(await renew(scene, job.token), { lost: [job.token], cancelled: [] });
  });

  suite.test("the leases of a worker that takes its leave are abandoned at once", async (scene) => {
    const job = await scene.running();
    await scene.worker("w2");
    const other = await scene.job();
    assert.deepEqual(ids(await scene.claim({ worker: "w2" })), [other]);
    await scene.store.workers.deregister({ id: "w1" });
    assert.deepEqual(await abandoned(scene), [[job.token, "dead"]]);
    await scene.end(job, { to: "completed", result: null });
    assert.deepEqual(await abandoned(scene), []);
  });

  suite.test("an abandoned lease comes with all that is needed to decide about its job", async (scene) => {
    const retry = { backoff: "fixed", baseMs: 1, capMs: 2, factor: 1, jitter: "none" } as const;
    const first = await scene.running({ retry, maxAttempts: 2 });
    await scene.end(first, { to: "retryable", delayMs: 0, outcome: "failed", error: someError });
    const { id, token } = await scene.claimOne();
    await scene.store.jobs.change({ ids: [id], change: { kind: "cancel" } });
    await scene.clock.advance(leaseMs);
    assert.deepEqual(await scene.store.jobs.abandoned({ limit: 10 }), [
      { token, id, attempt: 2, maxAttempts: 2, retry, cancelRequested: true, worker: "w1", reason: "silent" },
    ]);
  });

  suite.test("no more abandoned leases than asked for, the oldest first", async (scene) => {
    await scene.worker();
    await scene.insert(...newJobs(5));
    const tokens = (await scene.claim()).map(({ token }) => token);
    await scene.clock.advance(leaseMs);
    const found = await scene.store.jobs.abandoned({ limit: 3 });
    assert.deepEqual(
      found.map(({ token }) => token),
      tokens.slice(0, 3),
    );
  });

  suite.testIf("shared", "the leases of a handle that went without a word are abandoned at once", async (scene) => {
    const other = await scene.second();
    await scene.worker("gone", other);
    await scene.worker();
    await scene.insert(...newJobs(2));
    const left = await scene.claimOne({ worker: "gone" }, other);
    await scene.claimOne();
    assert.deepEqual(await scene.store.workers.findDead({}), []);
    await other.close();
    assert.deepEqual(await scene.store.workers.findDead({}), ["gone"]);
    assert.deepEqual(await abandoned(scene), [[left.token, "dead"]]);
    assert.deepEqual(await scene.store.workers.findDead({}), [], "told once");
  });
}

async function abandoned(scene: Scene) {
  return (await scene.store.jobs.abandoned({ limit: 100 })).map(({ token, reason }) => [token, reason]);
}

function renew(scene: Scene, token: number) {
  return scene.store.jobs.renew({ tokens: [token], leaseMs });
}
