import assert from "node:assert/strict";
import type { JobFilter } from "../../core/filter.ts";
import type { JobRecord } from "../../core/job.ts";
import { isFinal, jobStates } from "../../core/job-state.ts";
import type { Outcome } from "../../core/outcome.ts";
import { ids, newId, newJob, newJobs, type Scene, someError } from "./scene.ts";
import type { Suite } from "./suite.ts";

/** How jobs are found: page by page and by every filter. */
export function listing(suite: Suite): void {
  suite.test("the newest come first, page by page, to the end and no further", async (scene) => {
    const jobs = newJobs(23);
    for (const job of jobs) await scene.insert(job);
    const expected = ids(jobs).reverse();
    for (const limit of [1, 5, 22, 23, 24, 1_000]) {
      const pages = await walk(scene, {}, limit);
      assert.deepEqual(pages.flat(), expected, `pages of ${limit}`);
      assert.equal(pages.length, Math.ceil(23 / limit), "no page is empty");
    }
    assert.deepEqual(await scene.store.jobs.list({ filter: { queues: ["none"] }, limit: 5 }), {
      items: [],
      cursor: null,
    });
  });

  suite.test("pages stay as they are while jobs come in, change and go", async (scene) => {
    const jobs = newJobs(10);
    await scene.insert(...jobs);
    const expected = ids(jobs).reverse();
    const first = await scene.store.jobs.list({ filter: {}, limit: 4 });
    await scene.insert(...newJobs(3));
    await scene.store.jobs.change({ ids: expected.slice(4, 6), change: { kind: "prioritize", priority: 99 } });
    await scene.store.jobs.change({ ids: expected.slice(3, 5), change: { kind: "cancel" } });
    await scene.store.jobs.remove({ filter: { ids: expected.slice(3, 4) }, limit: 1 });
    const cursor = first.cursor ?? undefined;
    const second = await scene.store.jobs.list({ filter: {}, limit: 100, cursor });
    assert.deepEqual(ids([...first.items, ...second.items]), expected);
    assert.equal(second.cursor, null);
  });

  suite.test("what is no cursor is refused", async (scene) => {
    await scene.insert(newJob());
    for (const cursor of ["x", "-1", "1.5"]) {
      await assert.rejects(scene.store.jobs.list({ filter: {}, limit: 1, cursor }), { code: "QUEUACK_INVALID_OPTION" });
    }
  });

  suite.test("every filter alone and every two together find what a plain recount finds", async (scene) => {
    const all = await population(scene);
    const filters = samples(all);
    assert.deepEqual(
      new Set(all.map(({ state }) => state)).size,
      8,
      "every state that a job can be in without a graph",
    );
    for (const [n, one] of filters.entries()) {
      for (const two of [{}, ...filters.slice(n + 1)]) {
        const filter = { ...one, ...two };
        const expected = ids(all.filter((job) => matches(job, filter)));
        const found = (await walk(scene, filter, 40)).flat();
        assert.deepEqual(found, expected, JSON.stringify(filter));
      }
    }
  });

  suite.test("jobs are deleted by the same filters, never a running one, never more than asked for", async (scene) => {
    const all = await population(scene);
    const running = ids(all.filter(({ state }) => state === "running"));
    const left = new Map(all.map((job) => [job.id, job]));
    const remove = async (filter: JobFilter, limit: number) => {
      const doomed = [...left.values()].filter((job) => job.state !== "running" && matches(job, filter)).slice(-limit);
      assert.equal(await scene.store.jobs.remove({ filter, limit }), doomed.length, JSON.stringify(filter));
      for (const { id } of doomed) left.delete(id);
    };
    await remove({ states: ["running"] }, 100);
    await remove({ ids: [...running, newId()] }, 100);
    await remove({ tags: ["even"] }, 2);
    for (const state of jobStates) await remove({ states: [state], tenant: "default" }, 3);
    await remove({ outcomes: ["failed"], queues: ["mail"] }, 5);
    assert.equal((await scene.all()).length, left.size);
    await remove({}, 1_000);
    assert.deepEqual(ids(await scene.all()).sort(), running.sort());
  });
}

