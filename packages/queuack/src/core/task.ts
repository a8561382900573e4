import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type CacheOptions, cacheSettings } from "./cache.ts";
import { chunkSettings } from "./chunk-settings.ts";
import { type CodecOption, checkedCodec } from "./codec.ts";
import type { Duration } from "./duration.ts";
import { QueuackError } from "./errors.ts";
import type { JobState } from "./job-state.ts";
import type { Provided } from "./provided.ts";
import type { BackoffKind, Jitter } from "./retry.ts";
import type { OnConflict } from "./unique.ts";

/** What a job's log takes. */
export interface JobLog {
  (message: string, data?: unknown): void;
  debug(message: string, data?: unknown): void;
  info(message: string, data?: unknown): void;
  warn(message: string, data?: unknown): void;
  error(message: string, data?: unknown): void;
}

/** Facts about the job that runs. */
export interface RunningJob {
  readonly id: string;
  readonly tenant: string;
  readonly queue: string;
  readonly task: string;
  readonly priority: number;
  readonly maxAttempts: number;
  readonly generation: number;
  readonly createdAt: Date;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly group: string | null;
}

/** The one argument of every handler. */
export interface TaskContext<Input> {
  readonly input: Input;
  readonly job: RunningJob;
  /** Number of this attempt, from 1. */
  readonly attempt: number;
  /** Aborts when the attempt times out, the job is cancelled, its lease is lost, or the worker shuts down. */
  readonly signal: AbortSignal;
  /** Tells how far the job is: a number from 0 to 1 or an object; kept with the job. */
  progress(progress: number | Record<string, unknown>): Promise<void>;
  /** Writes to the job's own log. */
  readonly log: JobLog;
  /** Prolongs the lease now; workers do it by themselves. @throws {QueuackError} `QUEUACK_LEASE_LOST` */
  heartbeat(): Promise<void>;
  /** Puts the job back for later without consuming an attempt. Ends the handler: throws. */
  snooze(delay: Duration): never;
  /** Sends the job to the dead letter queue, whatever attempts are left. Ends the handler: throws. */
  discard(reason: string): never;
  /** Enqueues another job. */
  enqueue: Enqueue;
  /** What the application registered with `q.provide()`. To ask for what nobody provided throws `QUEUACK_NOT_PROVIDED`. */
  readonly provided: Provided;
}

/** A job of a chunk: its facts, and what concerns it alone. */
export interface ChunkJob extends RunningJob {
  /** Number of its attempt, from 1. */
  readonly attempt: number;
  /**
   * Aborts when this job is cancelled or its lease is lost, and when the whole chunk is to stop. Whatever its entry then
   * is, it is dropped.
   */
  readonly signal: AbortSignal;
  /** Writes to the job's own log. */
  readonly log: JobLog;
  /** Tells how far the job is: a number from 0 to 1 or an object; kept with the job. */
  progress(progress: number | Record<string, unknown>): Promise<void>;
}

/** The one argument of a handler that takes many jobs at once. They are all of one tenant. */
export interface ChunkContext<Input> {
  readonly inputs: readonly Input[];
  /** In the order of the inputs. */
  readonly jobs: readonly ChunkJob[];
  /** The number of each job's attempt, in the order of the inputs. */
  readonly attempts: readonly number[];
  /** Aborts when nobody waits for any of the jobs: the chunk times out, the worker shuts down, all were cancelled or lost. */
  readonly signal: AbortSignal;
  /** Writes to the log of every job. */
  readonly log: JobLog;
  /** As the entry of a job: puts it back for later without consuming an attempt. Thrown, it does so with all. */
  snooze(delay: Duration): Error;
  /** As the entry of a job: sends it to the dead letter queue, whatever attempts are left. Thrown, it does so with all. */
  discard(reason: string): Error;
  /** Enqueues another job. */
  enqueue: Enqueue;
}

/** How the jobs of a task are gathered into chunks, as a user writes it. */
export interface ChunkOptions<Input> {
  /** Most jobs of a chunk: it starts at once when it has as many. From 1 to 10,000. */
  readonly size: number;
  /** How long the first job of a chunk waits for others. */
  readonly wait: Duration;
  /** Only jobs of the same answer share a chunk. Runs in the worker; if it throws, the attempt of that job has failed. */
  readonly by?: ((context: { readonly input: Input; readonly job: RunningJob }) => string) | undefined;
}

