import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { WorkerInfo } from "../../core/worker-record.ts";
import { FakeClock } from "../../testing/fake-clock.ts";
import { newJobs, request } from "../conformance/scene.ts";
import { openTestStore, temporaryFolder } from "./fixtures/test-store.ts";

const worker: WorkerInfo = { id: "w1", host: "h", pid: 1, tasks: [], queues: [], concurrency: 1 };

test("a restored backup gives out no token a second time, however often the file was opened since", async () => {
  const path = join(temporaryFolder(), "jobs.db");
  const clock = new FakeClock();
  const claim = async (times: number) => {
    const tokens: number[] = [];
    for (let opening = 0; opening < times; opening++) {
      await clock.advance("10s");
      const store = await openTestStore(path, { clock });
      await store.workers.register({ worker });
      await store.jobs.insert({ jobs: newJobs(1) });
      tokens.push(...(await store.jobs.claim(request())).jobs.map(({ token }) => token));
      await store.close();
    }
    return tokens;
  };
  await claim(2);
  copyFileSync(path, `${path}.backup`);
  const given = await claim(4);
  copyFileSync(`${path}.backup`, path);
  const [again] = await claim(1);
  expect(again).toBeGreaterThan(Math.max(...given));
});

test("a refused insertion leaves its numbers to others: everybody's jobs come in, in the order of their arrival", async () => {
  const path = join(temporaryFolder(), "jobs.db");
  const [one, two] = [await openTestStore(path), await openTestStore(path)];
  await expect(one.jobs.insert({ jobs: newJobs(1), limit: 0 })).rejects.toMatchObject({ code: "QUEUACK_QUEUE_FULL" });
  const jobs = newJobs(6);
  for (const [i, job] of jobs.entries()) await (i % 2 === 0 ? two : one).jobs.insert({ jobs: [job] });
  await one.workers.register({ worker });
  expect((await one.jobs.claim(request())).jobs.map(({ id }) => id)).toEqual(jobs.map(({ id }) => id));
  await Promise.all([one.close(), two.close()]);
});
