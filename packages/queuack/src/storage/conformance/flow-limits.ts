import assert from "node:assert/strict";
import type { Limit, LimitScope } from "../../core/flow/limit.ts";
import type { ClaimedJob } from "../../core/job.ts";
import { ids, newJob, newJobs, request, type Scene, someError } from "./scene.ts";
import type { Suite } from "./suite.ts";

/** How many jobs may run and start, by queue, task and group. */
export function flowLimits(suite: Suite): void {
  const scopes: readonly [string, LimitScope][] = [
    ["a queue", { queue: "default" }],
    ["a task", { task: "work" }],
    ["a queue and a task", { queue: "default", task: "work" }],
    ["a group", { group: "acme" }],
    ["every group", { group: "*" }],
    ["a group of a task of a queue", { queue: "default", task: "work", group: "acme" }],
    ["the whole tenant", {}],
  ];
  for (const [name, scope] of scopes) {
    suite.test(`concurrency of ${name}: no more run, and what ends makes room`, async (scene) => {
      await scene.worker();
      await limit(scene, scope, { concurrency: 2 });
      await scene.insert(...newJobs(5, { group: "acme" }));
      const first = await scene.claim();
      assert.equal(first.length, 2);
      const reply = await scene.store.jobs.claim(request());
      assert.deepEqual([reply.jobs, reply.limited, reply.nextInMs], [[], true, null]);
      await scene.end(first[0] as ClaimedJob, { to: "completed", result: null });
      const [third, ...more] = await scene.claim();
      assert.ok(third !== undefined && more.length === 0);
      await scene.end(third, { to: "retryable", delayMs: 60_000, outcome: "failed", error: someError });
      assert.equal((await scene.claim()).length, 1);
    });
  }

  suite.test("a limit holds for its scope alone", async (scene) => {
    await scene.worker();
    await limit(scene, { queue: "default", task: "work", group: "acme" }, { concurrency: 0 });
    const others = [{ group: "globex" }, {}, { queue: "other", group: "acme" }, { task: "other", group: "acme" }];
    const jobs = [...others, { group: "acme", tenant: "else" }].map((over) => newJob(over));
    await scene.insert(...jobs, newJob({ group: "acme" }));
    const queues = ["default", "other"].map((queue) => ({ queue, quota: 10 }));
    assert.deepEqual(ids(await scene.claim({ queues, tasks: ["work", "other"] })).sort(), ids(jobs).sort());
  });

  suite.test("of several limits each must have room", async (scene) => {
    await scene.worker();
    await limit(scene, { queue: "default" }, { concurrency: 4 });
    await limit(scene, { task: "work" }, { concurrency: 3 });
    await limit(scene, { group: "*" }, { concurrency: 2 });
    await scene.insert(...newJobs(5, { group: "a" }), ...newJobs(5, { group: "b", task: "other" }), ...newJobs(5));
    const claimed = await scene.claim({ tasks: ["work", "other"], limit: 15 });
    const count = (match: (job: ClaimedJob) => boolean) => claimed.filter(match).length;
    assert.deepEqual(
      [claimed.length, count(({ task }) => task === "work"), count(({ group }) => group === "b")],
      [4, 3, 1],
    );
  });

  suite.test("each group by itself; what is set for one goes before it, field by field", async (scene) => {
    await scene.worker();
    await limit(scene, { group: "*" }, { concurrency: 1 });
    await limit(scene, { group: "big" }, { concurrency: 3 });
    await limit(scene, { group: "heavy" }, { weight: 2 });
    await scene.insert(...["big", "heavy", "small"].flatMap((group) => newJobs(5, { group })));
    const claimed = await scene.claim({ limit: 15 });
    const count = (name: string) => claimed.filter(({ group }) => group === name).length;
    assert.deepEqual([count("big"), count("heavy"), count("small")], [3, 1, 1]);
  });

  suite.test("it is changed at run time: raised, lowered, taken away", async (scene) => {
    await scene.worker();
    await scene.insert(...newJobs(9, { group: "acme" }));
    await limit(scene, { group: "*" }, { concurrency: 1 });
    assert.equal((await scene.claim()).length, 1);
    await limit(scene, { group: "*" }, { concurrency: 3 });
    const running = await scene.claim();
    assert.equal(running.length, 2);
    await limit(scene, { group: "*" }, { concurrency: 1 });
    for (const job of running) {
      assert.equal((await scene.claim()).length, 0);
      await scene.end(job, { to: "completed", result: null });
    }
    await scene.store.flow.limit({ tenant: "default", scope: { group: "*" }, limit: null });
    assert.equal((await scene.claim()).length, 6);
  });

  suite.test(
    "a rate lets so many start within any span of its period, and costs the others no attempt",
    async (scene) => {
      await scene.worker();
      await limit(scene, { task: "work" }, { rate: { limit: 3, periodMs: 25_600 } });
      await scene.insert(...newJobs(9));
      const starts: number[] = [];
      const claim = async (limit: number) => {
        for (const job of await scene.claim({ limit })) {
          starts.push(job.startedAt);
          assert.equal(job.attempt, 1);
          await scene.end(job, { to: "completed", result: null });
        }
      };
      await claim(1);
      await scene.clock.advance(10_050);
      await claim(10);
      const reply = await scene.store.jobs.claim(request());
      assert.deepEqual([reply.jobs, reply.limited], [[], false]);
      assert.ok(reply.nextInMs !== null && reply.nextInMs > 0 && reply.nextInMs <= 25_600 - 10_050);
      await scene.clock.advance(reply.nextInMs - 1);
      await claim(10);
      assert.equal(starts.length, 3);
      await scene.clock.advance(1);
      await claim(10);
      assert.equal(starts.length, 4, "the first start counts no longer");
      while (starts.length < 9) {
        await scene.clock.advance(100);
        await claim(10);
      }
      for (let n = 3; n < starts.length; n++) {
        assert.ok((starts[n] as number) - (starts[n - 3] as number) >= 25_600, "four starts within a period");
      }
    },
  );

  suite.test("a rate of each group: the others go on, and the group goes on when it has room", async (scene) => {
    await scene.worker();
    await limit(scene, { group: "*" }, { rate: { limit: 1, periodMs: 1_000 } });
    await scene.insert(...newJobs(2, { group: "a" }), ...newJobs(2, { group: "b" }));
    assert.deepEqual((await scene.claim()).map(({ group }) => group).sort(), ["a", "b"]);
    assert.equal((await scene.claim()).length, 0);
    const { nextInMs } = await scene.store.jobs.promote({ limit: 10 });
    assert.ok(nextInMs !== null && nextInMs <= 1_010, "somebody is told when to look again");
    await scene.clock.advance(nextInMs);
    assert.ok((await scene.promote()) > 0);
    assert.deepEqual((await scene.claim()).map(({ group }) => group).sort(), ["a", "b"]);
  });

  suite.test("groups that a rate kept waiting are let go a bounded number at a time", async (scene) => {
    await scene.worker();
    await limit(scene, { group: "*" }, { rate: { limit: 1, periodMs: 200 } });
    const groups = ["a", "b", "c", "d", "e"];
    for (let n = 0; n < 2; n++) await scene.insert(...groups.map((group) => newJob({ group })));
    assert.equal((await scene.claim()).length, 5);
    assert.equal((await scene.claim()).length, 0);
    await scene.clock.advance(200);
    const { promoted, nextInMs } = await scene.store.jobs.promote({ limit: 2 });
    assert.deepEqual([promoted, nextInMs], [2, 0]);
    assert.equal((await scene.claim()).length, 2);
    assert.equal(await scene.promote(), 3);
    assert.equal((await scene.claim()).length, 3);
  });

  suite.test("the slots of a dead worker come back with its leases", async (scene) => {
    await scene.worker("w1");
    await scene.worker("w2");
    await limit(scene, { group: "*" }, { concurrency: 2 });
    await scene.insert(...newJobs(4, { group: "acme" }));
    assert.equal((await scene.claim()).length, 2);
    assert.equal((await scene.claim({ worker: "w2" })).length, 0);
    await scene.store.workers.deregister({ id: "w1" });
    const leases = await scene.store.jobs.abandoned({ limit: 10 });
    await scene.settle(leases, { to: "retryable", delayMs: 60_000, outcome: "crashed", error: someError });
    assert.equal((await scene.claim({ worker: "w2" })).length, 2);
  });

  suite.test("what had expired when its turn came uses up no rate", async (scene) => {
    await scene.worker();
    await limit(scene, { task: "work" }, { rate: { limit: 2, periodMs: 60_000 } });
    await scene.insert(...newJobs(2, { expiresInMs: 10 }), ...newJobs(3));
    await scene.clock.advance(10);
    const { expired } = await scene.store.jobs.claim(request({ limit: 2 }));
    assert.equal(expired.length, 2);
    assert.equal((await scene.claim()).length, 2);
  });

  suite.test("every claim says that a full limit keeps jobs waiting, also one that passes them by", async (scene) => {
    await scene.worker();
    await limit(scene, { group: "*" }, { concurrency: 1 });
    await scene.insert(...newJobs(3, { group: "a" }));
    await scene.claim();
    for (let n = 0; n < 3; n++) {
      await scene.insert(newJob());
      const { jobs, limited } = await scene.store.jobs.claim(request());
      assert.deepEqual([jobs.length, limited], [1, true], `claim ${n}`);
    }
  });

  suite.test("it tells how many run, also of a limit that is a rate alone", async (scene) => {
    await scene.worker();
    await limit(scene, { task: "work" }, { rate: { limit: 9, periodMs: 1_000 } });
    await scene.insert(...newJobs(2));
    await scene.claim();
    assert.equal((await scene.store.flow.limits({}))[0]?.running, 2);
  });

  suite.test("it tells what is used", async (scene) => {
    await scene.worker();
    await limit(scene, { group: "*" }, { concurrency: 2, rate: { limit: 9, periodMs: 60_000 } });
    await limit(scene, { queue: "default" }, { concurrency: 5 });
    await scene.insert(...newJobs(3, { group: "a" }), newJob({ group: "b" }), newJob());
    const first = (await scene.claim()).find(({ group }) => group === "a");
    await scene.end(first as ClaimedJob, { to: "completed", result: null });
    const usage = (await scene.store.flow.limits({ tenant: "default" })).map((rule) => [
      rule.scope,
      rule.group,
      rule.running,
      rule.started,
    ]);
    const any = { queue: undefined, task: undefined, group: "*" };
    assert.deepEqual(usage, [
      [any, "a", 1, 2],
      [any, "b", 1, 1],
      [{ queue: "default", task: undefined, group: undefined }, null, 3, 0],
    ]);
    assert.deepEqual(await scene.store.flow.limits({ tenant: "other" }), []);
  });

  suite.test(
    "a limit on every group is told also while none uses it, and groups that are not under it are not",
    async (scene) => {
      await scene.worker();
      await limit(scene, { queue: "mail", group: "*" }, { concurrency: 2 });
      await scene.insert(newJob({ group: "a" }), newJob({ tenant: "other", queue: "mail", group: "secret" }));
      const queues = ["default", "mail"].map((queue) => ({ queue, quota: 10 }));
      assert.equal((await scene.claim({ queues })).length, 2);
      const usage = await scene.store.flow.limits({ tenant: "default" });
      assert.deepEqual(
        usage.map(({ scope, group, running }) => [scope.queue, scope.group, group, running]),
        [["mail", "*", null, 0]],
      );
    },
  );

  suite.test("what stands in the way of a job is known", async (scene) => {
    await scene.worker();
    await limit(scene, { group: "*" }, { concurrency: 1 });
    const [first, second] = newJobs(2, { group: "a" });
    await scene.insert(first as never, second as never);
    await scene.claimOne();
    await scene.store.queues.pause({ tenant: "default", queue: "default", paused: true });
    const standing = await scene.store.flow.standing({ id: (second as { id: string }).id });
    assert.equal(standing?.job.id, second?.id);
    assert.equal(standing?.pausedAt, scene.clock.now());
    assert.deepEqual(
      standing?.full.map(({ rule, by }) => [rule.scope.group, by]),
      [["*", "concurrency"]],
    );
    assert.deepEqual(ids(standing?.workers ?? []), ["w1"]);
    assert.equal(standing?.ahead, 0);
    assert.equal(await scene.store.flow.standing({ id: newJob().id }), null);
  });

  suite.test("a claim costs no look at what can't start: thousands of full groups stand aside", async (scene) => {
    await scene.worker();
    await limit(scene, { group: "*" }, { concurrency: 1 });
    const crowd = Array.from({ length: 300 }, (_, n) => newJobs(2, { group: `g${n}` })).flat();
    await scene.insert(...crowd);
    assert.equal((await scene.claim({ limit: 1_000 })).length, 300);
    const free = await scene.job({ priority: 10 });
    // One claim may set only so many aside, and says so.
    for (;;) {
      const { jobs, nextInMs } = await scene.store.jobs.claim(request({ limit: 1 }));
      if (jobs.length === 0) assert.equal(nextInMs, 0, "it must go on behind them");
      else {
        assert.deepEqual(ids(jobs), [free], "behind all of them");
        break;
      }
    }
  });

  suite.testIf("persistent", "limits, starts and slots are there after reopening", async (scene) => {
    await scene.worker();
    await limit(scene, { group: "*" }, { rate: { limit: 1, periodMs: 60_000 } });
    await limit(scene, { task: "work" }, { concurrency: 2 });
    await scene.insert(newJob({ group: "a" }), ...newJobs(3));
    assert.equal((await scene.claim({ limit: 2 })).length, 2);
    await scene.reopen();
    await scene.worker();
    assert.equal((await scene.claim()).length, 0);
    await limit(scene, { task: "work" }, { concurrency: 9 });
    await scene.insert(newJob({ group: "a" }));
    assert.equal((await scene.claim()).length, 2, "all but the group's second");
  });

  suite.testIf("shared", "two handles never let more run than the limit", async (scene) => {
    await scene.worker();
    const other = await scene.second();
    await limit(scene, { group: "*" }, { concurrency: 3 });
    await scene.insert(...newJobs(40, { group: "a" }));
    for (let round = 0; round < 8; round++) {
      const claimed = await Promise.all(
        [scene.store, other, scene.store, other].map((store) => scene.claim({}, store)),
      );
      assert.ok(claimed.flat().length <= 3);
      const { running } = (await scene.store.flow.limits({}))[0] ?? { running: 0 };
      assert.ok(running <= 3, `${running} run`);
      await scene.settle(claimed.flat(), { to: "completed", result: null });
    }
    await limit(scene, { group: "*" }, { concurrency: 5 });
    assert.equal((await scene.claim({}, other)).length, 5, "the other handle knows of the change at once");
  });
}

function limit(scene: Scene, scope: LimitScope, over: Partial<Limit>): Promise<void> {
  const limit = { concurrency: null, rate: null, weight: null, ...over };
  return scene.store.flow.limit({ tenant: "default", scope, limit });
}
