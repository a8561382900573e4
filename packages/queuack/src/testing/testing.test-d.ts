import { expectTypeOf, test } from "vitest";
import { z } from "zod";
import { task } from "../core/task.ts";
import type { JobView } from "../queue/job-view.ts";
import { drain, expectEnqueued, expectNotEnqueued, FakeClock, runJob, testQueue } from "./index.ts";

const resize = task({
  name: "resize",
  input: z.object({
    path: z.string(),
    width: z.string().transform(Number),
    opts: z.object({ a: z.number() }).optional(),
  }),
  run: ({ input }) => ({ area: input.width ** 2 }),
});
const tick = task({ name: "tick", run: (_: { input: undefined }) => 1 });

test("what is expected of an input is a part of what may be sent, or a function of it", async () => {
  const { q } = await testQueue();
  expectTypeOf(await expectEnqueued(q, resize, { width: "3" })).toEqualTypeOf<readonly JobView[]>();
  await expectEnqueued(q, resize, { opts: {} }, { count: 1, delay: "1h", priority: "high" });
  await expectEnqueued(q, resize, (input) => {
    expectTypeOf(input.width).toEqualTypeOf<string>();
    return true;
  });
  // @ts-expect-error width is sent as text
  await expectEnqueued(q, resize, { width: 3 });
  // @ts-expect-error there is no such part
  await expectNotEnqueued(q, resize, { height: "3" });
  // @ts-expect-error none can't be counted
  await expectNotEnqueued(q, resize, {}, { count: 1 });
  await expectEnqueued(q, "by name", { anything: 1 });
  await drain(q, { tasks: [resize, tick] });
});

test("a handler that ran has its task's result, where it has one", async () => {
  const run = await runJob(resize, { path: "a", width: "3" });
  expectTypeOf(run.result).toEqualTypeOf<{ area: number } | undefined>();
  if (run.outcome === "completed") expectTypeOf(run.result).toEqualTypeOf<{ area: number }>();
  if (run.outcome === "snoozed") expectTypeOf(run.delayMs).toEqualTypeOf<number>();
  if (run.outcome === "discarded") expectTypeOf(run.reason).toEqualTypeOf<string>();
  await runJob(tick);
  // @ts-expect-error the input is missing
  await runJob(resize);
  // @ts-expect-error width is sent as text
  await runJob(resize, { path: "a", width: 3 });
});

test("only a fake clock will do", async () => {
  expectTypeOf((await testQueue({ clock: new FakeClock() })).clock).toEqualTypeOf<FakeClock>();
  // @ts-expect-error one that nobody can move
  await testQueue({ clock: { now: () => 0, timer: () => () => undefined } });
});