/** Enqueues a job of a task; resolves after the commit to the id. */
export type Enqueue = <TaskInput>(
  task: TaskDefinition<TaskInput, unknown> | string,
  input?: TaskInput,
  options?: JobOptions,
) => Promise<{ readonly id: string }>;

/** How failed attempts are retried, as a user writes it. */
export interface RetryOptions {
  /** Attempts in all, the first included. */
  readonly maxAttempts?: number | undefined;
  /** A shape, or a function from the number of failed attempts and the error to a delay (runs in the worker). */
  readonly backoff?: BackoffKind | ((failed: number, error: unknown) => Duration) | undefined;
  /** The first delay. */
  readonly delay?: Duration | undefined;
  /** The largest delay. */
  readonly cap?: Duration | undefined;
  /** Base of `exponential`, power of `polynomial`. */
  readonly factor?: number | undefined;
  readonly jitter?: Jitter | undefined;
  /** Whether an error is worth another attempt (runs in the worker). */
  readonly retryIf?: ((error: unknown) => boolean | Promise<boolean>) | undefined;
}

/** How failed attempts are retried, without the functions: what can be stored with a job. */
export interface DeclarativeRetry extends Omit<RetryOptions, "backoff" | "retryIf"> {
  readonly backoff?: BackoffKind | undefined;
}

/**
 * Uniqueness as a user writes it: no two jobs of the same task, queue and chosen fields of the input stand in these
 * states at a time.
 */
export interface UniqueOptions {
  /** Fields of the input that count, such as `"user.id"`; all of it by default. */
  readonly by?: readonly string[] | undefined;
  /** Once in each period of this length, reckoned from the epoch: what has completed in it counts as well. */
  readonly period?: Duration | undefined;
  /** The waiting ones at least. By default these and `running`, and with a period `completed`. */
  readonly states?: readonly JobState[] | undefined;
  /** What becomes of another one; `"ignore"` by default: the job that is there is the answer. */
  readonly onConflict?: OnConflict | undefined;
}

/** A connection to the queue's own database with a transaction open: one of better-sqlite3, or of `node:sqlite`. */
export interface TransactionConnection {
  prepare(sql: string): unknown;
}

/** What may be said about one job when it is enqueued. */
export interface JobOptions {
  /** A UUID of the caller's own, for safe repetition; made by default. */
  readonly id?: string | undefined;
  /** 0–100, higher first, or a name. */
  readonly priority?: number | "low" | "normal" | "high" | undefined;
  readonly delay?: Duration | undefined;
  readonly runAt?: Date | number | undefined;
  readonly maxAttempts?: number | undefined;
  readonly backoff?: BackoffKind | Omit<DeclarativeRetry, "maxAttempts"> | undefined;
  readonly timeout?: Duration | undefined;
  /** A job that has not started by then is discarded as `expired`. */
  readonly expiresIn?: Duration | undefined;
  readonly queue?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  readonly idempotencyKey?: string | undefined;
  readonly tenant?: string | undefined;
  /** What it shares limits and turns by, such as a customer. */
  readonly group?: string | undefined;
  /** Refuses or merges what is enqueued twice. */
  readonly unique?: boolean | UniqueOptions | undefined;
  /** Enqueues within the transaction that is open on this connection: with its commit, or not at all. */
  readonly tx?: TransactionConnection | undefined;
}

/** What a user writes to define a task. */
export interface TaskOptions<Input, Result, Sent = Input> {
  readonly name: string;
  /** Any Standard Schema: checked when enqueued and before the handler runs. */
  readonly input?: StandardSchemaV1<Sent, Input> | undefined;
  readonly retry?: RetryOptions | undefined;
  /** How long an attempt may take. */
  readonly timeout?: Duration | undefined;
  readonly queue?: string | undefined;
  readonly priority?: JobOptions["priority"];
  /** How inputs and results are written; that of `connect()` by default. */
  readonly codec?: CodecOption | undefined;
  /** Refuses or merges jobs that are enqueued twice, where the job itself does not say. */
  readonly unique?: JobOptions["unique"];
  /** Keeps results, and completes later jobs of the same key with them instead of running. */
  readonly cache?: CacheOptions<Input> | undefined;
  /** Then `run` takes many jobs at once: see `ChunkTaskOptions`. */
  readonly chunk?: undefined;
  readonly run: (context: TaskContext<Input>) => Result | Promise<Result>;
}

