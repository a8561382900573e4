import assert from "node:assert/strict";
import { type JobState, jobStates, waitingStates } from "../../core/job-state.ts";
import type { QueueStats } from "../../core/stats.ts";
import { newJob, newJobs, type Scene, someError } from "./scene.ts";
import type { Suite } from "./suite.ts";

/** Queues: their switches, their figures, and what is swept out of them. */
export function queues(suite: Suite): void {
  suite.test("the figures are what a recount of the jobs says, in every state", async (scene) => {
    await scene.worker();
    const both = ["default", "mail"].map((queue) => ({ queue, quota: 0 }));
    for (let n = 0; n < 30; n++) {
      const over = {
        queue: n % 2 === 0 ? "default" : "mail",
        tenant: n % 3 === 0 ? "acme" : "default",
        task: `t${n % 4}`,
      };
      await scene.insert(newJob(over), newJob({ ...over, delayMs: 50 }), newJob({ ...over, waitingFor: "x" }));
    }
    await scene.store.jobs.remove({ filter: { states: ["pending"] }, limit: 7 });
    const claimed = await scene.claim({ queues: both, tasks: ["t0", "t1", "t2"], limit: 15 });
    const kinds = [
      { to: "completed", result: null },
      { to: "discarded", outcome: "failed", error: someError },
      { to: "retryable", delayMs: 9, outcome: "failed", error: someError },
      { to: "released", delayMs: 0 },
    ] as const;
    for (const [n, job] of claimed.entries()) {
      const kind = kinds[n % 5];
      if (kind !== undefined) await scene.end(job, kind);
    }
    await scene.store.jobs.change({ ids: claimed.map(({ id }) => id), change: { kind: "cancel" } });
    const stats = await scene.store.queues.stats({});
    assert.deepEqual(
      stats.map(({ tenant, queue }) => `${tenant}/${queue}`),
      ["acme/default", "acme/mail", "default/default", "default/mail"],
    );
    for (const one of stats) {
      const counts = await recount(scene, one);
      assert.deepEqual(one.counts, counts);
      assert.equal(
        one.waiting,
        waitingStates.reduce((sum, state) => sum + counts[state], 0),
      );
    }
  });

  suite.test("figures of one tenant, of one queue, of what is not there", async (scene) => {
    await scene.insert(newJob(), newJob({ queue: "mail" }), newJob({ tenant: "acme" }));
    const named = async (of: { tenant?: string; queue?: string }) =>
      (await scene.store.queues.stats(of)).map(({ tenant, queue }) => `${tenant}/${queue}`);
    assert.deepEqual(await named({ tenant: "default" }), ["default/default", "default/mail"]);
    assert.deepEqual(await named({ queue: "default" }), ["acme/default", "default/default"]);
    assert.deepEqual(await named({ tenant: "acme", queue: "default" }), ["acme/default"]);
    assert.deepEqual(await named({ queue: "none" }), []);
  });

  suite.test("the oldest that waits is found behind any priority and in any task", async (scene) => {
    await scene.worker();
    const start = scene.clock.now();
    await scene.job({ delayMs: 5 });
    assert.equal((await figures(scene)).oldestAvailableAt, null);
    for (const [n, priority] of [40, 90, 60, 0, 40].entries()) {
      await scene.clock.advance(10);
      await scene.insert(newJob({ priority, task: n % 2 === 0 ? "work" : "other" }));
    }
    const oldest = [];
    for (;;) {
      const { oldestAvailableAt } = await figures(scene);
      if (oldestAvailableAt === null) break;
      oldest.push(oldestAvailableAt - start);
      await scene.claimOne({ tasks: ["work", "other"] });
    }
    // They leave as 90, 60, 40, 40, 0.
    assert.deepEqual(oldest, [10, 10, 10, 40, 40]);
  });

  suite.test("rates count what ended in the window, and forget it afterwards", async (scene) => {
    await scene.worker();
    await scene.insert(...newJobs(6));
    const [one, two, three, four, five] = await scene.claim();
    assert.ok(one && two && three && four && five);
    await scene.settle([one, two], { to: "completed", result: null });
    await scene.settle([three], { to: "discarded", outcome: "failed", error: someError });
    await scene.settle([four], { to: "retryable", delayMs: 0, outcome: "failed", error: someError });
    await scene.settle([five], { to: "cancelled" });
    const { recent } = await figures(scene);
    assert.deepEqual([recent.completed, recent.failed], [2, 1]);
    assert.ok(recent.windowMs >= 60_000);
    await scene.clock.advance(recent.windowMs - 60_000);
    assert.equal((await figures(scene)).recent.completed, 2);
    await scene.clock.advance(60_000);
    assert.equal((await figures(scene)).recent.completed, 0);
  });

  suite.test("a pause lasts until it is lifted, and says since when", async (scene) => {
    const pause = (paused: boolean) => scene.store.queues.pause({ tenant: "default", queue: "default", paused });
    const since = scene.clock.now();
    await pause(true);
    await scene.clock.advance(1_000);
    await pause(true);
    assert.equal((await figures(scene)).pausedAt, since, "pausing twice changes nothing");
    assert.equal((await scene.insert(newJob())).jobs[0]?.state, "available", "a paused queue takes jobs in");
    await pause(false);
    await pause(false);
    assert.equal((await figures(scene)).pausedAt, null);
  });

  suite.test("what is configured stays, what is not given is left, null goes back to the default", async (scene) => {
    const backpressure = { warnAt: 1, limit: 2, onLimit: "wait" } as const;
    const retention = { completedMs: 3, discardedMs: 4 };
    const escalation = { afterMs: 5, by: 6 };
    const steps = [
      [{}, { backpressure: null, retention: null, escalation: null }],
      [{ backpressure }, { backpressure, retention: null, escalation: null }],
      [{ retention }, { backpressure, retention, escalation: null }],
      [{ escalation }, { backpressure, retention, escalation }],
      [{}, { backpressure, retention, escalation }],
      [{ backpressure: null }, { backpressure: null, retention, escalation }],
      [{ escalation: null }, { backpressure: null, retention, escalation: null }],
    ] as const;
    for (const [settings, expected] of steps) {
      await scene.store.queues.configure({ tenant: "default", queue: "default", settings });
      assert.deepEqual((await figures(scene)).settings, expected);
    }
  });

  suite.testIf("persistent", "pause, settings and figures are there after reopening", async (scene) => {
    const retention = { completedMs: 3, discardedMs: 4 };
    await scene.store.queues.configure({ tenant: "default", queue: "default", settings: { retention } });
    await scene.store.queues.pause({ tenant: "default", queue: "default", paused: true });
    await scene.insert(...newJobs(3));
    const before = await figures(scene);
    await scene.reopen();
    assert.deepEqual(await figures(scene), before);
  });
}

/** The figures of the default queue. */
async function figures(scene: Scene): Promise<QueueStats> {
  const [stats] = await scene.store.queues.stats({ tenant: "default", queue: "default" });
  assert.ok(stats);
  return stats;
}

async function recount(scene: Scene, { tenant, queue }: QueueStats): Promise<Record<JobState, number>> {
  const jobs = (await scene.all()).filter((job) => job.tenant === tenant && job.queue === queue);
  const count = (state: JobState) => jobs.filter((job) => job.state === state).length;
  return Object.fromEntries(jobStates.map((state) => [state, count(state)])) as Record<JobState, number>;
}
