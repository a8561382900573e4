import assert from "node:assert/strict";
import { newJobs } from "./scene.ts";
import type { Suite } from "./suite.ts";

const vitals = { running: 3, cpu: 0.5, memoryBytes: 1_000_000, loopDelayMs: 1.5 };
const info = { id: "w", host: "ü", pid: 7, tasks: ["a", "b"], queues: ["q"], concurrency: 4 };

/** Workers: who is there. */
export function workers(suite: Suite): void {
  suite.test("a worker is known as it introduces itself, with the figures of its last beat", async (scene) => {
    const startedAt = scene.clock.now();
    await scene.store.workers.register({ worker: info });
    const first = { ...info, state: "running", startedAt, beatAt: startedAt, vitals: null };
    assert.deepEqual(await scene.store.workers.list({}), [first]);
    await scene.clock.advance(500);
    assert.equal(await scene.store.workers.beat({ id: "w", vitals }), true);
    assert.deepEqual(await scene.store.workers.list({}), [{ ...first, beatAt: startedAt + 500, vitals }]);
    assert.equal(await scene.store.workers.beat({ id: "w", vitals: null }), true);
  });

  suite.test("a beat of somebody unknown, or who has left, is answered with no", async (scene) => {
    assert.equal(await scene.store.workers.beat({ id: "w", vitals }), false);
    await scene.store.workers.register({ worker: info });
    await scene.store.workers.deregister({ id: "w" });
    assert.equal(await scene.store.workers.beat({ id: "w", vitals }), false);
    assert.equal((await scene.store.workers.list({}))[0]?.state, "stopped");
    await scene.store.workers.deregister({ id: "nobody" });
  });

  suite.test("who introduces itself again is there again, and once", async (scene) => {
    const worker = { ...info, concurrency: 9 };
    await scene.store.workers.register({ worker: info });
    await scene.store.workers.deregister({ id: "w" });
    await scene.store.workers.register({ worker });
    const found = await scene.store.workers.list({});
    assert.deepEqual(
      found.map(({ state, concurrency }) => [state, concurrency]),
      [["running", 9]],
    );
  });

  suite.test("nobody is dead whose process lives, however long it is silent", async (scene) => {
    await scene.store.workers.register({ worker: info });
    await scene.clock.advance("1d");
    assert.deepEqual(await scene.store.workers.findDead({}), []);
  });

  suite.test("the name of a worker stays with what it has done", async (scene) => {
    await scene.worker();
    await scene.insert(...newJobs(1));
    const job = await scene.claimOne();
    await scene.end(job, { to: "completed", result: null });
    await scene.store.workers.deregister({ id: "w1" });
    assert.equal((await scene.get(job.id)).worker, "w1");
  });

  suite.testIf("shared", "who goes without a word is dead, and may come back", async (scene) => {
    const [one, two] = [await scene.second(), await scene.second()];
    await one.workers.register({ worker: { ...info, id: "one" } });
    await one.workers.register({ worker: { ...info, id: "one, too" } });
    await two.workers.register({ worker: { ...info, id: "two" } });
    await scene.store.workers.register({ worker: info });
    assert.deepEqual(await scene.store.workers.findDead({}), []);
    await one.close();
    assert.deepEqual([...(await two.workers.findDead({}))].sort(), ["one", "one, too"]);
    assert.equal(await scene.store.workers.beat({ id: "one", vitals }), false);
    await scene.insert(...newJobs(1));
    assert.deepEqual(await scene.claim({ worker: "one" }), [], "the dead lease nothing");
    await scene.store.workers.register({ worker: { ...info, id: "one" } });
    assert.equal((await scene.claim({ worker: "one" })).length, 1);
    assert.deepEqual(await scene.store.workers.findDead({}), []);
  });

  suite.testIf("shared", "who takes its leave and then closes is not dead", async (scene) => {
    const other = await scene.second();
    await other.workers.register({ worker: info });
    await other.workers.deregister({ id: "w" });
    await other.close();
    assert.deepEqual(await scene.store.workers.findDead({}), []);
  });

  suite.testIf("shared", "what another handle commits is heard of", async (scene) => {
    const other = await scene.second();
    const heard = new Promise<void>((resolve) => {
      const stop = scene.store.onForeignCommit(() => {
        stop();
        resolve();
      });
    });
    await other.jobs.insert({ jobs: newJobs(1) });
    await heard;
  });
}
