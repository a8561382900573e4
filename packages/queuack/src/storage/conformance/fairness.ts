import assert from "node:assert/strict";
import type { NewJob } from "../../core/job.ts";
import { ids, newJob, newJobs, type request, type Scene } from "./scene.ts";
import type { Suite } from "./suite.ts";

/** Whose turn it is: groups and tenants share, priorities go first, and waiting raises a priority. */
export function fairness(suite: Suite): void {
  suite.test("a group's thousand jobs do not starve another's ten", async (scene) => {
    await scene.worker();
    await scene.insert(...newJobs(1_000, { group: "big" }));
    await scene.insert(...newJobs(10, { group: "small" }));
    const order = await served(scene, 20, 3, ({ group }) => group);
    assert.equal(order.filter((group) => group === "small").length, 10);
  });

  suite.test("one job at a time shares as evenly as many at once", async (scene) => {
    await scene.worker();
    for (const group of ["a", "b", "c"]) await scene.insert(...newJobs(20, { group }));
    const order = await served(scene, 30, 1, ({ group }) => group);
    for (let n = 0; n < 30; n += 3) assert.deepEqual(order.slice(n, n + 3).sort(), ["a", "b", "c"]);
  });

  suite.test("shares follow the weights", async (scene) => {
    await scene.worker();
    await scene.store.flow.limit({
      tenant: "default",
      scope: { group: "gold" },
      limit: { concurrency: null, rate: null, weight: 3 },
    });
    for (const group of ["gold", "iron"]) await scene.insert(...newJobs(100, { group }));
    const order = await served(scene, 80, 4, ({ group }) => group);
    assert.equal(order.filter((group) => group === "gold").length, 60);
  });

  suite.test("who always has just one job waiting takes no more than its share", async (scene) => {
    await scene.worker();
    await scene.insert(...newJobs(100, { group: "big" }));
    await scene.insert(newJob({ group: "quick" }));
    let quick = 0;
    for (let n = 0; n < 40; n++) {
      if ((await scene.claimOne()).group !== "quick") continue;
      quick++;
      await scene.insert(newJob({ group: "quick" }));
    }
    assert.ok(quick >= 19 && quick <= 21, `${quick} of 40`);
  });

  suite.test("who was idle gets its share from now on, and no arrears", async (scene) => {
    await scene.worker();
    for (const group of ["a", "b"]) await scene.insert(...newJobs(60, { group }));
    await served(scene, 80, 5, ({ group }) => group);
    await scene.insert(...newJobs(40, { group: "late" }));
    const order = await served(scene, 30, 5, ({ group }) => group);
    assert.equal(order.filter((group) => group === "late").length, 10);
  });

  suite.test("a group that a limit kept waiting gets its share from then on, and no arrears", async (scene) => {
    await scene.worker();
    const late = { tenant: "default", scope: { group: "late" } };
    await scene.store.flow.limit({ ...late, limit: { concurrency: 0, rate: null, weight: null } });
    for (const group of ["a", "b", "late"]) await scene.insert(...newJobs(60, { group }));
    await served(scene, 80, 5, ({ group }) => group);
    await scene.store.flow.limit({ ...late, limit: null });
    const order = await served(scene, 30, 5, ({ group }) => group);
    assert.equal(order.filter((group) => group === "late").length, 10);
  });

  suite.test("the jobs without a group share as one", async (scene) => {
    await scene.worker();
    await scene.insert(...newJobs(50), ...newJobs(50, { group: "a" }), ...newJobs(50, { group: "b" }));
    const order = await served(scene, 30, 2, ({ group }) => group);
    assert.equal(order.filter((group) => group === null).length, 10);
  });

  suite.test("a group shares as one over all tasks of its queue", async (scene) => {
    await scene.worker();
    const tasks = ["t1", "t2", "t3"];
    await scene.insert(
      ...tasks.flatMap((task) => newJobs(30, { task, group: "wide" })),
      ...newJobs(30, { task: "t1", group: "narrow" }),
    );
    const order = await served(scene, 40, 2, ({ group }) => group, { tasks });
    assert.equal(order.filter((group) => group === "narrow").length, 20);
  });

  suite.test("a higher priority goes first, whatever group it is of", async (scene) => {
    await scene.worker();
    await scene.insert(...newJobs(5, { group: "a" }), ...newJobs(5, { group: "b", priority: 60 }));
    const order = await served(scene, 10, 3, ({ group }) => group);
    assert.deepEqual(order.slice(0, 5), ["b", "b", "b", "b", "b"]);
  });

  suite.test("within a group the first come is the first served", async (scene) => {
    await scene.worker();
    const jobs = Array.from({ length: 12 }, (_, n) => newJob({ group: n % 3 === 0 ? "a" : "b" }));
    await scene.insert(...jobs);
    const order = await served(scene, 12, 1, ({ id }) => id);
    for (const group of ["a", "b"]) {
      const own = ids(jobs.filter((job) => job.group === group));
      assert.deepEqual(
        order.filter((id) => own.includes(id)),
        own,
      );
    }
  });

  suite.test("tenants share a queue of one name, by weight", async (scene) => {
    await scene.worker();
    await scene.store.flow.limit({
      tenant: "acme",
      scope: {},
      limit: { concurrency: null, rate: null, weight: 2 },
    });
    await scene.insert(...newJobs(200, { tenant: "globex", group: "x" }));
    await scene.insert(...newJobs(20, { tenant: "globex", group: "y" }), ...newJobs(50, { tenant: "acme" }));
    const order = await served(scene, 60, 4, ({ tenant }) => tenant);
    assert.equal(order.filter((tenant) => tenant === "acme").length, 40);
  });

  suite.test("a tenant that was idle gets no arrears", async (scene) => {
    await scene.worker();
    for (const tenant of ["a", "b"]) await scene.insert(...newJobs(60, { tenant }));
    await served(scene, 80, 5, ({ tenant }) => tenant);
    await scene.insert(...newJobs(40, { tenant: "late" }));
    const order = await served(scene, 30, 5, ({ tenant }) => tenant);
    assert.equal(order.filter((tenant) => tenant === "late").length, 10);
  });

  suite.test("many groups with a few jobs each are all served, none twice before another once", async (scene) => {
    await scene.worker();
    const groups = Array.from({ length: 200 }, (_, n) => `g${n}`);
    for (const round of [1, 2]) await scene.insert(...groups.map((group) => newJob({ group, input: String(round) })));
    const order = await served(scene, 400, 7, ({ group }) => group as string);
    assert.equal(new Set(order.slice(0, 200)).size, 200);
    assert.deepEqual(await scene.claim(), []);
  });

  suite.test("a job that has waited long enough rises, again and again, up to the top", async (scene) => {
    await scene.worker();
    await escalate(scene, { afterMs: 1_000, by: 30 });
    const old = newJob({ priority: 10 });
    await scene.insert(old);
    await scene.clock.advance(999);
    await scene.insert(newJob({ priority: 35 }));
    assert.deepEqual([await scene.promote(), (await scene.get(old.id)).priority], [0, 10]);
    await scene.clock.advance(1);
    assert.deepEqual([await scene.promote(), (await scene.get(old.id)).priority], [0, 40]);
    assert.equal((await scene.claimOne()).id, old.id, "before the younger one");
    await scene.end({ ...(await scene.claimOne()) }, { to: "completed", result: null });
    const other = newJob({ priority: 15 });
    await scene.insert(other);
    const priorities: number[] = [];
    for (let n = 0; n < 4; n++) {
      await scene.clock.advance(1_000);
      await scene.promote();
      priorities.push((await scene.get(other.id)).priority);
    }
    assert.deepEqual(priorities, [45, 75, 100, 100]);
  });

  suite.test("waiting counts from when it could start, not from what it did before", async (scene) => {
    await scene.worker();
    await escalate(scene, { afterMs: 1_000, by: 30 });
    const id = await scene.job({ priority: 10 });
    await scene.clock.advance(900);
    await scene.end(await scene.claimOne(), { to: "released", delayMs: 0 });
    await scene.clock.advance(900);
    await scene.promote();
    assert.equal((await scene.get(id)).priority, 10);
    await scene.clock.advance(100);
    await scene.promote();
    assert.equal((await scene.get(id)).priority, 40);
  });

  suite.test("what waits already rises when it is asked for, and no longer when it is taken back", async (scene) => {
    await scene.worker();
    const waiting = newJobs(600, { priority: 10 });
    await scene.insert(...waiting);
    await scene.clock.advance(5_000);
    await escalate(scene, { afterMs: 5_000, by: 7 });
    await scene.promote(10_000);
    const last = waiting.at(-1)?.id as string;
    assert.equal((await scene.get(last)).priority, 17);
    await escalate(scene, null);
    await scene.clock.advance(5_000);
    await scene.promote(10_000);
    assert.equal((await scene.get(last)).priority, 17);
  });
}

function escalate(scene: Scene, escalation: { afterMs: number; by: number } | null): Promise<void> {
  return scene.store.queues.configure({ tenant: "default", queue: "default", settings: { escalation } });
}

/** Claims so many jobs, `step` at a time, and completes them; what each was. */
async function served<T>(
  scene: Scene,
  count: number,
  step: number,
  what: (job: { id: string; group: NewJob["group"] | null; tenant: string }) => T,
  over: Parameters<typeof request>[0] = {},
): Promise<T[]> {
  const order: T[] = [];
  while (order.length < count) {
    const limit = Math.min(step, count - order.length);
    const jobs = await scene.claim({ limit, ...over });
    assert.ok(jobs.length === limit, `${jobs.length} of ${limit} after ${order.length}`);
    // A claim's reply is grouped by list: what shares are about is who is in it.
    order.push(...jobs.map(what));
    await scene.settle(jobs, { to: "completed", result: null });
  }
  return order;
}
