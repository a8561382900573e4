import { Codecs } from "../codecs/codecs.ts";
import type { CodecOption } from "../core/codec.ts";
import { defaults } from "../core/defaults.ts";
import { QueuackError } from "../core/errors.ts";
import { validInput } from "../core/input.ts";
import type { LogLevel, NewJob, Payload } from "../core/job.ts";
import { decodePayload, encodePayload } from "../core/payload.ts";
import type { Provided } from "../core/provided.ts";
import { Provisions } from "../core/provisions.ts";
import type { JobOptions, TaskContext, TaskDefinition } from "../core/task.ts";
import { checkedTask, jobTemplate, newJob } from "../queue/new-job.ts";
import { invalid, refuseOther, settings, shown } from "../queue/settings.ts";
import { type Attempt, Context, Discard, Snooze } from "../worker/context.ts";

/** What a handler should see of its job, beside the input. */
export interface RunJobOptions {
  /** Number of the attempt, from 1. */
  readonly attempt?: number | undefined;
  /** Aborts the handler's signal when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** What `context.provided` has. */
  readonly provided?: Partial<Provided> | undefined;
  /** What `job` shows; as if enqueued with these options. */
  readonly job?:
    | Pick<JobOptions, "id" | "queue" | "priority" | "maxAttempts" | "tags" | "metadata" | "tenant">
    | undefined;
}

/** A job that a handler enqueued while it ran by itself: nothing was stored. */
export interface RecordedJob {
  readonly id: string;
  readonly task: string;
  readonly input: unknown;
  readonly options: JobOptions;
}

/** What a handler did beside its result. */
interface Recorded {
  /** What it reported, in order. */
  readonly progress: readonly (number | Record<string, unknown>)[];
  readonly logs: readonly { readonly level: LogLevel; readonly message: string; readonly data: unknown }[];
  readonly enqueued: readonly RecordedJob[];
}

/** What came of a handler that ran by itself. */
export type JobRun<Result> = Recorded &
  (
    | { readonly outcome: "completed"; readonly result: Result }
    /** It ended with `snooze()`. */
    | { readonly outcome: "snoozed"; readonly delayMs: number; readonly result?: undefined }
    /** It ended with `discard()`. */
    | { readonly outcome: "discarded"; readonly reason: string; readonly result?: undefined }
  );

/** The settings of a connection that says nothing. */
const plain = settings({});

const knownOptions: readonly string[] = ["attempt", "signal", "provided", "job"] satisfies (keyof RunJobOptions)[];

const jobKeys: readonly string[] = [
  "id",
  "queue",
  "priority",
  "maxAttempts",
  "tags",
  "metadata",
  "tenant",
] satisfies (keyof NonNullable<RunJobOptions["job"]>)[];

/**
 * Runs a task's handler once, by itself: no store, no worker, no retry, in this process. The input is checked by the
 * schema and goes through its stored form, as does the result. Not for tasks with `chunk`: `drain()` runs those. What the handler reports, logs and enqueues
 * is recorded.
 *
 * ```ts
 * const { result, logs } = await runJob(resize, { path: "a.png", width: 300 });
 * ```
 * @throws whatever the handler throws, as it is
 * @throws {QueuackError} `QUEUACK_INVALID_INPUT`, `QUEUACK_NOT_STORABLE`, `QUEUACK_PAYLOAD_TOO_LARGE`,
 *   `QUEUACK_INVALID_RESULT`, `QUEUACK_INVALID_OPTION`, `QUEUACK_INVALID_TASK`
 */
