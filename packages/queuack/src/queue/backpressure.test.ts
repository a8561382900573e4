import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { QueueEvents } from "../core/events.ts";
import { task } from "../core/task.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { Gate } from "../worker/fixtures/test-house.ts";
import { connect } from "./connect.ts";
import { temporaryFolder } from "./fixtures/temporary-folder.ts";
import type { Queue } from "./queue.ts";

let clock: FakeClock;
let q: Queue;
const open = async (backpressure: object) => {
  q = await connect(":memory:", { clock, backpressure });
};
beforeEach(() => {
  clock = new FakeClock();
});
afterEach(() => q.close());

const waiting = async () => (await q.queues.get("default"))?.waiting;

/** Whether a promise has come to its end once all is at rest. */
const settledAfter = async (promise: Promise<unknown>, duration: number | string) => {
  let settled = false;
  void promise.finally(() => {
    settled = true;
  });
  await clock.advance(duration);
  return settled;
};

describe("a queue above its warning mark", () => {
  test("tells so once, and again only after it has fallen below", async () => {
    await open({ warnAt: 3, limit: 100 });
    const warned: QueueEvents["queue:backpressure"][] = [];
    q.on("queue:backpressure", (event) => warned.push(event));
    const jobs = await q.enqueueMany("mail", [1, 2]);
    await clock.advance(0);
    expect(warned).toEqual([]);
    await q.enqueueMany("mail", [3, 4]);
    await q.enqueue("mail", 5);
    await clock.advance(0);
    const told = {
      name: "queue:backpressure",
      tenant: "default",
      queue: "default",
      waiting: 4,
      warnAt: 3,
      at: clock.now(),
    };
    expect(warned).toEqual([told]);
    await q.jobs.cancel({ states: ["available"] });
    await q.enqueue("mail", 6);
    await q.enqueueMany("mail", [7, 8, 9]);
    await clock.advance(0);
    expect(warned).toEqual([told, told]);
    expect(jobs).toHaveLength(2);
  });

  test("has a mark of its own where one is set", async () => {
    await open({});
    const warned: string[] = [];
    q.on("queue:backpressure", ({ queue, warnAt }) => warned.push(`${queue} ${warnAt}`));
    await q.queues.configure("mail", { backpressure: { warnAt: 1 } });
    await q.enqueueMany("mail", [1, 2]);
    await q.enqueue("mail", 1, { queue: "mail" });
    await clock.advance(0);
    expect(warned).toEqual(["mail 1"]);
  });
});

describe("a full queue that refuses", () => {
  test("accepts nothing of a submission that would overflow it", async () => {
    await open({ limit: 3 });
    await q.enqueueMany("mail", [1, 2]);
    await expect(q.enqueueMany("mail", [3, 4])).rejects.toMatchObject({
      code: "QUEUACK_QUEUE_FULL",
      message: expect.stringMatching(/Queue default would hold 4 waiting jobs; its limit is 3.*onLimit: "wait"/),
      details: { tenant: "default", queue: "default", limit: 3, waiting: 4 },
    });
    expect(await waiting()).toBe(2);
    await q.enqueue("mail", 3);
    await expect(q.enqueue("mail", 4)).rejects.toMatchObject({ code: "QUEUACK_QUEUE_FULL" });
    await q.enqueue("mail", 5, { queue: "other" });
  });

  test("counts what waits for a time or for a release, too, and not what runs or is done", async () => {
    await open({ limit: 3 });
    const gate = new Gate();
    await q.worker({ tasks: [task({ name: "quick", run: () => gate.passed })] }).start();
    await q.enqueue("quick");
    await clock.advance(0);
    await q.enqueueMany("mail", [1, 2], { delay: "1h" });
    await q.jobs.hold(await q.enqueue("mail").then(({ id }) => id));
    expect(await waiting()).toBe(3);
    await expect(q.enqueue("mail")).rejects.toMatchObject({ code: "QUEUACK_QUEUE_FULL" });
    gate.open();
  });

  test("lets retries of failed and of dead jobs through", async () => {
    await open({ limit: 1 });
    const gate = new Gate();
    const flaky = task({
      name: "flaky",
      retry: { maxAttempts: 2, delay: "1h", jitter: "none" },
      run: async () => {
        await gate.passed;
        throw new Error("boom");
      },
    });
    await q.worker({ tasks: [flaky] }).start();
    const job = await q.enqueue(flaky, undefined);
    await clock.advance(0);
    await q.enqueue("mail", "fills it");
    gate.open();
    await clock.advance(0);
    expect((await job.get()).state).toBe("retryable");
    expect(await waiting()).toBe(2);
    await q.jobs.retry(job.id);
    await clock.advance(0);
    expect((await job.get()).state).toBe("discarded");
    expect(await q.dead.retry(job.id)).toBe(1);
  });
});

describe("a full queue that lets wait", () => {
  const full = async () => {
    await open({ limit: 2, onLimit: "wait" });
    return await q.enqueueMany("mail", [1, 2]);
  };

  test.each<[string, (ids: string[]) => Promise<unknown>]>([
    ["a job is claimed", () => q.worker({ tasks: [task({ name: "mail", run: () => 1 })], concurrency: 1 }).start()],
    ["a job is cancelled", ([id]) => q.jobs.cancel(id as string)],
    ["jobs are deleted", ([id]) => q.jobs.delete(id as string)],
    ["the limit is raised", () => q.queues.configure("default", { backpressure: { limit: 3 } })],
  ])("accepts as soon as %s", async (_, makeRoom) => {
    const jobs = await full();
    const late = q.enqueue("mail", 3);
    expect(await settledAfter(late, "10s")).toBe(false);
    await makeRoom(jobs.map(({ id }) => id));
    expect(await settledAfter(late, 0)).toBe(true);
    expect((await (await late).get()).input).toBe(3);
  });

  test("a job that runs long makes room when it starts, not when it ends", async () => {
    await full();
    const gate = new Gate();
    const late = q.enqueue("mail", 3);
    await clock.advance(0);
    await q.worker({ tasks: [task({ name: "mail", run: () => gate.passed })], concurrency: 1 }).start();
    expect(await settledAfter(late, 0)).toBe(true);
    gate.open();
  });

  test("refuses at once what would never fit", async () => {
    await full();
    await expect(q.enqueueMany("mail", [1, 2, 3])).rejects.toMatchObject({ code: "QUEUACK_QUEUE_FULL" });
  });

  test("tells those who wait when the queue is closed", async () => {
    await full();
    const late = expect(q.enqueue("mail", 3)).rejects.toMatchObject({ code: "QUEUACK_CLOSED" });
    await clock.advance(0);
    const later = expect(q.enqueue("mail", 4)).rejects.toMatchObject({ code: "QUEUACK_CLOSED" });
    await q.close();
    await Promise.all([late, later]);
  });

  test("hears of the room that another process makes", async () => {
    await open({});
    const path = join(temporaryFolder(), "jobs.db");
    await using here = await connect(path, { backpressure: { limit: 1, onLimit: "wait" } });
    await using there = await connect(path);
    const { id } = await here.enqueue("mail", 1);
    const late = here.enqueue("mail", 2);
    await there.jobs.cancel(id);
    expect((await late).duplicate).toBe(false);
  });
});
