import { expectTypeOf, test } from "vitest";
import { z } from "zod";
import { NonRetryableError } from "./errors.ts";
import {
  type ChunkContext,
  type ChunkJob,
  type ResultOf,
  type TaskContext,
  type TaskDefinition,
  task,
} from "./task.ts";

const shape = z.object({ width: z.string().transform(Number), format: z.string().default("png") });

test("the handler sees what the schema makes of the input, a caller sends what the schema takes", () => {
  const resize = task({
    name: "resize",
    input: shape,
    run: ({ input }) => {
      expectTypeOf(input).toEqualTypeOf<{ width: number; format: string }>();
      return input.width;
    },
  });
  expectTypeOf(resize).toEqualTypeOf<TaskDefinition<{ width: string; format?: string | undefined }, number>>();
});

test("without a schema the annotation of the handler says what may be sent", () => {
  const greet = task({ name: "greet", run: async ({ input }: TaskContext<{ name: string }>) => `hello ${input.name}` });
  expectTypeOf(greet).toEqualTypeOf<TaskDefinition<{ name: string }, string>>();
  const double = task({ name: "double", run: ({ input }: { input: number }) => input * 2 });
  expectTypeOf(double).toEqualTypeOf<TaskDefinition<number, number>>();
});

test("without either, anything may be sent and the handler has to look", () => {
  const log = task({
    name: "log",
    run: ({ input }) => {
      expectTypeOf(input).toBeUnknown();
    },
  });
  expectTypeOf(log).toEqualTypeOf<TaskDefinition<unknown, void>>();
});

test("the result is what the handler returns, or what its promise brings", () => {
  const count = task({ name: "count", run: async () => ({ rows: 5, names: ["a"] }) });
  expectTypeOf<ResultOf<typeof count>>().toEqualTypeOf<{ rows: number; names: string[] }>();
});

test("the context knows the job, its signal and how to end early", () => {
  task({
    name: "look",
    run: ({ job, attempt, signal, snooze, discard }) => {
      expectTypeOf(job.id).toBeString();
      expectTypeOf(job.createdAt).toEqualTypeOf<Date>();
      expectTypeOf(attempt).toBeNumber();
      expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
      expectTypeOf(snooze).returns.toBeNever();
      expectTypeOf(discard).returns.toBeNever();
    },
  });
});

test("a handler can enqueue another task with the input that this one takes", () => {
  const resize = task({ name: "resize", input: shape, run: () => 1 });
  task({
    name: "batch",
    run: async ({ enqueue }) => {
      const { id } = await enqueue(resize, { width: "300" });
      expectTypeOf(id).toBeString();
      await enqueue("by-name", { anything: true });
      // @ts-expect-error: the schema takes the width as text
      await enqueue(resize, { width: 300 });
    },
  });
});

test("the key of a cache sees what the schema makes of the input, or what the handler is annotated with", () => {
  const resize = task({
    name: "resize",
    input: shape,
    cache: {
      key: ({ input }) => {
        expectTypeOf(input).toEqualTypeOf<{ width: number; format: string }>();
        return input.format;
      },
      ttl: "1h",
    },
    run: ({ input }) => input.width,
  });
  expectTypeOf(resize).toEqualTypeOf<TaskDefinition<{ width: string; format?: string | undefined }, number>>();
  const double = task({
    name: "double",
    cache: { key: async ({ input }) => (input > 5 ? null : String(input)), ttl: 1_000, version: "2" },
    run: ({ input }: TaskContext<number>) => input * 2,
  });
  expectTypeOf(double).toEqualTypeOf<TaskDefinition<number, number>>();
  // @ts-expect-error: a key is a text
  task({ name: "x", cache: { key: () => 5, ttl: "1h" }, run: () => 1 });
  // @ts-expect-error: a cache needs a time to live
  task({ name: "x", cache: { key: () => "a" }, run: () => 1 });
});

test("with chunk the handler takes many inputs, and the result is that of one job", () => {
  const resize = task({
    name: "resize",
    input: shape,
    chunk: {
      size: 100,
      wait: "1s",
      by: ({ input, job }) => {
        expectTypeOf(input).toEqualTypeOf<{ width: number; format: string }>();
        return `${input.format} ${job.tenant}`;
      },
    },
    run: async ({ inputs, jobs, attempts, signal, log, discard, snooze }) => {
      expectTypeOf(inputs).toEqualTypeOf<readonly { width: number; format: string }[]>();
      expectTypeOf(jobs).toEqualTypeOf<readonly ChunkJob[]>();
      expectTypeOf(attempts).toEqualTypeOf<readonly number[]>();
      expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
      log("begun", { n: inputs.length });
      return inputs.map(({ width }, i) => {
        if (jobs[i]?.signal.aborted) return new NonRetryableError("too late");
        if (width < 0) return discard("negative");
        return width === 0 ? snooze("1m") : { area: width * width };
      });
    },
  });
  expectTypeOf(resize).toEqualTypeOf<
    TaskDefinition<{ width: string; format?: string | undefined }, { area: number }>
  >();
});

test("without a schema the annotation of a chunk's handler says what may be sent", () => {
  const double = task({
    name: "double",
    chunk: { size: 10, wait: 0, by: ({ input }) => String(input % 2) },
    run: ({ inputs }: ChunkContext<number>) => inputs.map((n) => n * 2),
  });
  expectTypeOf(double).toEqualTypeOf<TaskDefinition<number, number>>();
  const log = task({ name: "log", chunk: { size: 10, wait: 0 }, run: ({ inputs }) => inputs.map(() => undefined) });
  expectTypeOf(log).toEqualTypeOf<TaskDefinition<unknown, undefined>>();
  expectTypeOf([double, log]).toExtend<readonly TaskDefinition<never, unknown>[]>();
});

test("nonsense in a chunk is a compile error", () => {
  // @ts-expect-error: a chunk needs a size
  task({ name: "x", chunk: { wait: "1s" }, run: ({ inputs }: ChunkContext<number>) => inputs });
  // @ts-expect-error: a chunk needs a wait
  task({ name: "x", chunk: { size: 5 }, run: ({ inputs }: ChunkContext<number>) => inputs });
  // @ts-expect-error: an entry for each job is needed
  task({ name: "x", chunk: { size: 5, wait: 0 }, run: ({ inputs }: ChunkContext<number>) => inputs.length });
  // @ts-expect-error: what jobs share a chunk by is a text
  task({ name: "x", chunk: { size: 5, wait: 0, by: () => 5 }, run: ({ inputs }: ChunkContext<number>) => inputs });
  // @ts-expect-error: there is no single input
  task({ name: "x", chunk: { size: 5, wait: 0 }, run: ({ input }) => [input] });
});

test("nonsense in a definition is a compile error", () => {
  // @ts-expect-error: a handler is needed
  task({ name: "idle" });
  // @ts-expect-error: a name is needed
  task({ run: () => 1 });
  // @ts-expect-error: nobody knows this option
  task({ name: "x", run: () => 1, retries: 5 });
  // @ts-expect-error: no such shape
  task({ name: "x", run: () => 1, retry: { backoff: "quadratic" } });
  // @ts-expect-error: no such name of a priority
  task({ name: "x", run: () => 1, priority: "urgent" });
});

test("any definition is one of TaskDefinition<never, unknown>, the type of lists of tasks", () => {
  const resize = task({ name: "resize", input: shape, run: () => 1 });
  const nothing = task({ name: "nothing", run: () => undefined });
  expectTypeOf([resize, nothing]).toExtend<readonly TaskDefinition<never, unknown>[]>();
});
