import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { FakeClock } from "../../testing/fake-clock.ts";
import { request } from "../conformance/scene.ts";
import { temporaryFolder } from "./fixtures/test-store.ts";
import { openSqliteStore } from "./sqlite-store.ts";

/** The job that each state was given in the database of release 0.1.0. */
const jobs = {
  completed: "01a2104d-1a6f-7676-a4ef-dff8cd79abe1",
  retryable: "01a2104d-1a74-7c0f-b299-0fd25ff4077d",
  discarded: "01a2104d-1a75-78a2-8b00-9cb8fca87c5d",
  scheduled: "01a2104d-1a8d-7252-82ec-60d73a2c5af1",
  available: "01a2104d-1a8f-7534-9909-4b6b1c8de010",
  pending: "01a2104d-1a90-73a1-b3b2-1cedd5cd10bf",
  cancelled: "01a2104d-1a93-7c1f-be78-88bfe0f8e137",
  running: "01a2104d-1a99-7310-aa08-559f282ca994",
};

test("a database that release 0.1.0 wrote opens with all that it holds, and goes on", async () => {
  const path = join(temporaryFolder(), "jobs.db");
  writeFileSync(path, gunzipSync(readFileSync(new URL("./fixtures/releases/0.1.0.db.gz", import.meta.url))));
  const clock = new FakeClock();
  const store = await openSqliteStore({ path, clock });
  expect(await store.verify()).toEqual([]);
  const found = await store.jobs.get({ ids: Object.values(jobs) });
  expect(found.map((job) => job?.state)).toEqual(Object.keys(jobs));
  expect(found[0]).toMatchObject({
    input: '{"to":"a"}',
    result: '{"sent":"a"}',
    progress: "0.5",
    tags: ["x"],
    metadata: { m: 1 },
    idempotencyKey: "k1",
    group: null,
  });
  expect((await store.jobs.history({ id: jobs.discarded })).attempts).toMatchObject([{ error: { message: "boom" } }]);
  expect(await store.queues.stats({})).toMatchObject(
    [
      { queue: "default", counts: { available: 1, completed: 1 } },
      { queue: "slow", settings: { retention: { completedMs: 7_200_000 } }, counts: { running: 1 } },
      { queue: "paused", pausedAt: expect.any(Number) },
    ].sort((a, b) => (a.queue < b.queue ? -1 : 1)),
  );
  // The worker that ran it is gone; what waited is claimed, what was scheduled comes due.
  await store.workers.findDead({});
  expect(await store.jobs.abandoned({ limit: 10 })).toMatchObject([{ id: jobs.running, worker: "w-old" }]);
  clock.set(clock.now() + 3 * 3_600_000);
  await store.jobs.promote({ limit: 100 });
  await store.workers.register({
    worker: { id: "w1", host: "h", pid: 1, tasks: ["mail"], queues: ["default"], concurrency: 9 },
  });
  const claimed = await store.jobs.claim(request({ tasks: ["mail"] }));
  expect(claimed.jobs.map(({ id }) => id).sort()).toEqual([jobs.available, jobs.retryable].sort());
  expect((await store.jobs.get({ ids: [jobs.scheduled] }))[0]).toMatchObject({
    state: "discarded",
    outcome: "expired",
  });
  expect(await store.verify()).toEqual([]);
  await store.close();
});
