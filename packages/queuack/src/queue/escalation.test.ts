import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { task } from "../core/task.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { connect } from "./connect.ts";
import type { Queue } from "./queue.ts";
import type { QueueOptions } from "./queues.ts";

const quiet = task({ name: "quiet", run: async () => undefined });

let clock: FakeClock;
let q: Queue;
beforeEach(async () => {
  clock = new FakeClock();
  q = await connect(":memory:", { clock, tasks: [quiet] });
});
afterEach(() => q.close());

test("a job rises whenever it has waited so long, while a worker knows nothing of its task", async () => {
  await q.queues.configure("default", { escalation: { after: "10m", by: 15 } });
  await q.worker().start();
  const job = await q.enqueue("later", {}, { priority: 20 });
  const top = await q.enqueue("later", {}, { priority: 95 });
  await clock.advance("9m");
  expect((await job.get()).priority).toBe(20);
  await clock.advance("1m");
  expect([(await job.get()).priority, (await top.get()).priority]).toEqual([35, 100]);
  await clock.advance("20m");
  expect([(await job.get()).priority, (await top.get()).priority]).toEqual([65, 100]);
});

test("it is of one queue, is told, and can be taken back", async () => {
  await q.queues.configure("slow", { escalation: { after: "1m" } });
  await q.worker().start();
  const [slow, other] = [await q.enqueue("later", {}, { queue: "slow" }), await q.enqueue("later", {})];
  const settings = (await q.stats()).map(({ queue, settings }) => [queue, settings.escalation]);
  expect(settings).toEqual([
    ["default", null],
    ["slow", { afterMs: 60_000, by: expect.any(Number) }],
  ]);
  await clock.advance("1m");
  const risen = (await slow.get()).priority;
  expect(risen).toBeGreaterThan(50);
  expect((await other.get()).priority).toBe(50);
  await q.queues.configure("slow", { escalation: null });
  await clock.advance("10m");
  expect((await slow.get()).priority).toBe(risen);
});

describe("what makes no sense is refused", () => {
  const options: [string, object, string][] = [
    ["no time", { after: 0 }, "escalation.after"],
    ["no time at all", {}, "escalation.after"],
    ["a fall", { after: "1m", by: -5 }, "escalation.by"],
    ["no rise", { after: "1m", by: 0 }, "escalation.by"],
    ["more than there is", { after: "1m", by: 101 }, "escalation.by"],
    ["an unknown part", { after: "1m", to: 90 }, "to"],
  ];
  test.each(options)("%s", async (_, escalation, message) => {
    await expect(
      q.queues.configure("default", { escalation: escalation as QueueOptions["escalation"] }),
    ).rejects.toMatchObject({ message: expect.stringContaining(message) });
    expect((await q.stats()).map(({ settings }) => settings.escalation)).toEqual([]);
  });
});
