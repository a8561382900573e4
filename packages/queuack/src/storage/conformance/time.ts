import assert from "node:assert/strict";
import { ids, newJob, newJobs, type Scene, someError } from "./scene.ts";
import type { Suite } from "./suite.ts";

const nothing = { promoted: 0, expired: [], nextInMs: null };

/** What happens because time has come. */
export function time(suite: Suite): void {
  suite.test("a scheduled job is available from its time on, not a millisecond earlier", async (scene) => {
    const id = await scene.job({ delayMs: 1_000 });
    assert.deepEqual(await promote(scene), { promoted: 0, expired: [], nextInMs: 1_000 });
    await scene.clock.advance(999);
    assert.deepEqual(await promote(scene), { promoted: 0, expired: [], nextInMs: 1 });
    assert.equal(await scene.state(id), "scheduled");
    await scene.clock.advance(1);
    assert.deepEqual(await promote(scene), { ...nothing, promoted: 1 });
    assert.equal(await scene.state(id), "available");
    assert.deepEqual(await promote(scene), nothing);
  });

  suite.test("a retryable job is available from its time on, under its attempt", async (scene) => {
    const job = await scene.running();
    await scene.end(job, { to: "retryable", delayMs: 500, outcome: "failed", error: someError });
    assert.deepEqual(await promote(scene), { promoted: 0, expired: [], nextInMs: 500 });
    await scene.clock.advance(500);
    assert.deepEqual(await promote(scene), { ...nothing, promoted: 1 });
    assert.equal((await scene.claimOne()).attempt, 2);
  });

  suite.test("nothing is due in an empty store, and what is pending has no time", async (scene) => {
    assert.deepEqual(await promote(scene), nothing);
    await scene.insert(newJob(), newJob({ waitingFor: "x", delayMs: 10 }));
    assert.deepEqual(await promote(scene), nothing);
    await scene.clock.advance(10);
    assert.deepEqual(await promote(scene), nothing);
  });

  suite.test("no more than asked for, the earliest first, and the rest is due now", async (scene) => {
    const jobs = [30, 10, 20, 10, 40].map((delayMs) => newJob({ delayMs }));
    await scene.insert(...jobs);
    await scene.clock.advance(30);
    const { promoted, nextInMs } = await scene.store.jobs.promote({ limit: 2 });
    assert.deepEqual([promoted, nextInMs], [2, 0]);
    const [late, early] = ["scheduled", "available"];
    assert.deepEqual(await scene.states(ids(jobs)), [late, early, late, early, late]);
    assert.deepEqual(await promote(scene, 2), { promoted: 2, expired: [], nextInMs: 10 });
  });

  suite.test("a thousand fall due at once and come in their order", async (scene) => {
    await scene.worker();
    const jobs = newJobs(1_000, { delayMs: 60_000 });
    await scene.insert(...jobs);
    await scene.clock.advance("1h");
    assert.equal(await scene.promote(5_000), 1_000);
    assert.deepEqual(ids(await scene.claim({ limit: 1_000 })), ids(jobs));
  });

  suite.test("who waits too long is discarded as expired, wherever it waits", async (scene) => {
    const jobs = [{}, { delayMs: 90 }, { waitingFor: "x" }, { delayMs: 200, expiresInMs: 300 }].map((over) =>
      newJob({ expiresInMs: 100, ...over }),
    );
    await scene.insert(...jobs);
    await scene.clock.advance(99);
    assert.deepEqual(await promote(scene), { promoted: 1, expired: [], nextInMs: 1 });
    await scene.clock.advance(1);
    const reply = await promote(scene);
    assert.deepEqual([...reply.expired].sort(), ids(jobs).slice(0, 3).sort());
    assert.equal(reply.nextInMs, 100);
    assert.deepEqual(await scene.states(ids(jobs)), ["discarded", "discarded", "discarded", "scheduled"]);
    const { outcome, finishedAt, attempt } = await scene.get(jobs[0]?.id as string);
    assert.deepEqual([outcome, finishedAt, attempt], ["expired", scene.clock.now(), 0]);
    assert.deepEqual((await promote(scene)).expired, [], "told once");
  });

  suite.test("a job that has started does not expire: neither running nor retryable nor held back", async (scene) => {
    await scene.worker();
    const jobs = newJobs(3, { expiresInMs: 100 });
    await scene.insert(...jobs);
    const [running, retryable, ready] = await scene.claim();
    assert.ok(running && retryable && ready);
    await scene.end(retryable, { to: "retryable", delayMs: 500, outcome: "failed", error: someError });
    await scene.end(ready, { to: "retryable", delayMs: 0, outcome: "failed", error: someError });
    await scene.clock.advance(200);
    const { expired, promoted, nextInMs } = await promote(scene);
    assert.deepEqual([expired, promoted, nextInMs], [[], 0, 300]);
    assert.deepEqual(await scene.states(ids(jobs)), ["running", "retryable", "available"]);
    assert.deepEqual(ids(await scene.claim()), [ready.id], "nor at its next turn");
    await scene.end(running, { to: "completed", result: null });
  });

  suite.test("a released job that no attempt has consumed still expires", async (scene) => {
    const job = await scene.running({ expiresInMs: 100 });
    await scene.end(job, { to: "released", delayMs: 0 });
    await scene.clock.advance(100);
    assert.deepEqual((await promote(scene)).expired, [job.id]);
  });

  suite.test(
    "an operator's retry has no expiry any more, of an expired job or of one that ended before",
    async (scene) => {
      const jobs = newJobs(2, { expiresInMs: 100 });
      await scene.insert(...jobs);
      await scene.store.jobs.change({ ids: ids(jobs).slice(0, 1), change: { kind: "cancel" } });
      await scene.store.jobs.change({ ids: ids(jobs).slice(0, 1), change: { kind: "retry" } });
      await scene.clock.advance(100);
      assert.deepEqual((await promote(scene)).expired, ids(jobs).slice(1));
      await scene.store.jobs.change({ ids: ids(jobs), change: { kind: "retry" } });
      await scene.clock.advance(1_000);
      assert.deepEqual(await promote(scene), nothing);
      for (const { state, expiresAt, generation } of await scene.all()) {
        assert.deepEqual([state, expiresAt, generation], ["available", null, 2]);
      }
    },
  );

  suite.test("no more expire at once than asked for", async (scene) => {
    await scene.insert(...newJobs(7, { expiresInMs: 10 }));
    await scene.clock.advance(10);
    const found: number[] = [];
    for (let n = 0; n < 4; n++) found.push((await scene.store.jobs.promote({ limit: 3 })).expired.length);
    assert.deepEqual(found, [3, 3, 1, 0]);
  });

  suite.test("a clock that is set back makes nobody wait for what was available already", async (scene) => {
    await scene.worker();
    const id = await scene.job({ delayMs: 1_000 });
    await scene.clock.advance(1_000);
    await scene.promote();
    scene.clock.set(scene.clock.now() - 86_400_000);
    assert.equal(await scene.state(id), "available");
    assert.deepEqual(ids(await scene.claim()), [id]);
  });
}

function promote(scene: Scene, limit = 1_000) {
  return scene.store.jobs.promote({ limit });
}
