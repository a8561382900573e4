import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { task } from "../core/task.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { Gate } from "../worker/fixtures/test-house.ts";
import { connect } from "./connect.ts";
import { temporaryFolder } from "./fixtures/temporary-folder.ts";

const nobody = "0190b2f4-8f3e-7c3a-9d2b-5b1f4d6e7a80";

describe("tasks of a connection", () => {
  test("q.task() defines a task, and the workers made afterwards run it", async () => {
    await using q = await connect(":memory:");
    const greet = q.task("greet", async ({ input }: { input: string }) => `hello ${input}`);
    expect(greet.name).toBe("greet");
    await q.worker().start();
    expect(await (await q.enqueue(greet, "you")).result()).toBe("hello you");
    expect(await (await q.enqueue("greet", "by name")).result()).toBe("hello by name");
  });

  test("a worker's own tasks are known by their names from then on", async () => {
    await using q = await connect(":memory:");
    q.worker({ tasks: [task({ name: "resize", queue: "images", run: () => 1 })] });
    expect(await (await q.enqueue("resize")).get()).toMatchObject({ queue: "images" });
  });

  test("a handler enqueues by the rules of its connection", async () => {
    await using q = await connect(":memory:", { tenant: "acme", queue: "work" });
    q.task("parent", async ({ enqueue }) => (await enqueue("child", { n: 1 }, { priority: "high" })).id);
    await q.worker({ queues: ["work"] }).start();
    const id = (await (await q.enqueue("parent")).result()) as string;
    expect(await q.jobs.get(id)).toMatchObject({ task: "child", tenant: "acme", queue: "work", priority: 75 });
  });
});

describe("close()", () => {
  test("accepts what was enqueued before, though nobody had waited for it", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    const q = await connect(path);
    const accepted = [q.enqueue("mail", 1), q.enqueue("mail", 2)];
    await q.close();
    const ids = (await Promise.all(accepted)).map(({ id }) => id);
    await using later = await connect(path);
    expect((await later.jobs.list()).items.map(({ id }) => id)).toEqual(ids.reverse());
  });

  test("lets running jobs finish, then stops", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    const clock = new FakeClock();
    const [started, gate] = [new Gate(), new Gate()];
    const slow = task({
      name: "slow",
      run: async () => {
        started.open();
        await gate.passed;
        return "finished";
      },
    });
    const q = await connect(path, { clock, tasks: [slow], workers: 1 });
    const { id } = await q.enqueue(slow, undefined);
    await started.passed;
    const closed = q.close();
    gate.open();
    await closed;
    await using later = await connect(path, { clock });
    expect(await later.jobs.get(id)).toMatchObject({ state: "completed", result: "finished" });
    expect(clock.pending).toBe(0);
  });

  test("tells those who wait for a result", async () => {
    const q = await connect(":memory:");
    const job = await q.enqueue("mail", 1);
    const told = expect(job.result()).rejects.toMatchObject({ code: "QUEUACK_CLOSED" });
    await q.close();
    await told;
  });

  test("more than once is once", async () => {
    const q = await connect(":memory:");
    await Promise.all([q.close(), q.close()]);
    await q.close();
  });

  test("with a worker that never started", async () => {
    const q = await connect(":memory:");
    q.worker({ tasks: [task({ name: "idle", run: () => 1 })] });
    await q.close();
  });

  test("leaves no lock and no write-ahead log behind", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "jobs.db");
    const q = await connect(path, { tasks: [task({ name: "idle", run: () => 1 })], workers: 1 });
    await q.enqueue("mail", 1);
    await q.close();
    expect([existsSync(path), existsSync(`${path}-wal`)]).toEqual([true, false]);
  });

  test("happens by itself at the end of `await using`", async () => {
    let left: Awaited<ReturnType<typeof connect>>;
    {
      await using q = await connect(":memory:");
      left = q;
      await q.enqueue("mail", 1);
    }
    await expect(left.enqueue("mail", 2)).rejects.toMatchObject({ code: "QUEUACK_CLOSED" });
  });

  test.each<[string, (q: Awaited<ReturnType<typeof connect>>) => Promise<unknown>]>([
    ["enqueue", (q) => q.enqueue("mail", 1)],
    ["enqueueMany", (q) => q.enqueueMany("mail", [1])],
    ["jobs.get", (q) => q.jobs.get(nobody)],
    ["jobs.list", (q) => q.jobs.list()],
    ["jobs.cancel", (q) => q.jobs.cancel(nobody)],
    ["jobs.delete", (q) => q.jobs.delete(nobody)],
    ["dead.retry", (q) => q.dead.retry()],
    ["queues.pause", (q) => q.queues.pause("default")],
    ["queues.purge", (q) => q.queues.purge("default")],
    ["stats", (q) => q.stats()],
    ["listWorkers", (q) => q.listWorkers()],
    ["result", (q) => q.job(nobody).result()],
    ["attempts", (q) => q.job(nobody).attempts()],
    ["a worker", (q) => q.worker({ tasks: [task({ name: "idle", run: () => 1 })] }).start()],
  ])("afterwards %s says that the queue is closed", async (_, call) => {
    const q = await connect(":memory:");
    await q.close();
    await expect(call(q)).rejects.toMatchObject({ code: "QUEUACK_CLOSED" });
  });
});
