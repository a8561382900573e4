import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { task } from "../core/task.ts";
import { connect } from "../queue/connect.ts";
import { drain } from "./drain.ts";
import { FakeClock } from "./fake-clock.ts";
import { testQueue } from "./test-queue.ts";

test("its time is the test's", async () => {
  await using kit = await testQueue({ start: new Date("2030-01-01T00:00:00Z") });
  const job = await kit.q.enqueue("mail", null, { delay: "1h" });
  expect((await job.get()).runAt).toEqual(new Date("2030-01-01T01:00:00Z"));
  const clock = new FakeClock({ start: 5 });
  await using other = await testQueue({ clock });
  expect(other.clock).toBe(clock);
  expect(other.q.clock).toBe(clock);
});

test("jitter draws the middle, unless the test draws itself", async () => {
  const fails = task({
    name: "fails",
    retry: { delay: "1m", jitter: "full" },
    run: () => {
      throw new Error("no");
    },
  });
  const delays: number[] = [];
  for (const random of [undefined, () => 0.25]) {
    await using kit = await testQueue({ tasks: [fails], ...(random && { random }) });
    const job = await kit.q.enqueue(fails, null);
    await drain(kit.q);
    delays.push((await job.get()).runAt.getTime() - kit.clock.now());
  }
  expect(delays).toEqual([30_000, 15_000]);
});

test("a file is there for others, and is removed at the end", async () => {
  const kit = await testQueue({ file: true });
  await kit.q.enqueue("mail", 1);
  const other = await connect(kit.url, { clock: kit.clock });
  expect((await other.jobs.list()).items).toHaveLength(1);
  await other.close();
  expect(existsSync(kit.url)).toBe(true);
  await kit.close();
  await kit.close();
  expect(existsSync(dirname(kit.url))).toBe(false);
});

test("closing ends a worker whose handler doesn't, although its grace is the clock's", async () => {
  const kit = await testQueue();
  let aborted: unknown;
  const endless = task({
    name: "endless",
    run: ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          aborted = signal.reason;
          reject(signal.reason);
        });
      }),
  });
  const deaf = task({ name: "deaf", run: () => new Promise(() => undefined) });
  await kit.q.worker({ tasks: [endless, deaf] }).start();
  await kit.q.enqueue(endless, null);
  await kit.q.enqueue(deaf, null);
  await kit.clock.advance(0);
  await kit.close();
  expect(aborted).toMatchObject({ code: "QUEUACK_WORKER_STOPPING" });
});

test("keeps what goes wrong beside the jobs", async () => {
  await using kit = await testQueue();
  const error = new Error("a listener's");
  kit.q.on("job:enqueued", () => {
    throw error;
  });
  await kit.q.enqueue("mail", 1);
  await kit.clock.advance(0);
  expect(kit.errors).toEqual([error]);
});

test("refuses what connect() refuses, and leaves nothing behind", async () => {
  const invalid = { code: "QUEUACK_INVALID_OPTION" };
  await expect(testQueue({ file: true, tenant: "two words" })).rejects.toMatchObject(invalid);
  await expect(testQueue({ file: "jobs.db" as unknown as boolean })).rejects.toMatchObject(invalid);
  await expect(testQueue({ files: true } as object)).rejects.toMatchObject(invalid);
});
