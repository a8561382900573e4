import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { task } from "../core/task.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { untilAborted } from "../worker/fixtures/test-house.ts";
import { connect } from "./connect.ts";
import type { JobQuery } from "./jobs.ts";
import type { Queue } from "./queue.ts";

const nobody = "0190b2f4-8f3e-7c3a-9d2b-5b1f4d6e7a80";
const broken = task({
  name: "broken",
  retry: { maxAttempts: 2, backoff: "fixed", delay: "1h", jitter: "none" },
  run: ({ input }) => {
    throw new Error(`no ${input}`);
  },
});
const quick = task({ name: "quick", run: () => "done" });
const patient = task({ name: "patient", run: ({ signal }) => untilAborted(signal) });

const worker = { queues: ["default", "other"] };

let clock: FakeClock;
let q: Queue;
beforeEach(async () => {
  clock = new FakeClock();
  q = await connect(":memory:", { clock, tasks: [broken, quick, patient], workers: 1, worker });
});
afterEach(() => q.close());

const waitingJob = async (options = {}) => (await q.enqueue("mail", 1, options)).id;
const runningJob = async () => {
  const { id } = await q.enqueue(patient, undefined);
  await clock.advance(0);
  return id;
};
const deadJob = async (input = "luck", queue = "default") => {
  const { id } = await q.enqueue(broken, input, { maxAttempts: 1, queue });
  await clock.advance(0);
  return id;
};
const stateOf = async (id: string) => (await q.jobs.get(id))?.state;

describe("looking", () => {
  test("get() finds a job by its id, or null", async () => {
    const id = await waitingJob({ tags: ["a"] });
    expect(await q.jobs.get(id)).toMatchObject({ id, task: "mail", input: 1, tags: ["a"], state: "available" });
    expect(await q.jobs.get(nobody)).toBeNull();
    expect(await q.jobs.get("no id")).toBeNull();
  });

  test("list() shows the newest first, page by page", async () => {
    const ids = (await q.enqueueMany("mail", [1, 2, 3, 4, 5])).map(({ id }) => id);
    const pages: string[][] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof q.jobs.list>> = await q.jobs.list({}, { limit: 2, cursor });
      pages.push(page.items.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor !== null);
    expect(pages.flat()).toEqual(ids.reverse());
    expect(pages.slice(0, 2).map((page) => page.length)).toEqual([2, 2]);
  });

  test("list() finds what all conditions of a filter hold for", async () => {
    const a = await waitingJob({ queue: "a", tags: ["x", "y"] });
    await clock.advance("1s");
    const dead = await deadJob();
    const b = (await q.enqueue("print", 1, { queue: "b", tags: ["x"], delay: "1h" })).id;
    const acme = await waitingJob({ tenant: "acme" });
    const found = async (query: JobQuery) => (await q.jobs.list(query)).items.map(({ id }) => id);
    expect(await found({})).toEqual([b, dead, a]);
    expect(await found({ states: ["available", "scheduled"] })).toEqual([b, a]);
    expect(await found({ states: ["available"], queues: ["b"] })).toEqual([]);
    expect(await found({ outcomes: ["failed"] })).toEqual([dead]);
    expect(await found({ queues: ["a", "b"] })).toEqual([b, a]);
    expect(await found({ tasks: ["print"] })).toEqual([b]);
    expect(await found({ tags: ["x"] })).toEqual([b, a]);
    expect(await found({ tags: ["x", "y"] })).toEqual([a]);
    expect(await found({ ids: [dead, b] })).toEqual([b, dead]);
    expect(await found({ ids: [] })).toEqual([]);
    expect(await found({ tenant: "acme" })).toEqual([acme]);
    expect(await found({ createdBefore: new Date(clock.now()) })).toEqual([a]);
    expect(await found({ createdAfter: clock.now() - 1 })).toEqual([b, dead]);
    expect(await found({ finishedBefore: clock.now() + 1 })).toEqual([dead]);
  });

  test.each<[string, () => Promise<unknown>, RegExp]>([
    ["a limit", () => q.jobs.list({}, { limit: 0 }), /limit is 0.*1 to 10000/],
    ["a date", () => q.jobs.list({ createdAfter: new Date("never") }), /createdAfter is an invalid Date/],
    ["a state", () => q.jobs.list({ states: ["done" as never] }), /states holds "done".*completed/],
    ["an outcome", () => q.jobs.list({ outcomes: ["ok" as never] }), /outcomes holds "ok".*succeeded/],
    ["a text for a list", () => q.jobs.list({ queues: "mail" as never }), /queues is "mail".*list/],
    ["no filter", () => q.jobs.list(null as never), /filter of jobs is null/],
    ["an id that is none", () => q.jobs.cancel([5 as never]), /list of ids is \[5\]/],
    ["a misspelt condition, which would match all", () => q.jobs.delete({ state: "dead" } as never), /"state".*states/],
    ["nothing at all, which might mean all", () => q.jobs.delete(undefined as never), /filter of jobs is undefined/],
    ["a priority", () => q.jobs.prioritize(nobody, 101), /priority is 101/],
    ["a delay", () => q.jobs.reschedule(nobody, { delay: "soon" }), /delay is "soon"/],
    ["a time", () => q.jobs.reschedule(nobody, { runAt: Number.NaN }), /runAt is NaN/],
    ["two times", () => q.jobs.reschedule(nobody, { runAt: 1, delay: 1 }), /either runAt or delay/],
    ["no time", () => q.jobs.reschedule(nobody, {} as never), /either runAt or delay/],
  ])("%s that is wrong is refused", async (_, call, message) => {
    const id = await waitingJob();
    await expect(call()).rejects.toMatchObject({
      code: "QUEUACK_INVALID_OPTION",
      message: expect.stringMatching(message),
    });
    expect(await stateOf(id)).toBe("available");
  });
});

