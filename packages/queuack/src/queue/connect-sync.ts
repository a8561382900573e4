import type { Codecs } from "../codecs/codecs.ts";
import { type Duration, milliseconds } from "../core/duration.ts";
import { QueuackError } from "../core/errors.ts";
import type { NewJob } from "../core/job.ts";
import type { QueueStats } from "../core/stats.ts";
import type { JobOptions, TaskDefinition } from "../core/task.ts";
import { Ahead } from "./ahead.ts";
import { checkedTasks } from "./connect.ts";
import { environmentOptions, merge } from "./environment.ts";
import { resultOf, unknownJob } from "./job.ts";
import { type JobView, jobView } from "./job-view.ts";
import { nameOf, noOptions, Rows, type SubmittedJob } from "./rows.ts";
import { positive, refuseUnknown, type SettingOptions, type Settings, settings } from "./settings.ts";
import {
  chunkOf,
  type KnownTask,
  knownAmong,
  type ManyArguments,
  type ManyOptions,
  type Submission,
  submittedJobs,
} from "./submission.ts";
import { partlyAccepted } from "./submitter.ts";
import { SyncThread } from "./sync-thread.ts";

/** How long a call may take where nobody says, milliseconds. */
const callMs = 60_000;

/** What `connectSync()` may be told. */
export interface SyncOptions extends SettingOptions {
  /** Tasks to be enqueued by name with their schemas, queues and policies. Their handlers are not run here. */
  readonly tasks?: readonly TaskDefinition<never, unknown>[] | undefined;
  /**
   * How long a call may take before it is given up; by default a minute. Opening may take a
   * minute in any case, and waiting for a result has a limit of its own.
   */
  readonly timeout?: Duration | undefined;
}

/** A job that was accepted, as a value. */
export interface SyncJob<Result = unknown> {
  readonly id: string;
  /** Whether it had been accepted before, under this id or idempotency key. */
  readonly duplicate: boolean;
  /** Never there: it tells the compiler what the job's result is. */
  readonly makes?: (() => Result) | undefined;
}

/**
 * Opens a queue for a script without `await`: every call blocks this thread until it has its answer. For programs that do
 * one thing after another; never for a server, nor beside a worker in the same thread, which would stand still as well.
 * @param url as for `connect()`
 * @throws {QueuackError} as `connect()`; `QUEUACK_CALL_TIMEOUT`
 */
export function connectSync(url?: string, options: SyncOptions = {}): SyncQueue {
  refuseUnknown(options, ["tasks", "timeout"], "connectSync()");
  const { tasks = [], timeout = callMs, codec: _codec, codecs: _codecs, ...crossing } = options;
  const timeoutMs = positive(milliseconds(timeout, "timeout"), "timeout");
  const read = settings(merge(environmentOptions(process.env), options));
  checkedTasks(tasks);
  for (const { options: own } of tasks) read.codecs.learn(own.codec);
  const thread = new SyncThread(timeoutMs);
  try {
    // However short the calls are to be, a thread has to start and to load the driver first.
    thread.call("connect", [url, crossing], Math.max(timeoutMs, callMs));
  } catch (error) {
    thread.end();
    throw error;
  }
  return new SyncQueue(thread, read, new Map(tasks.map((definition) => [definition.name, definition])));
}

/** A connection whose calls block. Made by `connectSync()`. */
export class SyncQueue {
  readonly #thread: SyncThread;
  readonly #settings: Settings;
  readonly #codecs: Codecs;
  readonly #rows: Rows;
  readonly #known: KnownTask;

  /** Use `connectSync()`. */
  constructor(thread: SyncThread, settings: Settings, tasks: ReadonlyMap<string, TaskDefinition<never, unknown>>) {
    this.#thread = thread;
    this.#settings = settings;
    this.#codecs = settings.codecs;
    this.#rows = new Rows(settings);
    this.#known = knownAmong(tasks);
  }

