import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type CacheSettings, cacheSettings } from "../core/cache.ts";
import { type ChunkSettings, chunkSettings } from "../core/chunk-settings.ts";
import type { CodecOption } from "../core/codec.ts";
import { milliseconds } from "../core/duration.ts";
import { QueuackError } from "../core/errors.ts";
import type { RetryPolicy } from "../core/retry.ts";
import { retryPolicy } from "../core/retry-options.ts";
import type { ChunkContext, ChunkTaskOptions, TaskContext, TaskDefinition } from "../core/task.ts";

/** How a task is run whose handler takes many jobs at once. */
export interface RegisteredChunk extends ChunkSettings {
  readonly run: (context: ChunkContext<unknown>) => unknown;
}

/** A task as a worker runs it: every option read once, not at every job. */
export interface RegisteredTask {
  readonly name: string;
  /** The queue its jobs go to when they name none; `undefined`: the default queue. */
  readonly queue: string | undefined;
  readonly schema: StandardSchemaV1 | undefined;
  /** `undefined`: the default. */
  readonly timeoutMs: number | undefined;
  /** For jobs that bear no policy of their own. */
  readonly policy: RetryPolicy | null;
  readonly backoff: ((failed: number, error: unknown) => unknown) | undefined;
  readonly retryIf: ((error: unknown) => unknown) | undefined;
  readonly cache: CacheSettings | undefined;
  /** For a handler that takes many jobs at once. */
  readonly chunk: RegisteredChunk | undefined;
  /** What its results are written with; `undefined`: that of the connection. */
  readonly codec: CodecOption | undefined;
  readonly run: (context: TaskContext<unknown>) => unknown;
}

/**
 * Reads the tasks of a worker, by name.
 * @throws {QueuackError} `QUEUACK_INVALID_TASK`, `QUEUACK_INVALID_OPTION`
 */
export function registerTasks(
  definitions: readonly TaskDefinition<never, unknown>[],
): ReadonlyMap<string, RegisteredTask> {
  const tasks = new Map<string, RegisteredTask>();
  for (const definition of definitions) {
    const { name } = definition;
    if (tasks.has(name)) {
      throw new QueuackError("QUEUACK_INVALID_TASK", { message: `Two of the worker's tasks are named ${name}.` });
    }
    const { options } = definition;
    const backoff = options.retry?.backoff;
    tasks.set(name, {
      name,
      queue: options.queue,
      schema: options.input as StandardSchemaV1 | undefined,
      timeoutMs: options.timeout === undefined ? undefined : milliseconds(options.timeout, `timeout of task ${name}`),
      policy: options.retry === undefined ? null : retryPolicy(options.retry, `retry options of task ${name}`),
      backoff: typeof backoff === "function" ? backoff : undefined,
      retryIf: options.retry?.retryIf,
      cache: options.cache === undefined ? undefined : cacheSettings(options.cache, name),
      chunk: registeredChunk(definition),
      codec: options.codec,
      run: options.run as (context: TaskContext<unknown>) => unknown,
    });
  }
  return tasks;
}

function registeredChunk({ name, options }: TaskDefinition<never, unknown>): RegisteredChunk | undefined {
  const { chunk, run } = options as unknown as Partial<ChunkTaskOptions<unknown, unknown>>;
  if (chunk === undefined) return undefined;
  return { ...chunkSettings(chunk, name), run: run as RegisteredChunk["run"] };
}
