import assert from "node:assert/strict";
import type { NewJob } from "../../core/job.ts";
import { ids, leaseMs, newJob, newJobs, request, type Scene, someError } from "./scene.ts";
import type { Suite } from "./suite.ts";

/** Which jobs a claim brings, and in which order. */
export function claimOrder(suite: Suite): void {
  suite.test("a claim hands over all that an attempt needs", async (scene) => {
    await scene.worker();
    const retry = { backoff: "fixed", baseMs: 1, capMs: 2, factor: 1, jitter: "none" } as const;
    const job = newJob({ retry, timeoutMs: 77, tags: ["t"], metadata: { m: 1 }, priority: 3, group: "g" });
    const batch = await scene.batch({}, [job]);
    const createdAt = scene.clock.now();
    await scene.clock.advance(500);
    const { token, ...claimed } = await scene.claimOne();
    const now = scene.clock.now();
    assert.ok(Number.isSafeInteger(token) && token > 0);
    const times = { createdAt, startedAt: now, leaseUntil: now + leaseMs };
    assert.deepEqual(claimed, { ...job, ...times, attempt: 1, generation: 1, batch, callbackOf: null });
    const { state, attempt, worker, startedAt, leaseUntil } = await scene.get(job.id);
    assert.deepEqual(
      { state, attempt, worker, startedAt, leaseUntil },
      { state: "running", attempt: 1, worker: "w1", startedAt: now, leaseUntil: now + leaseMs },
    );
  });

  suite.testIf(
    "ordered",
    "a claim brings what was asked for before it, whatever is committed by then",
    async (scene) => {
      await scene.worker();
      const jobs = newJobs(3);
      const inserted = scene.store.jobs.insert({ jobs });
      const claimed = scene.store.jobs.claim(request());
      const late = scene.store.jobs.insert({ jobs: newJobs(2) });
      await Promise.all([inserted, late]);
      assert.deepEqual(ids((await claimed).jobs), ids(jobs));
    },
  );

  suite.test("the highest priority comes first, and within it the first come", async (scene) => {
    await scene.worker();
    const jobs = [50, 100, 0, 50, 100, 51, 0].map((priority) => newJob({ priority }));
    await scene.insert(...jobs.slice(0, 4));
    await scene.insert(...jobs.slice(4));
    const expected = [1, 4, 5, 0, 3, 2, 6].map((n) => jobs[n]?.id);
    const claimed = [
      ...(await scene.claim({ limit: 3 })),
      ...(await scene.claim({ limit: 3 })),
      ...(await scene.claim()),
    ];
    assert.deepEqual(ids(claimed), expected);
  });

  suite.test("order holds across the tasks of a queue", async (scene) => {
    await scene.worker();
    const jobs = ["b", "a", "c", "a", "b"].map((task, n) => newJob({ task, priority: n === 3 ? 60 : 50 }));
    await scene.insert(...jobs);
    const tasks = ["a", "b", "c"];
    const claimed = [...(await scene.claim({ tasks, limit: 2 })), ...(await scene.claim({ tasks, limit: 3 }))];
    assert.deepEqual(arrival(claimed, jobs).slice(0, 2).sort(), [0, 3], "the best two first");
    assert.deepEqual(arrival(claimed, jobs).sort(), [0, 1, 2, 3, 4]);
  });

  suite.test("never more than the limit, and nothing for none", async (scene) => {
    await scene.worker();
    await scene.insert(...newJobs(5), ...newJobs(5, { task: "other" }));
    const tasks = ["work", "other"];
    assert.equal((await scene.claim({ tasks, limit: 0 })).length, 0);
    assert.equal((await scene.claim({ tasks, limit: 7 })).length, 7);
    assert.equal((await scene.claim({ tasks, limit: 7 })).length, 3);
    assert.equal((await scene.claim({ tasks, limit: 7 })).length, 0);
  });

  suite.test("each queue first gets its quota, then the rest goes in the order of the queues", async (scene) => {
    await scene.worker();
    const fill = (queue: string, count: number) => scene.insert(...newJobs(count, { queue }));
    const quotas = (a: number, b: number, c: number) => [
      { queue: "a", quota: a },
      { queue: "b", quota: b },
      { queue: "c", quota: c },
    ];
    const claimed = async (limit: number, queues: ReturnType<typeof quotas>) => {
      const jobs = await scene.claim({ limit, queues });
      return ["a", "b", "c"].map((name) => jobs.filter(({ queue }) => queue === name).length);
    };
    for (const queue of ["a", "b", "c"]) await fill(queue, 10);
    assert.deepEqual(await claimed(6, quotas(1, 2, 3)), [1, 2, 3], "as the quotas say");
    assert.deepEqual(await claimed(4, quotas(1, 1, 1)), [2, 1, 1], "room that is left goes to the first");
    assert.deepEqual(await claimed(4, quotas(2, 2, 2)), [2, 2, 0], "no room is left for the last");
    assert.deepEqual(await claimed(3, quotas(0, 0, 0)), [3, 0, 0], "no quotas: strict order");
    assert.deepEqual(await claimed(9, quotas(5, 2, 1)), [2, 5, 2], "what one can't use goes to the others");
    assert.deepEqual(await claimed(9, quotas(3, 3, 3)), [0, 0, 4], "what is left");
  });

  suite.test("only the tasks, queues and tenant that are asked for", async (scene) => {
    await scene.worker();
    const mine = newJob({ tenant: "acme", queue: "q", task: "t" });
    const others = [{ tenant: "other" }, { queue: "other" }, { task: "other" }].map((over) =>
      newJob({ ...mine, ...over, id: newJob().id }),
    );
    await scene.insert(...others, mine);
    const queues = [{ queue: "q", quota: 9 }];
    assert.deepEqual(ids(await scene.claim({ tenant: "acme", tasks: ["t"], queues })), [mine.id]);
    assert.deepEqual(await scene.claim({ tasks: [], queues }), []);
    assert.deepEqual(await scene.claim({ tasks: ["t"], queues: [] }), []);
    assert.deepEqual(ids(await scene.claim({ tasks: ["t"], queues })), [others[0]?.id], "no tenant: of every one");
  });

  suite.test("what is not yet due, waits for something or is running is left alone", async (scene) => {
    await scene.worker();
    await scene.insert(newJob({ delayMs: 10 }), newJob({ waitingFor: "x" }));
    const ready = await scene.job();
    assert.deepEqual(ids(await scene.claim()), [ready]);
    await scene.clock.advance(20);
    assert.deepEqual(await scene.claim(), [], "due jobs are promoted first");
  });

  suite.test("a paused queue gives nothing, its neighbours and namesakes do", async (scene) => {
    await scene.worker();
    const [here, namesake, neighbour] = [newJob(), newJob({ tenant: "acme" }), newJob({ queue: "mail" })];
    await scene.insert(here, namesake, neighbour);
    await scene.store.queues.pause({ tenant: "default", queue: "default", paused: true });
    const queues = ["default", "mail"].map((queue) => ({ queue, quota: 5 }));
    assert.deepEqual(ids(await scene.claim({ queues })).sort(), [namesake.id, neighbour.id].sort());
    await scene.store.queues.pause({ tenant: "default", queue: "default", paused: false });
    assert.deepEqual(ids(await scene.claim({ queues })), [here.id]);
  });

  suite.test("a worker that is not known, or no longer, gets nothing", async (scene) => {
    await scene.insert(...newJobs(2));
    assert.deepEqual(await scene.claim({ worker: "stranger" }), []);
    await scene.worker();
    assert.equal((await scene.claim({ limit: 1 })).length, 1);
    await scene.store.workers.deregister({ id: "w1" });
    assert.deepEqual(await scene.claim(), []);
  });

  suite.test("a job whose time to start is over is discarded at its turn, reported, and not counted", async (scene) => {
    await scene.worker();
    const jobs = [{ expiresInMs: 100 }, {}, { expiresInMs: 101 }, { expiresInMs: 100 }, {}].map((over) => newJob(over));
    await scene.insert(...jobs);
    await scene.clock.advance(100);
    const reply = await scene.store.jobs.claim(request());
    assert.deepEqual(
      arrival(
        reply.expired.map((id) => ({ id })),
        jobs,
      ),
      [0, 3],
    );
    assert.deepEqual(arrival(reply.jobs, jobs), [1, 2, 4]);
    const gone = await scene.get(reply.expired[0] as string);
    assert.deepEqual(
      [gone.state, gone.outcome, gone.attempt, gone.finishedAt],
      ["discarded", "expired", 0, scene.clock.now()],
    );
    assert.equal(gone.startedAt, null);
  });

  suite.test("a job that has started once is claimed again, whenever it was to start", async (scene) => {
    const job = await scene.running({ expiresInMs: 100 });
    await scene.end(job, { to: "retryable", delayMs: 0, outcome: "failed", error: someError });
    await scene.clock.advance(100);
    assert.deepEqual(ids(await scene.claim()), [job.id]);
  });

  suite.test("a long way down: a thousand jobs of ten tasks come in their order", async (scene) => {
    await scene.worker();
    const jobs = Array.from({ length: 1_000 }, (_, n) =>
      newJob({ task: `t${(n * 7) % 10}`, priority: (n * 13) % 101 }),
    );
    await scene.insert(...jobs);
    const expected = [...jobs].sort((a, b) => b.priority - a.priority || jobs.indexOf(a) - jobs.indexOf(b));
    const tasks = Array.from({ length: 10 }, (_, n) => `t${n}`);
    await inBatches(scene, tasks, expected, 37);
  });
}

/** The places at which jobs were inserted. */
function arrival(found: readonly { readonly id: string }[], jobs: readonly NewJob[]): number[] {
  return found.map(({ id }) => jobs.findIndex((job) => job.id === id));
}

/** Claims all there is; each batch must hold exactly the next ones. */
async function inBatches(scene: Scene, tasks: readonly string[], expected: readonly NewJob[], limit: number) {
  for (let at = 0; at < expected.length; at += limit) {
    const claimed = await scene.claim({ tasks, limit });
    assert.deepEqual(ids(claimed).sort(), ids(expected.slice(at, at + limit)).sort(), `batch at ${at}`);
  }
  assert.deepEqual(await scene.claim({ tasks }), []);
}