  /**
   * Enqueues a job; returns once it is durable.
   * @throws {QueuackError} as `Queue.enqueue`; `QUEUACK_UNSUPPORTED` where the task's schema is asynchronous;
   *   `QUEUACK_CALL_TIMEOUT`
   */
  enqueue<Sent, Result>(task: TaskDefinition<Sent, Result>, input: Sent, options?: JobOptions): SyncJob<Result>;
  enqueue<Result>(task: TaskDefinition<undefined, Result>): SyncJob<Result>;
  enqueue(task: string, input?: unknown, options?: JobOptions): SyncJob;
  enqueue(task: TaskDefinition<never, unknown> | string, input?: unknown, options = noOptions): SyncJob<never> {
    const [job] = this.#submit([this.#row({ task: this.#known(task), input, options })]);
    return job as SyncJob<never>;
  }

  /**
   * Enqueues many jobs: one task with many inputs, or a mixed list. Up to 10,000 are accepted all or nothing; more go in
   * chunks of at most 10,000, each read, checked and committed by itself.
   * @throws {QueuackError} as `enqueue`; nothing of the chunk at hand was accepted then, `details.accepted` says how many
   *   before it were
   */
  enqueueMany<Sent, Result>(
    task: TaskDefinition<Sent, Result>,
    inputs: Iterable<Sent>,
    options?: ManyOptions,
  ): SyncJob<Result>[];
  enqueueMany(task: string, inputs: Iterable<unknown>, options?: ManyOptions): SyncJob[];
  enqueueMany(list: Iterable<Submission>, options?: ManyOptions): SyncJob[];
  enqueueMany(...given: ManyArguments): SyncJob<never>[] {
    const { jobs, all, onProgress } = submittedJobs(given, this.#known, this.#settings);
    const ahead = new Ahead(jobs);
    const chunk = chunkOf(all);
    const accepted: SyncJob<never>[] = [];
    try {
      while (ahead.more) {
        const rows: NewJob[] = [];
        for (let job = ahead.next(); !job.done; job = ahead.next()) {
          if (rows.push(this.#row(job.value)) === chunk) break;
        }
        for (const job of this.#submit(rows)) accepted.push(job);
        onProgress?.(accepted.length, all ?? accepted.length + (ahead.more ? 1 : 0));
      }
    } catch (error) {
      throw accepted.length === 0 ? error : partlyAccepted(error, accepted.length);
    } finally {
      ahead.close();
    }
    return accepted;
  }

  /** A job as it stands; `null` when there is none of this id. */
  get(id: string): JobView | null {
    const [job] = this.#thread.broker("get", { ids: [id] });
    return job == null ? null : jobView(job, this.#codecs);
  }

  /**
   * Waits for the result of a job.
   * @param options.timeout how long; without it, as long as it takes
   * @throws {QueuackError} as `Job.result()`
   */
  result<Result = unknown>(
    job: SyncJob<Result> | string,
    options: { readonly timeout?: Duration | undefined } = {},
  ): Result {
    const id = typeof job === "string" ? job : job.id;
    const timeoutMs = options.timeout === undefined ? undefined : milliseconds(options.timeout, "timeout");
    const finished = this.#thread.wait({ id, timeoutMs });
    return resultOf(finished, { id, timeoutMs, codecs: this.#codecs }) as Result;
  }

  /**
   * Cancels a job: at once while it waits, through its abort signal while it runs. Answers whether it took effect.
   * @throws {QueuackError} `QUEUACK_UNKNOWN_JOB`
   */
  cancel(id: string): boolean {
    const [reply] = this.#thread.broker("change", { ids: [id], change: { kind: "cancel" } });
    if (reply === "missing") throw unknownJob(id);
    return reply !== "unchanged";
  }

  /** Every queue of this tenant with its figures; costs the same however many jobs there are. */
  stats(): readonly QueueStats[] {
    return this.#thread.broker("queueStats", { tenant: this.#settings.tenant });
  }

  /** Lets go of the store and ends the thread. Can be called again. */
  close(): void {
    this.#thread.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #row(job: SubmittedJob): NewJob {
    const row = this.#rows.of(job);
    if (!(row instanceof Promise)) return row;
    // Nobody will wait for what it comes to.
    row.catch(() => undefined);
    throw new QueuackError("QUEUACK_UNSUPPORTED", {
      message: `The schema of task ${nameOf(job.task)} checks asynchronously, and connectSync() can't wait for it.`,
      hint: "Use connect(), or a schema that answers at once.",
    });
  }

  #submit(jobs: readonly NewJob[]): SyncJob<never>[] {
    return this.#thread.broker("enqueue", { jobs }).map(({ id, duplicate }) => ({ id, duplicate }));
  }
}