describe("changing one job by its id", () => {
  test("cancel: at once while it waits, through its signal while it runs, never when it is final", async () => {
    const [waiting, running] = [await waitingJob(), await runningJob()];
    expect([await q.jobs.cancel(waiting), await q.jobs.cancel(running)]).toEqual([1, 1]);
    await clock.advance(0);
    expect([await stateOf(waiting), await stateOf(running)]).toEqual(["cancelled", "cancelled"]);
    expect([await q.jobs.cancel(waiting), await q.jobs.cancel(nobody)]).toEqual([0, 0]);
  });

  test("retry: a job from the dead letter queue starts a new generation with its history kept", async () => {
    const id = await deadJob();
    expect(await q.jobs.retry(id)).toBe(1);
    await clock.advance(0);
    expect(await q.jobs.get(id)).toMatchObject({ state: "discarded", generation: 2, attempt: 1 });
    expect(await q.jobs.attempts(id)).toMatchObject([{ generation: 1 }, { generation: 2 }]);
  });

  test("retry: one that waits for its backoff starts now", async () => {
    const { id } = await q.enqueue(broken, "luck");
    await clock.advance(0);
    expect(await stateOf(id)).toBe("retryable");
    expect(await q.jobs.retry(id)).toBe(1);
    await clock.advance(0);
    expect(await q.jobs.get(id)).toMatchObject({ state: "discarded", attempt: 2, generation: 1 });
  });

  test("retry: a completed job never runs again", async () => {
    const job = await q.enqueue(quick, undefined);
    await job.result();
    expect(await q.jobs.retry(job.id)).toBe(0);
    expect(await stateOf(job.id)).toBe("completed");
  });

  test("hold and release: set aside, then back to where its time puts it", async () => {
    const id = await waitingJob({ delay: "2s" });
    expect(await q.jobs.hold(id)).toBe(1);
    expect(await q.jobs.get(id)).toMatchObject({ state: "pending", waitingFor: "release" });
    await clock.advance("1s");
    expect(await q.jobs.release(id)).toBe(1);
    expect(await q.jobs.get(id)).toMatchObject({ state: "scheduled", waitingFor: null });
    expect(await q.jobs.release(id)).toBe(0);
    await q.jobs.hold(id);
    await clock.advance("1s");
    expect(await stateOf(id)).toBe("pending");
    await q.jobs.release(id);
    expect(await stateOf(id)).toBe("available");
  });

  test("reschedule: to a date, or by a delay from now", async () => {
    const id = await waitingJob();
    const date = new Date(clock.now() + 5_000);
    expect(await q.jobs.reschedule(id, { runAt: date })).toBe(1);
    expect(await q.jobs.get(id)).toMatchObject({ state: "scheduled", runAt: date });
    expect(await q.jobs.reschedule(id, { delay: "1h" })).toBe(1);
    expect((await q.jobs.get(id))?.runAt).toEqual(new Date(clock.now() + 3_600_000));
    expect(await q.jobs.reschedule(id, { runAt: 0 })).toBe(1);
    expect(await stateOf(id)).toBe("available");
  });

  test("prioritize: decides who is next", async () => {
    const [first, second] = [await waitingJob({ priority: 50 }), await waitingJob({ priority: 50 })];
    expect(await q.jobs.prioritize(second, "high")).toBe(1);
    const started: string[] = [];
    q.on("job:started", ({ id }) => started.push(id));
    await q.worker({ tasks: [task({ name: "mail", run: () => 1 })], concurrency: 1 }).start();
    await clock.advance(0);
    expect(started).toEqual([second, first]);
    expect(await q.jobs.prioritize(second, "low")).toBe(0);
  });

  test("delete: whatever does not run, with all that is kept of it", async () => {
    const [waiting, dead, running] = [await waitingJob(), await deadJob(), await runningJob()];
    expect(await q.jobs.delete(waiting)).toBe(1);
    expect(await q.jobs.delete(dead)).toBe(1);
    expect([await q.jobs.get(dead), await q.jobs.attempts(dead)]).toEqual([null, []]);
    expect(await q.jobs.delete(running)).toBe(0);
    expect(await stateOf(running)).toBe("running");
    await q.jobs.cancel(running);
    await clock.advance(0);
  });
});

