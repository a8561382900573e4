import assert from "node:assert/strict";
import { ids, newJobs } from "./scene.ts";
import type { Suite } from "./suite.ts";

/** Sharing: a store says where others find it, and goes there where it must without anybody noticing. */
export function sharing(suite: Suite): void {
  suite.test("who shares a store moves it at most once, and may ask again", async (scene) => {
    const { shared } = scene.store.capabilities;
    const [first, second] = await Promise.all([scene.store.share(), scene.store.share()]);
    assert.deepEqual([first.moved, second.moved], [!shared, false]);
    assert.equal(first.url, second.url);
    assert.equal(first.temporary, !scene.store.capabilities.persistent);
    assert.equal(scene.store.capabilities.shared, true);
  });

  suite.test("jobs, leases, tokens and workers are the same before and after", async (scene) => {
    const running = await scene.running();
    await scene.insert(...newJobs(3), ...newJobs(1, { delayMs: 60_000 }));
    const before = [await scene.all(), await scene.store.workers.list({}), await scene.store.queues.stats({})];
    await scene.store.share();
    assert.deepEqual(
      [await scene.all(), await scene.store.workers.list({}), await scene.store.queues.stats({})],
      before,
    );
    assert.deepEqual(await scene.store.workers.findDead({}), []);
    assert.deepEqual(await scene.store.jobs.abandoned({ limit: 10 }), []);
    assert.deepEqual(await scene.store.jobs.renew({ tokens: [running.token], leaseMs: 1_000 }), {
      lost: [],
      cancelled: [],
    });
    const next = await scene.claimOne();
    assert.ok(next.token > running.token, "tokens go on growing");
    await scene.end(running, { to: "completed", result: '"done"' });
    assert.deepEqual(await scene.settle([running], { to: "completed", result: null }), ["lost"]);
    await scene.clock.advance("1m");
    assert.equal(await scene.promote(), 1);
  });

  suite.test("what is asked for around it is done once, before or after", async (scene) => {
    await scene.worker();
    const [first, , second, claimed] = await Promise.all([
      scene.insert(...newJobs(5)),
      scene.store.share(),
      scene.insert(...newJobs(5)),
      scene.claim({ limit: 100 }),
    ]);
    const inserted = ids([...first.jobs, ...second.jobs]);
    assert.deepEqual(ids(await scene.all()).sort(), inserted.sort());
    const rest = await scene.claim({ limit: 100 });
    assert.deepEqual(ids([...claimed, ...rest]).sort(), inserted);
  });
}
