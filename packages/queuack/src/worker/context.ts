import type { Duration } from "../core/duration.ts";
import { milliseconds } from "../core/duration.ts";
import type { ClaimedJob, LogLevel } from "../core/job.ts";
import type { Provided } from "../core/provided.ts";
import type { Enqueue, JobLog, RunningJob, TaskContext } from "../core/task.ts";

/** What a context asks of the attempt it belongs to. */
export interface Attempt {
  readonly job: ClaimedJob;
  /** Made when first asked for. */
  readonly signal: AbortSignal;
  progress(progress: number | Record<string, unknown>): Promise<void>;
  log(level: LogLevel, message: string, data: unknown): void;
  heartbeat(): Promise<void>;
  readonly enqueue: Enqueue;
  readonly provided: Provided;
}

/** Thrown by `snooze()` to end the handler. */
export class Snooze extends Error {
  override readonly name = "Snooze";
  readonly delayMs: number;

  constructor(delayMs: number) {
    super(`put back for ${delayMs} ms`);
    this.delayMs = delayMs;
  }
}

/** Thrown by `discard()` to end the handler. */
export class Discard extends Error {
  override readonly name = "Discard";
}

/**
 * The one argument of every handler. Most handlers use little of it, so each part is made when it is first asked for.
 * Its parts may be taken out (`({ input, log }) => …`), but `{ ...context }` copies only `input` and `attempt`.
 */
export class Context implements TaskContext<unknown> {
  readonly input: unknown;
  readonly attempt: number;
  readonly #attempt: Attempt;
  #job: RunningJob | undefined;
  #log: JobLog | undefined;

  constructor(input: unknown, attempt: Attempt) {
    this.input = input;
    this.attempt = attempt.job.attempt;
    this.#attempt = attempt;
  }

  get job(): RunningJob {
    this.#job ??= runningJob(this.#attempt.job);
    return this.#job;
  }

  get signal(): AbortSignal {
    return this.#attempt.signal;
  }

  get log(): JobLog {
    this.#log ??= jobLog(this.#attempt);
    return this.#log;
  }

  get progress(): (progress: number | Record<string, unknown>) => Promise<void> {
    return (progress) => this.#attempt.progress(progress);
  }

  get heartbeat(): () => Promise<void> {
    return () => this.#attempt.heartbeat();
  }

  get snooze(): (delay: Duration) => never {
    return snooze;
  }

  get discard(): (reason: string) => never {
    return discard;
  }

  get provided(): Provided {
    return this.#attempt.provided;
  }

  /** Jobs that a job enqueues belong to its tenant unless they say otherwise. */
  get enqueue(): Enqueue {
    const { enqueue, job } = this.#attempt;
    return (task, input, options) => enqueue(task, input, { tenant: job.tenant, ...options });
  }
}

function snooze(delay: Duration): never {
  throw new Snooze(milliseconds(delay, "snooze"));
}

function discard(reason: string): never {
  throw new Discard(reason);
}

function runningJob(job: ClaimedJob): RunningJob {
  const { createdAt, id, tenant, queue, task, priority, maxAttempts, generation, tags, metadata, group } = job;
  const created = new Date(createdAt);
  return { id, tenant, queue, task, priority, maxAttempts, generation, createdAt: created, tags, metadata, group };
}

/** A log that writes at every level through one function. */
export function jobLog(attempt: Pick<Attempt, "log">): JobLog {
  const at = (level: LogLevel) => (message: string, data?: unknown) => attempt.log(level, message, data);
  return Object.assign(at("info"), { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") });
}