describe("changing many", () => {
  test("by their ids: as many as are told to have changed", async () => {
    const ids = (await q.enqueueMany("mail", Array(2_500).fill(1))).map(({ id }) => id);
    expect(await q.jobs.hold([...ids, nobody])).toBe(2_500);
    expect(await q.jobs.hold(ids)).toBe(0);
    expect(await q.jobs.release(ids.slice(0, 10))).toBe(10);
    expect(await q.jobs.delete(ids)).toBe(2_500);
    expect(await q.jobs.cancel([])).toBe(0);
  });

  test("by a filter: all that match, and no other", async () => {
    await q.enqueueMany("mail", Array(2_500).fill(1), { queue: "bulk" });
    const other = await waitingJob({ queue: "other" });
    expect(await q.jobs.cancel({ queues: ["bulk"] })).toBe(2_500);
    expect((await q.queues.get("bulk"))?.counts).toMatchObject({ available: 0, cancelled: 2_500 });
    expect(await stateOf(other)).toBe("available");
    expect(await q.jobs.retry({ queues: ["bulk"], states: ["cancelled"] })).toBe(2_500);
    expect(await q.jobs.delete({ queues: ["bulk"] })).toBe(2_500);
    expect(await stateOf(other)).toBe("available");
  });

  test("by more ids than a statement takes", async () => {
    const id = await waitingJob();
    expect(await q.jobs.delete([...Array(40_000).fill(nobody), id])).toBe(1);
  });

  test("by a filter stays within the tenant", async () => {
    const foreign = await waitingJob({ tenant: "acme" });
    await waitingJob();
    expect(await q.jobs.cancel({})).toBe(1);
    expect(await stateOf(foreign)).toBe("available");
    expect(await q.jobs.cancel({ tenant: "acme" })).toBe(1);
  });
});

describe("the dead letter queue", () => {
  test("keeps discarded jobs with every error, newest first", async () => {
    const [a, b] = [await deadJob("a"), await deadJob("b", "other")];
    await waitingJob();
    const { items } = await q.dead.list();
    expect(items.map(({ id, error, outcome }) => [id, error?.message, outcome])).toEqual([
      [b, "no b", "failed"],
      [a, "no a", "failed"],
    ]);
    expect((await q.dead.list({ queues: ["default"] })).items.map(({ id }) => id)).toEqual([a]);
    expect((await q.dead.list({}, { limit: 1 })).items).toHaveLength(1);
  });

  test("gives jobs another generation: one, those that match, or all", async () => {
    const ids = [await deadJob("a"), await deadJob("b"), await deadJob("c")];
    expect(await q.dead.retry(ids[0] as string)).toBe(1);
    await clock.advance(0);
    expect(await q.dead.retry({ tasks: ["other"] })).toBe(0);
    expect(await q.dead.retry()).toBe(3);
    await clock.advance(0);
    const generations = (await q.dead.list()).items.map(({ generation }) => generation);
    expect(generations).toEqual([2, 2, 3]);
    expect(await q.dead.retry(await waitingJob())).toBe(0);
  });

  test("is purged: one, those that match, or all; nothing else is touched", async () => {
    const ids = [await deadJob("a"), await deadJob("b"), await deadJob("c")];
    const waiting = await waitingJob();
    expect(await q.dead.purge(ids[0] as string)).toBe(1);
    expect(await q.dead.purge(waiting)).toBe(0);
    expect(await q.dead.purge({ ids: [ids[1] as string, waiting] })).toBe(1);
    expect(await q.dead.purge()).toBe(1);
    expect((await q.dead.list()).items).toEqual([]);
    expect(await stateOf(waiting)).toBe("available");
  });
});
