import assert from "node:assert/strict";
import type { ClaimedJob } from "../../core/job.ts";
import type { Store } from "../store.ts";
import { ids, newJobs, request, type Scene } from "./scene.ts";
import type { Suite } from "./suite.ts";

/** Many who want the same jobs at the same time. */
export function claimRaces(suite: Suite): void {
  suite.test("claims at the same time over one handle bring no job twice", (scene) => race(scene, [scene.store]));

  suite.testIf("shared", "claims at the same time over several handles bring no job twice", async (scene) => {
    await race(scene, [scene.store, ...(await Promise.all([scene.second(), scene.second(), scene.second()]))]);
  });

  suite.testIf(
    "shared",
    "inserts, claims and settlements over several handles lose and double nothing",
    async (scene) => {
      const stores = [scene.store, await scene.second(), await scene.second()];
      const jobs = newJobs(300);
      const settled: string[] = [];
      let open = stores.length;
      const producers = stores.map(async (store, n) => {
        // Each producer hands in two thirds of all: every job comes twice.
        const part = jobs.filter((_, at) => at % 3 !== n);
        for (let at = 0; at < part.length; at += 25) await store.jobs.insert({ jobs: part.slice(at, at + 25) });
        open--;
      });
      const consumers = stores.map(async (store, n) => {
        const worker = await scene.worker(`w${n}`, store);
        for (;;) {
          const last = open === 0;
          const claimed = await scene.claim({ worker, limit: 7 }, store);
          if (claimed.length === 0 && last) return;
          const settlements = claimed.map(({ id, token }) => ({ id, token, to: "completed", result: null }) as const);
          const replies = await store.jobs.settle({ settlements });
          assert.ok(replies.every((reply) => reply === "accepted"));
          settled.push(...ids(claimed));
        }
      });
      await Promise.all([...producers, ...consumers]);
      assert.deepEqual(settled.sort(), ids(jobs).sort());
    },
  );

  suite.testIf("shared", "of one lease given back by several handles one is accepted", async (scene) => {
    const stores = [scene.store, await scene.second(), await scene.second()];
    await scene.worker();
    await scene.insert(...newJobs(20));
    for (const { id, token } of await scene.claim({ limit: 20 })) {
      const replies = await Promise.all(
        stores.map((store) => store.jobs.settle({ settlements: [{ id, token, to: "completed", result: null }] })),
      );
      assert.deepEqual(replies.flat().sort(), ["accepted", "lost", "lost"]);
    }
  });
}

/** Twelve claimers over these handles take 500 jobs apart. */
async function race(scene: Scene, stores: readonly Store[]): Promise<void> {
  const jobs = newJobs(500).map((job, n) => ({ ...job, task: n % 2 === 0 ? "work" : "more", priority: n % 3 }));
  await scene.insert(...jobs);
  for (const [n, store] of stores.entries()) await scene.worker(`w${n}`, store);
  const claimed: ClaimedJob[] = [];
  await Promise.all(
    Array.from({ length: 12 }, async (_, n) => {
      const store = stores[n % stores.length] as Store;
      const wanted = request({ worker: `w${n % stores.length}`, tasks: ["work", "more"], limit: 1 + (n % 9) });
      for (;;) {
        const { jobs: got } = await store.jobs.claim(wanted);
        if (got.length === 0) return;
        claimed.push(...got);
      }
    }),
  );
  assert.deepEqual(ids(claimed).sort(), ids(jobs).sort());
  assert.equal(new Set(claimed.map(({ token }) => token)).size, jobs.length, "each lease has a token of its own");
}