export async function runJob<Sent, Result>(
  task: TaskDefinition<Sent, Result>,
  input: NoInfer<Sent>,
  options?: RunJobOptions,
): Promise<JobRun<Result>>;
export async function runJob<Result>(task: TaskDefinition<undefined, Result>): Promise<JobRun<Result>>;
export async function runJob(
  task: TaskDefinition<never, unknown>,
  input?: unknown,
  options: RunJobOptions = {},
): Promise<JobRun<unknown>> {
  refuseOther(options, "runJob()", knownOptions);
  const { attempt = 1, job: facts = {} } = options;
  refuseOther(facts, "job", jobKeys);
  checkedTask(task);
  if (task.options.chunk !== undefined) {
    throw new QueuackError("QUEUACK_INVALID_TASK", {
      message: `Task ${task.name} takes many jobs at once.`,
      hint: "Enqueue them and let drain() run them.",
    });
  }
  const { codec } = task.options;
  const codecs = new Codecs();
  codecs.learn(codec);
  const job = newJob(jobTemplate(task, facts, plain), input, facts, plain, codec);
  if (!(Number.isSafeInteger(attempt) && attempt >= 1 && attempt <= job.maxAttempts)) {
    throw invalid(`attempt is ${shown(attempt)}.`, `Give a whole number from 1 to maxAttempts, ${job.maxAttempts}.`);
  }
  const schema = task.options.input;
  const value = await validInput(schema, codecs.decode(job.input, "input"), task.name);
  const recorded: { [Part in keyof Recorded]: Recorded[Part][number][] } = { progress: [], logs: [], enqueued: [] };
  const provisions = new Provisions();
  provisions.add(options.provided ?? {});
  const signal = options.signal ?? new AbortController().signal;
  const context = new Context(value, { ...recorder(job, attempt, signal, recorded), provided: provisions.view });
  let result: unknown;
  try {
    result = await (task.options.run as (context: TaskContext<unknown>) => unknown)(context);
  } catch (thrown) {
    if (thrown instanceof Snooze) return { outcome: "snoozed", delayMs: thrown.delayMs, ...recorded };
    if (thrown instanceof Discard) return { outcome: "discarded", reason: thrown.message, ...recorded };
    throw thrown;
  }
  return { outcome: "completed", result: asStored(result, codecs, codec), ...recorded };
}

/** The attempt behind the handler's context: keeps what it is told. */
function recorder(
  job: NewJob,
  attempt: number,
  signal: AbortSignal,
  recorded: { [Part in keyof Recorded]: Recorded[Part][number][] },
): Omit<Attempt, "provided"> {
  const now = Date.now();
  return {
    job: {
      ...job,
      token: 1,
      attempt,
      generation: 1,
      retry: job.retry ?? null,
      timeoutMs: job.timeoutMs ?? null,
      createdAt: now,
      startedAt: now,
      leaseUntil: now + defaults.leaseMs,
      tags: job.tags ?? [],
      metadata: job.metadata ?? null,
      group: job.group ?? null,
    },
    signal,
    async progress(progress) {
      const told = typeof progress === "number" ? Math.min(1, Math.max(0, progress)) : progress;
      recorded.progress.push(decodePayload(encodePayload(told, "progress", defaults.payloadLimit)) as typeof told);
    },
    log: (level, message, data) => void recorded.logs.push({ level, message: String(message), data }),
    heartbeat: async () => undefined,
    async enqueue(asked, input, options = {}) {
      const task = checkedTask(asked as TaskDefinition<never, unknown> | string);
      const name = typeof task === "string" ? task : task.name;
      if (typeof task !== "string") await validInput(task.options.input, input, name);
      const { id, input: stored } = newJob(jobTemplate(task, options, plain), input, options, plain, codecOf(task));
      const { tenant, ...said } = options;
      // The context names the job's own tenant where the handler names none.
      const own = tenant === job.tenant ? said : options;
      recorded.enqueued.push({ id, task: name, input: readBy(task, stored), options: own });
      return { id };
    },
  };
}

function codecOf(task: TaskDefinition<never, unknown> | string): CodecOption | undefined {
  return typeof task === "string" ? undefined : task.options.codec;
}

/** The value of an input that a task's codec has written. */
function readBy(task: TaskDefinition<never, unknown> | string, stored: Payload): unknown {
  const codecs = new Codecs();
  codecs.learn(codecOf(task));
  return codecs.decode(stored, "input");
}

/** A result as it comes back from a store. @throws {QueuackError} `QUEUACK_INVALID_RESULT` */
function asStored(result: unknown, codecs: Codecs, codec: CodecOption | undefined): unknown {
  try {
    return codecs.decode(codecs.encode(result, "result", defaults.payloadLimit, codec), "result");
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new QueuackError("QUEUACK_INVALID_RESULT", { message, cause });
  }
}
