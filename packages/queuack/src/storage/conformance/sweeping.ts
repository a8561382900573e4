import assert from "node:assert/strict";
import { type Ending, ids, newJob, newJobs, type Scene, someError } from "./scene.ts";
import type { Suite } from "./suite.ts";

const retention = { completedMs: 1_000, discardedMs: 5_000 };

/** How what is over is deleted, and its space given back. */
export function sweeping(suite: Suite): void {
  suite.test("final jobs are kept for their time: completed ones the shorter, the others the longer", async (scene) => {
    const completed = await ended(scene, { to: "completed", result: null });
    const discarded = await ended(scene, { to: "discarded", outcome: "failed", error: someError });
    const cancelled = await ended(scene, { to: "cancelled" });
    const living = [await scene.job(), await scene.job({ delayMs: 99_999 }), await scene.job({ waitingFor: "x" })];
    const prune = () => scene.store.queues.prune({ retention, limit: 100 });
    await scene.clock.advance(1_000);
    assert.equal(await prune(), 0, "its time is not over yet");
    await scene.clock.advance(1);
    assert.equal(await prune(), 1);
    assert.deepEqual(await scene.states([completed, discarded, cancelled]), [null, "discarded", "cancelled"]);
    await scene.clock.advance(4_000);
    assert.equal(await prune(), 2);
    await scene.clock.advance("30d");
    assert.equal(await prune(), 0);
    assert.deepEqual(await scene.states(living), ["available", "scheduled", "pending"]);
  });

  suite.test("a queue with a retention of its own follows that", async (scene) => {
    const settings = { retention: { completedMs: 10, discardedMs: 20_000 } };
    await scene.store.queues.configure({ tenant: "default", queue: "own", settings });
    const results: Ending[] = [
      { to: "completed", result: null },
      { to: "discarded", outcome: "failed", error: someError },
    ];
    const jobs: string[] = [];
    for (const queue of ["own", "default"]) for (const ending of results) jobs.push(await ended(scene, ending, queue));
    await scene.clock.advance(500);
    await scene.store.queues.prune({ retention, limit: 100 });
    assert.deepEqual(await scene.states(jobs), [null, "discarded", "completed", "discarded"]);
    await scene.clock.advance(10_000);
    await scene.store.queues.prune({ retention, limit: 100 });
    assert.deepEqual(await scene.states(jobs), [null, "discarded", null, null]);
  });

  suite.test("no more at once than asked for, and what was given a new life is left", async (scene) => {
    await scene.insert(...newJobs(9));
    const all = ids(await scene.all());
    await scene.store.jobs.change({ ids: all, change: { kind: "cancel" } });
    await scene.clock.advance(6_000);
    await scene.store.jobs.change({ ids: all.slice(0, 2), change: { kind: "retry" } });
    const swept: number[] = [];
    for (let n = 0; n < 4; n++) swept.push(await scene.store.queues.prune({ retention, limit: 3 }));
    assert.deepEqual(swept, [3, 3, 1, 0]);
    assert.equal((await scene.all()).length, 2);
  });

  suite.test("a retry and a sweep at the same time: the job either lives or is gone", async (scene) => {
    const jobs: string[] = [];
    for (let n = 0; n < 20; n++) jobs.push(await scene.job());
    await scene.store.jobs.change({ ids: jobs, change: { kind: "cancel" } });
    await scene.clock.advance(6_000);
    const [, replies] = await Promise.all([
      scene.store.queues.prune({ retention, limit: 100 }),
      scene.store.jobs.change({ ids: jobs, change: { kind: "retry" } }),
    ]);
    const states = await scene.states(jobs);
    assert.deepEqual(
      states.map((state) => (state === null ? "missing" : "changed")),
      replies,
    );
  });

  suite.test("space that was used and is free again is given back", async (scene) => {
    const input = JSON.stringify("x".repeat(20_000));
    for (let n = 0; n < 10; n++) await scene.insert(...newJobs(20, { input }));
    assert.equal(await scene.store.jobs.remove({ filter: {}, limit: 1_000 }), 200);
    const bytes = await scene.store.compact();
    assert.ok(bytes > 2_000_000, `${bytes} bytes of about 4 million`);
    assert.equal(await scene.store.compact(), 0);
    await scene.insert(newJob());
  });
}

/** A job that ended in this way. */
async function ended(scene: Scene, ending: Ending, queue = "default"): Promise<string> {
  const job = await scene.running({ queue });
  await scene.end(job, ending);
  return job.id;
}