/** What a user writes to define a task whose handler takes many jobs at once. */
export interface ChunkTaskOptions<Input, Entry, Sent = Input>
  extends Omit<TaskOptions<Input, never, Sent>, "chunk" | "run"> {
  readonly chunk: ChunkOptions<Input>;
  /** Answers with an entry for each job, in the order of the inputs: its result, or the `Error` that it failed with. */
  readonly run: (context: ChunkContext<Input>) => readonly Entry[] | Promise<readonly Entry[]>;
}

/** A named definition of work: handler, input schema, retry policy, timeout. `Sent` is what a caller enqueues. */
export interface TaskDefinition<in Sent, out Result> {
  readonly name: string;
  readonly options: TaskOptions<never, Result, unknown>;
  /** Never there: it tells the compiler what may be sent. */
  readonly accepts?: ((input: Sent) => void) | undefined;
}

/** The result type of a task. */
export type ResultOf<T> = T extends TaskDefinition<never, infer Result> ? Result : never;

const knownOptions: readonly string[] = [
  "name",
  "input",
  "retry",
  "timeout",
  "queue",
  "priority",
  "codec",
  "unique",
  "cache",
  "chunk",
  "run",
] satisfies (keyof TaskOptions<unknown, unknown>)[];

/** The options of either kind of task, as far as they are checked. */
interface CheckedOptions {
  readonly name: string;
  readonly input?: StandardSchemaV1 | undefined;
  readonly cache?: CacheOptions<never> | undefined;
  readonly chunk?: ChunkOptions<never> | undefined;
  readonly codec?: CodecOption | undefined;
  readonly run: unknown;
}

/**
 * Defines a task whose handler takes many jobs at once: each is an attempt of its own, with a lease, an outcome and
 * retries of its own.
 * @throws {QueuackError} `QUEUACK_INVALID_TASK`
 */
export function task<Input = unknown, Entry = unknown, Sent = Input>(
  options: ChunkTaskOptions<Input, Entry, Sent>,
): TaskDefinition<Sent, Exclude<Entry, Error>>;
/**
 * Defines a task. The input's type comes from its schema, or from the annotation of the handler's context.
 * @throws {QueuackError} `QUEUACK_INVALID_TASK`
 */
export function task<Input = unknown, Result = unknown, Sent = Input>(
  options: TaskOptions<Input, Result, Sent>,
): TaskDefinition<Sent, Awaited<Result>>;
export function task(options: CheckedOptions): TaskDefinition<never, unknown> {
  validTaskName(options?.name);
  if (typeof options.run !== "function") {
    throw new QueuackError("QUEUACK_INVALID_TASK", { message: `Task ${options.name} has no run function.` });
  }
  const unknown = Object.keys(options).find((key) => !knownOptions.includes(key));
  if (unknown !== undefined) {
    throw new QueuackError("QUEUACK_INVALID_TASK", {
      message: `Task ${options.name} has an option ${JSON.stringify(unknown)} that nobody knows.`,
      hint: `Give some of ${knownOptions.join(", ")}.`,
    });
  }
  if (options.input !== undefined && typeof options.input?.["~standard"]?.validate !== "function") {
    throw new QueuackError("QUEUACK_INVALID_TASK", {
      message: `The input of task ${options.name} is not a schema.`,
      hint: "Give a Standard Schema, such as one of zod, valibot or arktype.",
    });
  }
  if (options.codec !== undefined) checkedCodec(options.codec, `codec of task ${options.name}`, "QUEUACK_INVALID_TASK");
  if (options.cache !== undefined) cacheSettings(options.cache, options.name);
  if (options.chunk !== undefined) chunkSettings(options.chunk, options.name);
  return { name: options.name, options: options as TaskOptions<never, unknown, unknown> };
}

/** A task's name, checked. @throws {QueuackError} `QUEUACK_INVALID_TASK` */
export function validTaskName(name: unknown): string {
  if (typeof name === "string" && /^[^\s\p{Cc}]{1,200}$/u.test(name)) return name;
  throw new QueuackError("QUEUACK_INVALID_TASK", {
    message: `A task's name is ${typeof name === "string" ? JSON.stringify(name) : String(name)}.`,
    hint: "Give it a name of 1 to 200 characters without white space.",
  });
}
