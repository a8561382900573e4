import assert from "node:assert/strict";
import { QueuackError } from "../../core/errors.ts";
import type { NewJob } from "../../core/job.ts";
import { ids, newJob, newJobs, type Scene, someError } from "./scene.ts";
import type { Suite } from "./suite.ts";

/** How a queue refuses more than it is to hold, and loses nothing by it. */
export function limits(suite: Suite): void {
  suite.test("what would fill a queue above its limit is refused whole, and nothing of it stays", async (scene) => {
    await insertWithin(scene, 5, newJobs(3));
    await assert.rejects(
      insertWithin(scene, 5, [newJob({ queue: "other" }), ...newJobs(3, { idempotencyKey: undefined })]),
      (error) => {
        assert.ok(error instanceof QueuackError && error.code === "QUEUACK_QUEUE_FULL");
        assert.deepEqual(error.details, { tenant: "default", queue: "default", limit: 5, waiting: 6 });
        return true;
      },
    );
    assert.equal((await scene.all()).length, 3);
    const { waiting } = await insertWithin(scene, 5, newJobs(2));
    assert.deepEqual(waiting, [{ tenant: "default", queue: "default", waiting: 5, warnAt: null }]);
  });

  suite.test("a refused job comes in under the same id and key once there is room", async (scene) => {
    const job = newJob({ idempotencyKey: "k", task: "never seen" });
    await insertWithin(scene, 1, [newJob()]);
    await refused(insertWithin(scene, 1, [job]));
    assert.deepEqual(await scene.states([job.id]), [null]);
    assert.equal((await insertWithin(scene, 2, [job])).jobs[0]?.duplicate, false);
  });

  suite.test("every waiting state counts, and neither the running nor the final ones", async (scene) => {
    const started = await scene.running();
    await scene.end(await scene.running(), { to: "completed", result: null });
    await scene.end(await scene.running(), { to: "retryable", delayMs: 1_000, outcome: "failed", error: someError });
    await insertWithin(scene, 4, [newJob(), newJob({ delayMs: 1_000 }), newJob({ waitingFor: "x" })]);
    await refused(insertWithin(scene, 4, [newJob()]));
    assert.equal(await scene.state(started.id), "running");
  });

  suite.test("a queue is known by its tenant and its name", async (scene) => {
    await insertWithin(scene, 1, [newJob(), newJob({ tenant: "acme" }), newJob({ queue: "mail" })]);
    await refused(insertWithin(scene, 1, [newJob({ tenant: "acme", task: "another" })]));
  });

  suite.test("a queue's own limit comes before the default one, larger or smaller", async (scene) => {
    const configure = (queue: string, limit: number) =>
      scene.store.queues.configure({
        tenant: "default",
        queue,
        settings: { backpressure: { warnAt: 2, limit, onLimit: "refuse" } },
      });
    await configure("small", 1);
    await configure("large", 3);
    await refused(insertWithin(scene, 2, newJobs(2, { queue: "small" })));
    const { waiting } = await insertWithin(scene, 2, newJobs(3, { queue: "large" }));
    assert.deepEqual(waiting, [{ tenant: "default", queue: "large", waiting: 3, warnAt: 2 }]);
    await refused(scene.insert(newJob({ queue: "large" })));
    await scene.store.queues.configure({ tenant: "default", queue: "large", settings: { backpressure: null } });
    await refused(insertWithin(scene, 2, [newJob({ queue: "large" })]));
    await scene.insert(newJob({ queue: "large" }));
  });

  suite.test("duplicates need no room", async (scene) => {
    const job = newJob({ idempotencyKey: "k" });
    await insertWithin(scene, 1, [job]);
    const { jobs } = await insertWithin(scene, 1, [job, newJob({ idempotencyKey: "k" })]);
    assert.deepEqual(
      jobs.map(({ id, duplicate }) => [id, duplicate]),
      [
        [job.id, true],
        [job.id, true],
      ],
    );
  });

  suite.test("what was accepted already comes back whatever the limit: released, failed, retried", async (scene) => {
    await scene.worker();
    await insertWithin(scene, 3, newJobs(3));
    const [released, failed, discarded] = await scene.claim();
    assert.ok(released && failed && discarded);
    const newcomers = newJobs(3);
    await insertWithin(scene, 3, newcomers);
    await scene.end(released, { to: "released", delayMs: 0 });
    await scene.end(failed, { to: "retryable", delayMs: 0, outcome: "failed", error: someError });
    await scene.end(discarded, { to: "discarded", outcome: "failed", error: someError });
    await scene.store.jobs.change({ ids: [discarded.id], change: { kind: "retry" } });
    assert.deepEqual(
      await scene.states(ids([released, failed, discarded, ...newcomers])),
      Array.from({ length: 6 }, () => "available"),
    );
    await refused(insertWithin(scene, 3, [newJob()]));
  });
}

function insertWithin(scene: Scene, limit: number, jobs: readonly NewJob[]) {
  return scene.store.jobs.insert({ jobs, limit });
}

async function refused(inserting: Promise<unknown>): Promise<void> {
  await assert.rejects(inserting, { code: "QUEUACK_QUEUE_FULL" });
}
