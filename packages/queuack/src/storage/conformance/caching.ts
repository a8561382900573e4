import assert from "node:assert/strict";
import type { CacheAddress, CacheKeeping } from "../../core/cache.ts";
import type { NewJob } from "../../core/job.ts";
import { newJob, type Scene } from "./scene.ts";
import type { Suite } from "./suite.ts";

/** The results that completed jobs leave for later ones. */
export function caching(suite: Suite): void {
  suite.test(
    "a result is kept with the completion that brings it, under the tenant and task of its job",
    async (scene) => {
      await keep(scene, "1", {}, { tenant: "acme", task: "work" });
      await keep(scene, null, { key: "other" });
      assert.deepEqual(
        await scene.store.cache.find({
          entries: [
            at({ tenant: "acme" }),
            at({}),
            at({ key: "other" }),
            at({ tenant: "acme", task: "play" }),
            at({ tenant: "acme" }),
          ],
        }),
        [{ result: "1" }, null, { result: null }, null, { result: "1" }],
      );
      assert.deepEqual(await scene.store.cache.find({ entries: [] }), []);
    },
  );

  suite.test("a completion without a keeping leaves nothing, and what was kept stays", async (scene) => {
    await keep(scene, "1");
    await scene.end(await scene.running(), { to: "completed", result: "2" });
    assert.deepEqual(await find(scene), { result: "1" });
  });

  suite.test("nothing is kept of a completion that is lost", async (scene) => {
    const job = await scene.running();
    const completed = { to: "completed", result: "1", cache: keeping() } as const;
    const { id, token } = job;
    const late = { id, token: token + 1_000_000, ...completed };
    assert.deepEqual(await scene.store.jobs.settle({ settlements: [late] }), ["lost"]);
    assert.equal(await find(scene), null);
    await scene.end(job, completed);
    assert.deepEqual(await scene.settle([job], { ...completed, result: "2" }), ["lost"]);
    assert.deepEqual(await find(scene), { result: "1" });
  });

  suite.test("a result may be used until its time has passed, whatever became of its job", async (scene) => {
    const id = await keep(scene, "1", { ttlMs: 1_000 });
    await scene.store.jobs.remove({ filter: { ids: [id] }, limit: 1 });
    await scene.clock.advance(999);
    assert.deepEqual(await find(scene), { result: "1" });
    await scene.clock.advance(1);
    assert.equal(await find(scene), null);
  });

  suite.test("a later result takes the place of an earlier one, with its own time and version", async (scene) => {
    await keep(scene, "1", { ttlMs: 1_000 });
    await keep(scene, "2", { ttlMs: 5_000, version: "b" });
    await scene.clock.advance(2_000);
    assert.equal(await find(scene), null, "the version is another");
    assert.deepEqual(await find(scene, { version: "b" }), { result: "2" });
    await keep(scene, "3", { ttlMs: 1_000 });
    assert.equal(await find(scene, { version: "b" }), null);
    assert.deepEqual(await find(scene), { result: "3" });
  });

  suite.test("one key is dropped, or all of a task, whatever their version", async (scene) => {
    for (const key of ["a", "b", "c"]) await keep(scene, "1", { key, version: key });
    await keep(scene, "1", { key: "a" }, { tenant: "acme" });
    await keep(scene, "1", { key: "a" }, { task: "play" });
    const drop = (key?: string) => scene.store.cache.drop({ tenant: "default", task: "work", key });
    assert.equal(await drop("a"), 1);
    assert.equal(await drop("a"), 0);
    assert.equal(await find(scene, { key: "a", version: "a" }), null);
    assert.deepEqual(await find(scene, { key: "b", version: "b" }), { result: "1" });
    assert.equal(await drop(), 2);
    assert.equal(await find(scene, { key: "b", version: "b" }), null);
    assert.deepEqual(await find(scene, { key: "a", tenant: "acme" }), { result: "1" });
    assert.deepEqual(await find(scene, { key: "a", task: "play" }), { result: "1" });
  });

  suite.test("what has expired is pruned, at most as much as is asked for, and the rest is left", async (scene) => {
    await keepMany(scene, 200, { ttlMs: 1_000 });
    await keep(scene, "1", { key: "lasting", ttlMs: 5_000 });
    assert.equal(await scene.store.cache.prune({ limit: 10 }), 0);
    await scene.clock.advance(1_000);
    const prune = (limit: number) => scene.store.cache.prune({ limit });
    assert.deepEqual([await prune(10), await prune(128), await prune(1_000), await prune(1_000)], [10, 128, 62, 0]);
    assert.deepEqual(await find(scene, { key: "lasting" }), { result: "1" });
  });

  suite.test("many are dropped at once", async (scene) => {
    await keepMany(scene, 300);
    assert.equal(await scene.store.cache.drop({ tenant: "default", task: "work" }), 300);
    assert.equal(await scene.store.cache.drop({ tenant: "default", task: "work" }), 0);
  });

  suite.testIf("persistent", "what was kept is there after reopening", async (scene) => {
    await keep(scene, '{"a":1}');
    await scene.reopen();
    assert.deepEqual(await find(scene), { result: '{"a":1}' });
  });

  suite.testIf("shared", "another handle sees what was kept, and what was dropped", async (scene) => {
    const other = await scene.second();
    await keep(scene, "1");
    assert.deepEqual(await other.cache.find({ entries: [at({})] }), [{ result: "1" }]);
    assert.equal(await other.cache.drop({ tenant: "default", task: "work", key: "k" }), 1);
    assert.equal(await find(scene), null);
  });
}

function keeping(over: Partial<CacheKeeping> = {}): CacheKeeping {
  return { key: "k", version: "", ttlMs: 60_000, ...over };
}

function at(over: Partial<CacheAddress>): CacheAddress {
  return { tenant: "default", task: "work", key: "k", version: "", ...over };
}

async function find(scene: Scene, over: Partial<CacheAddress> = {}) {
  return (await scene.store.cache.find({ entries: [at(over)] }))[0];
}

/** Completes a job whose result is kept; its id. */
async function keep(
  scene: Scene,
  result: string | null,
  over: Partial<CacheKeeping> = {},
  job: Partial<NewJob> = {},
): Promise<string> {
  const claimed = await scene.running(job);
  await scene.end(claimed, { to: "completed", result, cache: keeping(over) });
  return claimed.id;
}

/** Completes jobs with a result for a key each. */
async function keepMany(scene: Scene, count: number, over: Partial<CacheKeeping> = {}): Promise<void> {
  await scene.worker();
  await scene.insert(...Array.from({ length: count }, () => newJob()));
  const claimed = await scene.claim({ limit: count });
  const settlements = claimed.map(({ id, token }, n) => ({
    id,
    token,
    to: "completed" as const,
    result: "1",
    cache: keeping({ key: `many ${n}`, ...over }),
  }));
  await scene.store.jobs.settle({ settlements });
}
