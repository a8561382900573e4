import { afterEach, beforeEach, expect, test } from "vitest";
import { type TaskContext, task } from "../core/task.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { connect } from "./connect.ts";
import type { Queue } from "./queue.ts";

const square = task({
  name: "square",
  cache: { key: ({ input }) => `${"n".repeat(300)} ${input}`, ttl: "1h" },
  run: ({ input }: TaskContext<number>) => input * input,
});
const keyOf = (n: number) => `${"n".repeat(300)} ${n}`;

let clock: FakeClock;
let q: Queue;
beforeEach(async () => {
  clock = new FakeClock();
  q = await connect(":memory:", { clock });
  await q.worker({ tasks: [square] }).start();
});
afterEach(() => q.close());

/** The outcome of one more job of the task. */
async function outcome(n: number): Promise<unknown> {
  const job = await q.enqueue(square, n);
  expect(await job.result()).toBe(n * n);
  return (await q.jobs.get(job.id))?.outcome;
}

test("a cached outcome shows in the job, and can be filtered for", async () => {
  expect([await outcome(3), await outcome(3)]).toEqual(["succeeded", "cached"]);
  const { items } = await q.jobs.list({ outcomes: ["cached"] });
  expect(items).toMatchObject([{ state: "completed", outcome: "cached", result: 9 }]);
  expect((await q.stats())[0]?.counts.completed).toBe(2);
});

test("drop() forgets the result of one key, long ones too", async () => {
  await outcome(3);
  await outcome(4);
  expect(await q.cache.drop({ task: square, key: keyOf(3) })).toBe(1);
  expect(await q.cache.drop({ task: "square", key: keyOf(3) })).toBe(0);
  expect([await outcome(3), await outcome(4)]).toEqual(["succeeded", "cached"]);
});

test("drop() forgets all results of a task, within the tenant", async () => {
  await outcome(3);
  await outcome(4);
  expect(await q.cache.drop({ task: "square", tenant: "acme" })).toBe(0);
  expect(await q.cache.drop({ task: "other" })).toBe(0);
  expect(await q.cache.drop({ task: "square" })).toBe(2);
  expect([await outcome(3), await outcome(4)]).toEqual(["succeeded", "succeeded"]);
});

test("nonsense is refused", async () => {
  for (const wrong of [{}, { task: 5 }, { task: undefined }]) {
    await expect(q.cache.drop(wrong as never)).rejects.toMatchObject({ code: "QUEUACK_INVALID_TASK" });
  }
  for (const wrong of [null, { task: "a b" }, { task: "a", key: 5 }, { task: "a", kye: "k" }]) {
    await expect(q.cache.drop(wrong as never)).rejects.toMatchObject({ code: "QUEUACK_INVALID_OPTION" });
  }
});

test("what has expired is deleted by the duties, also where no job is to be pruned", async () => {
  await outcome(3);
  // The date goes ahead, and then half a minute passes, which is how often pruning comes round.
  clock.set(clock.now() + 3_600_000);
  await clock.advance("30s");
  expect(await q.cache.drop({ task: "square" })).toBe(0);
});
