import assert from "node:assert/strict";
import type { ClaimedJob } from "../../core/job.ts";
import { type Ending, ids, leaseMs, newId, newJobs, type Scene, someError } from "./scene.ts";
import type { Suite } from "./suite.ts";

const endings: Readonly<Record<string, Ending>> = {
  completed: { to: "completed", result: '"old"' },
  retryable: { to: "retryable", delayMs: 5, outcome: "failed", error: someError },
  discarded: { to: "discarded", outcome: "failed", error: someError },
  cancelled: { to: "cancelled" },
  released: { to: "released", delayMs: 5 },
};

/** That only the holder of the newest lease may say anything about a job. */
export function fencing(suite: Suite): void {
  for (const [kind, ending] of Object.entries(endings)) {
    suite.test(`an old token changes nothing by settling as ${kind}, and is told so`, async (scene) => {
      const { old, current } = await replaced(scene);
      const before = await picture(scene, old.id);
      assert.deepEqual(await scene.settle([old], ending), ["lost"]);
      assert.deepEqual(await picture(scene, old.id), before);
      await scene.end(current, { to: "completed", result: '"new"' });
      assert.deepEqual(await scene.settle([old, current], ending), ["lost", "lost"], "nor when the job is final");
      assert.equal((await scene.get(old.id)).result, '"new"');
    });
  }

  suite.test("an old token prolongs and reports nothing, and is told so", async (scene) => {
    const { old, current } = await replaced(scene);
    await scene.clock.advance(1_000);
    const before = await picture(scene, old.id);
    const tokens = [old.token];
    assert.deepEqual(await scene.store.jobs.renew({ tokens, leaseMs }), { lost: tokens, cancelled: [] });
    const logs = [{ level: "info", message: "from the grave", data: null }] as const;
    const reports = [{ token: old.token, progress: "0.9", logs }];
    assert.deepEqual(await scene.store.jobs.report({ reports }), { lost: tokens });
    assert.deepEqual(await picture(scene, old.id), before);
    await scene.end(current, { to: "completed", result: null });
  });

  for (const [how, result] of [
    ["with a result", '"old"'],
    ["without one", null],
  ] as const) {
    suite.testIf(
      "shared",
      `what another handle took back is lost, and what completes beside it ${how} is not`,
      async (scene) => {
        await scene.worker();
        await scene.insert(...newJobs(5));
        const jobs = await scene.claim();
        const [first, second, third] = jobs;
        assert.ok(first && second && third);
        const other = await scene.second();
        const released = [first, second].map(({ id, token }) => ({ id, token, to: "released" as const, delayMs: 0 }));
        await other.jobs.settle({ settlements: released });
        // One of the two is leased anew, under another token; the other one waits.
        const [again] = await scene.claim({ limit: 1 });
        assert.equal(again?.id, first.id);
        const replies = await scene.settle(jobs, { to: "completed", result });
        assert.deepEqual(replies, ["lost", "lost", "accepted", "accepted", "accepted"]);
        assert.deepEqual(await scene.states(ids([first, second, third])), ["running", "available", "completed"]);
        await scene.end(again, { to: "completed", result: '"new"' });
        assert.equal((await scene.get(first.id)).result, '"new"');
      },
    );
  }

  suite.test("a token is worth nothing for another job", async (scene) => {
    await scene.worker();
    await scene.insert(...newJobs(2));
    const [one, two] = await scene.claim();
    assert.ok(one && two);
    assert.deepEqual(
      await scene.store.jobs.settle({
        settlements: [
          { id: one.id, token: two.token, to: "completed", result: null },
          { id: two.id, token: one.token, to: "completed", result: null },
          { id: newId(), token: one.token, to: "completed", result: null },
          { id: "not a uuid", token: one.token, to: "completed", result: null },
        ],
      }),
      ["lost", "lost", "lost", "lost"],
    );
    assert.deepEqual(await scene.states(ids([one, two])), ["running", "running"]);
  });

  suite.test("tokens grow with every claim, and none comes twice", async (scene) => {
    await scene.worker();
    const tokens: number[] = [];
    for (let round = 0; round < 5; round++) {
      await scene.insert(...newJobs(4));
      const claimed = await scene.claim({ limit: 3 });
      const got = claimed.map(({ token }) => token);
      assert.ok(Math.min(...got) > Math.max(0, ...tokens), "every token of a claim is above all before it");
      tokens.push(...got);
      await scene.settle(claimed, { to: "released", delayMs: 0 });
    }
    assert.equal(new Set(tokens).size, tokens.length);
  });

  suite.testIf("persistent", "tokens grow over a reopening, whichever way the clock went", async (scene) => {
    await scene.insert(...newJobs(4));
    let last = 0;
    for (const jumpMs of [0, 3_600_000, -86_400_000, 0]) {
      scene.clock.set(scene.clock.now() + jumpMs);
      await scene.worker();
      const { token } = await scene.claimOne();
      assert.ok(token > last);
      last = token;
      await scene.reopen();
    }
  });

  suite.testIf("persistent", "a lease that outlives its store may still be given back by its token", async (scene) => {
    const job = await scene.running();
    await scene.reopen();
    await scene.end(job, { to: "completed", result: "1" });
  });

  suite.testIf("shared", "tokens grow over several handles, one opened later included", async (scene) => {
    await scene.insert(...newJobs(6));
    const stores = [scene.store, await scene.second()];
    for (const [n, store] of stores.entries()) await scene.worker(`w${n}`, store);
    let last = 0;
    for (let turn = 0; turn < 6; turn++) {
      if (turn === 3) {
        stores[1] = await scene.second();
        await scene.worker("w1", stores[1]);
      }
      const { token } = await scene.claimOne({ worker: `w${turn % 2}` }, stores[turn % 2]);
      assert.ok(token > last, `token of turn ${turn}`);
      last = token;
    }
  });
}

/** A job whose lease was given back and that another claim has leased anew. */
async function replaced(scene: Scene): Promise<{ old: ClaimedJob; current: ClaimedJob }> {
  const old = await scene.running();
  await scene.end(old, { to: "retryable", delayMs: 0, outcome: "crashed", error: someError });
  const current = await scene.claimOne();
  assert.equal(current.id, old.id);
  assert.ok(current.token > old.token);
  return { old, current };
}

/** All that a store says of a job. */
async function picture(scene: Scene, id: string) {
  return [await scene.get(id), await scene.store.jobs.history({ id }), await scene.store.queues.stats({})];
}