/** Every page of a filter, as ids. */
async function walk(scene: Scene, filter: JobFilter, limit: number): Promise<string[][]> {
  const pages: string[][] = [];
  let cursor: string | undefined;
  do {
    const page = await scene.store.jobs.list({ filter, limit, cursor });
    assert.ok(page.items.length <= limit);
    pages.push(ids(page.items));
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
  return pages;
}

/** Jobs in every state, of several queues, tasks, tenants and tags, made and ended at different times; newest first. */
async function population(scene: Scene): Promise<readonly JobRecord[]> {
  await scene.worker();
  const queues = ["default", "mail"].map((queue) => ({ queue, quota: 0 }));
  const claimAll = () => scene.claim({ queues, tasks: ["work", "send"], limit: 500 });
  for (let round = 0; round < 4; round++) {
    const jobs = Array.from({ length: 18 }, (_, n) =>
      newJob({
        queue: n % 2 === 0 ? "default" : "mail",
        task: n % 3 === 0 ? "work" : "send",
        tenant: n % 5 === 0 ? "acme" : "default",
        tags: [n % 2 === 0 ? "even" : "odd", ...(n % 4 === 0 ? ["four"] : [])],
        delayMs: n >= 15 ? 1_000_000 : undefined,
        waitingFor: n === 14 ? "approval" : undefined,
        expiresInMs: n === 13 ? 5 : undefined,
      }),
    );
    await scene.insert(...jobs);
    await scene.clock.advance(10);
    const claimed = await claimAll();
    for (const [n, job] of claimed.entries()) {
      if (n % 6 === 0)
        await scene.end(job, { to: "completed", result: null, outcome: n % 4 === 0 ? "cached" : "succeeded" });
      if (n % 6 === 1) await scene.end(job, { to: "discarded", outcome: "timed_out", error: someError });
      if (n % 6 === 2) await scene.end(job, { to: "retryable", delayMs: 500_000, outcome: "failed", error: someError });
      if (n % 6 === 3) await scene.end(job, { to: "cancelled" });
      if (n % 6 === 4) await scene.end(job, { to: "released", delayMs: 800_000 });
    }
    await scene.clock.advance(10);
  }
  await scene.insert(...newJobs(3), newJob({ queue: "mail", tags: ["even"] }));
  return await scene.all();
}

/** Filters of every kind, several values where that makes a difference. */
function samples(all: readonly JobRecord[]): JobFilter[] {
  const times = all.map(({ createdAt }) => createdAt).sort((a, b) => a - b);
  const middle = times[Math.floor(times.length / 2)] as number;
  const some = ids(all).filter((_, n) => n % 3 === 0);
  return [
    ...jobStates.map((state) => ({ states: [state] })),
    { states: ["completed", "running"] },
    { states: ["scheduled", "retryable", "cancelled"] },
    { states: [] },
    ...(["failed", "cached", "expired", "timed_out"] satisfies Outcome[]).map((outcome) => ({ outcomes: [outcome] })),
    { outcomes: ["succeeded", "cancelled"] },
    { tenant: "acme" },
    { tenant: "nobody" },
    { queues: ["mail"] },
    { queues: ["mail", "default", "none"] },
    { tasks: ["work"] },
    { tags: ["even"] },
    { tags: ["even", "four"] },
    { ids: some },
    { ids: [] },
    { ids: [newId(), "not a uuid", ...some.slice(0, 2)] },
    { createdBefore: middle },
    { createdAfter: middle },
    { finishedBefore: middle },
  ];
}

/** What a filter means, said once more without a database. */
function matches(job: JobRecord, filter: JobFilter): boolean {
  return (
    (filter.tenant === undefined || job.tenant === filter.tenant) &&
    (filter.ids === undefined || filter.ids.includes(job.id)) &&
    (filter.states === undefined || filter.states.includes(job.state)) &&
    (filter.outcomes === undefined || (job.outcome !== null && filter.outcomes.includes(job.outcome))) &&
    (filter.queues === undefined || filter.queues.includes(job.queue)) &&
    (filter.tasks === undefined || filter.tasks.includes(job.task)) &&
    (filter.tags ?? []).every((tag) => job.tags.includes(tag)) &&
    (filter.createdBefore === undefined || job.createdAt < filter.createdBefore) &&
    (filter.createdAfter === undefined || job.createdAt > filter.createdAfter) &&
    (filter.finishedBefore === undefined || (isFinal(job.state) && (job.finishedAt as number) < filter.finishedBefore))
  );
}
