import { expectTypeOf, test } from "vitest";
import { z } from "zod";
import { type TaskContext, task } from "../core/task.ts";
import type { ConnectOptions } from "./connect.ts";
import type { Job } from "./job.ts";
import type { JobView } from "./job-view.ts";
import type { Queue } from "./queue.ts";

// Types alone: nothing of this is ever run.
declare const q: Queue;
const shape = z.object({ width: z.string().transform(Number), format: z.string().default("png") });
const resize = task({ name: "resize", input: shape, run: async ({ input }) => ({ bytes: input.width }) });
const greet = task({ name: "greet", run: ({ input }: TaskContext<{ name: string }>) => `hello ${input.name}` });
const ping = task({ name: "ping", run: () => true });
const none = task({ name: "none", input: z.undefined(), run: () => 1 });

test("the result of a job is what the handler of its task returns", async () => {
  const job = await q.enqueue(resize, { width: "300" });
  expectTypeOf(job).toEqualTypeOf<Job<{ bytes: number }>>();
  expectTypeOf(await job.result({ timeout: "30s" })).toEqualTypeOf<{ bytes: number }>();
  expectTypeOf(await (await q.enqueue(greet, { name: "you" })).result()).toBeString();
});

test("what is sent is what the schema takes, not what it makes", async () => {
  await q.enqueue(resize, { width: "300", format: "webp" });
  // @ts-expect-error: the schema takes the width as text
  await q.enqueue(resize, { width: 300 });
  // @ts-expect-error: the width is missing
  await q.enqueue(resize, { format: "webp" });
  // @ts-expect-error: no input at all
  await q.enqueue(resize);
  // @ts-expect-error: another task's input
  await q.enqueue(greet, { width: "300" });
});

test("a task that needs no input is enqueued without one", async () => {
  expectTypeOf(await (await q.enqueue(ping)).result()).toBeBoolean();
  expectTypeOf(await (await q.enqueue(none)).result()).toBeNumber();
  await q.enqueue(ping, undefined, { delay: "1h" });
  // @ts-expect-error: this one takes nothing
  await q.enqueue(none, 5);
});

test("a task may be named, and then anything may be sent", async () => {
  const job = await q.enqueue("elsewhere", { any: "thing" }, { priority: "high" });
  expectTypeOf(await job.result()).toBeUnknown();
  expectTypeOf(q.job<number>("id").result).returns.resolves.toBeNumber();
});

test("many inputs of one task are checked, a mixed list is not", async () => {
  const jobs = await q.enqueueMany(resize, [{ width: "1" }, { width: "2" }], { tags: ["a"] });
  expectTypeOf(jobs).toEqualTypeOf<Job<{ bytes: number }>[]>();
  expectTypeOf(await q.enqueueMany("elsewhere", [1, "two"])).toEqualTypeOf<Job[]>();
  await q.enqueueMany([[resize, { width: "1" }], [greet, { name: "you" }, { delay: 5 }], ["elsewhere"]]);
  // @ts-expect-error: the schema takes the width as text
  await q.enqueueMany(resize, [{ width: 1 }]);
  // @ts-expect-error: one id can't stand for many jobs
  await q.enqueueMany(resize, [{ width: "1" }], { id: "x" });
});

test("options that nobody knows are compile errors", () => {
  // @ts-expect-error: no such option of a job
  void q.enqueue(ping, undefined, { retries: 5 });
  // @ts-expect-error: a function can't be stored with a job
  void q.enqueue(ping, undefined, { backoff: { backoff: () => 5 } });
  // @ts-expect-error: no such state
  void q.jobs.list({ states: ["done"] });
  // @ts-expect-error: no such option of connect()
  ({ concurrency: 5 }) satisfies ConnectOptions;
  ({ backpressure: { limit: undefined }, retry: { maxAttempts: 5, backoff: "linear" } }) satisfies ConnectOptions;
});

test("a worker accepts every definition of a task", () => {
  q.worker({ tasks: [resize, greet, ping, none], concurrency: 8, queues: { urgent: 100, default: 50 } });
  ({ tasks: [resize, greet, ping, none] }) satisfies ConnectOptions;
  // @ts-expect-error: a function is no task
  q.worker({ tasks: [() => 1] });
});

test("worker processes are told of modules, never of tasks", () => {
  const pool = q.workers({
    processes: 2,
    modules: ["./tasks.js", new URL("./more.js", import.meta.url)],
    queues: { urgent: 100, default: 50 },
    onError: ({ during, process }) => {
      expectTypeOf(during).toEqualTypeOf<"start" | "exit" | "stop" | "work">();
      expectTypeOf(process.pid).toEqualTypeOf<number | null>();
    },
  });
  expectTypeOf(pool.status().processes[0]?.lastExit?.at).toEqualTypeOf<Date | undefined>();
  // @ts-expect-error: no function crosses to another process
  q.workers({ processes: 2, modules: [], tasks: [resize] });
  // @ts-expect-error: without modules there are no tasks
  q.workers({ processes: 2 });
});

test("q.task() infers as task() does", () => {
  const sized = q.task("sized", ({ input }) => input.width, { input: shape });
  // @ts-expect-error: the schema takes the width as text
  void q.enqueue(sized, { width: 5 });
});

test("listeners get the facts of their event", () => {
  q.on("job:completed", (event) => {
    expectTypeOf(event.name).toEqualTypeOf<"job:completed">();
    expectTypeOf(event.durationMs).toBeNumber();
  });
  // @ts-expect-error: no such event
  q.on("job:done", () => undefined);
});

test("a job is shown with dates and values", () => {
  expectTypeOf<JobView["createdAt"]>().toEqualTypeOf<Date>();
  expectTypeOf<JobView["finishedAt"]>().toEqualTypeOf<Date | null>();
  expectTypeOf<JobView["input"]>().toBeUnknown();
});
