import type { Clock } from "../core/clock.ts";
import { defaults } from "../core/defaults.ts";
import { type EventFilter, type EventName, eventNames, type QueueEvent } from "../core/events.ts";
import type { Explanation } from "../core/flow/explain.ts";
import type { Payload } from "../core/job.ts";
import type { Middleware } from "../core/middleware.ts";
import type { Provided } from "../core/provided.ts";
import { Provisions } from "../core/provisions.ts";
import type { QueueStats } from "../core/stats.ts";
import {
  task as defineTask,
  type JobOptions,
  type TaskContext,
  type TaskDefinition,
  type TaskOptions,
  type TransactionConnection,
} from "../core/task.ts";
import type { WorkerRecord } from "../core/worker-record.ts";
import type { Broker, EnqueuedJob } from "../engine/broker.ts";
import type { WorkerOptions } from "../worker/options.ts";
import { Worker } from "../worker/worker.ts";
import type { Batch, BatchHost } from "./batch.ts";
import { type BatchOptions, type CheckedOptions, submitBatch } from "./batch-submission.ts";
import { Batches } from "./batches.ts";
import { DeadLetters } from "./dead-letters.ts";
import { type EventListener, EventStream } from "./event-stream.ts";
import { HookRunner, type Hooks } from "./hooks.ts";
import { Job } from "./job.ts";
import { Jobs } from "./jobs.ts";
import { Limits } from "./limits.ts";
import { MiddlewareList } from "./middleware-list.ts";
import type { PoolOptions } from "./pool/options.ts";
import { WorkerPool } from "./pool/worker-pool.ts";
import { Queues } from "./queues.ts";
import { ResultCache } from "./result-cache.ts";
import { noOptions } from "./rows.ts";
import { invalid, oneOf, refuseOther, type Settings, shown, textList } from "./settings.ts";
import {
  type BatchJobs,
  type KnownTask,
  knownAmong,
  type ManyOptions,
  type SameJobs,
  type Submission,
  submittedJobs,
} from "./submission.ts";
import { Submitter } from "./submitter.ts";

const eventFilterKeys = ["names", "ids", "tenant", "queues", "tasks"] satisfies (keyof EventFilter)[];

/** How long `close()` waits for hooks that are at work, milliseconds. */
const hooksGraceMs = 5_000;

/** A connection to a queue: enqueue, work, look and manage. Made by `connect()`. */
export class Queue {
  /** What can be asked and done about jobs. */
  readonly jobs: Jobs;
  /** What can be asked and done about queues. */
  readonly queues: Queues;
  /** Limits on what runs at a time, and how often something starts. */
  readonly limits: Limits;
  /** What can be asked about batches. */
  readonly batches: Batches;
  /** The dead letter queue. */
  readonly dead: DeadLetters;
  /** The results that tasks with `cache` have left for later jobs. */
  readonly cache: ResultCache;
  /** What stands behind: for doors, tools and tests. */
  readonly broker: Broker;
  /** Where its time comes from. */
  readonly clock: Clock;
  readonly #settings: Settings;
  readonly #submitter: Submitter;
  readonly #middleware = new MiddlewareList();
  readonly #provisions = new Provisions();
  readonly #hooks: HookRunner;
  readonly #batchHost: BatchHost;
  readonly #random: (() => number) | undefined;
  readonly #tasks: Map<string, TaskDefinition<never, unknown>>;
  readonly #known: KnownTask;
  readonly #workers = new Set<Worker | WorkerPool>();
  readonly #streams = new Set<EventStream>();
  readonly #missedListeners = new Set<(event: QueueEvent) => unknown>();
  readonly #onError: (error: unknown) => void;
  /** What `connect()` was given: worker processes are given the same. */
  readonly #given: Readonly<Record<string, unknown>>;
  #closed: Promise<void> | null = null;

  /** Use `connect()`. */
  constructor(
    broker: Broker,
    params: {
      readonly settings: Settings;
      readonly clock: Clock;
      readonly tasks: readonly TaskDefinition<never, unknown>[];
      readonly random?: (() => number) | undefined;
      /** Hears of what listeners throw. */
      readonly onError?: ((error: unknown) => void) | undefined;
      /** What `connect()` was given. */
      readonly given?: object | undefined;
    },
  ) {
    this.broker = broker;
    this.#settings = params.settings;
    this.clock = params.clock;
    this.#random = params.random;
    this.#onError = params.onError ?? ((error) => process.emitWarning(error instanceof Error ? error : String(error)));
    this.#given = { ...params.given };
    this.#submitter = new Submitter({
      broker,
      settings: params.settings,
      middleware: this.#middleware,
      provided: this.#provisions.view,
    });
    this.#hooks = new HookRunner({ broker, codecs: params.settings.codecs, onError: this.#onError });
    this.#tasks = new Map();
    for (const definition of params.tasks) this.#register(definition);
    this.jobs = new Jobs(broker, params.settings);
    this.queues = new Queues(broker, params.settings, this.jobs, params.clock);
    this.#known = knownAmong(this.#tasks);
    this.#batchHost = { broker, settings: params.settings, submitter: this.#submitter, known: this.#known };
    this.batches = new Batches(this.#batchHost, params.settings);
    this.limits = new Limits(broker, params.settings);
    this.dead = new DeadLetters(this.jobs);
    this.cache = new ResultCache(broker, params.settings);
  }

  /**
   * Defines a task in short and makes it known to the workers that this connection makes afterwards.
   * @throws {QueuackError} `QUEUACK_INVALID_TASK`
   */
  task<Input = unknown, Result = unknown, Sent = Input>(
    name: string,
    run: (context: TaskContext<Input>) => Result | Promise<Result>,
    options: Omit<TaskOptions<Input, Result, Sent>, "name" | "run"> = {},
  ): TaskDefinition<Sent, Awaited<Result>> {
    const definition = defineTask<Input, Result, Sent>({ ...options, name, run });
    this.#register(definition);
    return definition;
  }

  /**
   * Adds middleware around every job that this connection enqueues, and around every handler that its workers run here,
   * those already made too. The first that was added is outermost. Returns the way to take it out.
   * @throws {QueuackError} `QUEUACK_INVALID_OPTION`
   */
  use(middleware: Middleware): () => void {
    return this.#middleware.add(middleware);
  }

  /**
   * Calls functions about the jobs that this connection's workers run, as soon as what they tell is committed. What a
   * hook throws goes to `onError`. Returns the way to stop.
   * @throws {QueuackError} `QUEUACK_INVALID_OPTION`, `QUEUACK_CLOSED`
   */
  hooks(hooks: Hooks): () => void {
    return this.#hooks.add(hooks);
  }

  /**
   * Registers what handlers find as `context.provided`, in workers already made too; each name once.
   * @throws {QueuackError} `QUEUACK_NOT_ALLOWED` where something has that name; `QUEUACK_INVALID_OPTION`
   */
  provide(values: Partial<Provided> & Readonly<Record<string, unknown>>): void {
    refuseOther(values, "What is provided");
    this.#provisions.add(values);
  }

  /**
   * The value of a payload, such as an event's `result`.
   * @throws {QueuackError} `QUEUACK_UNKNOWN_CODEC`, `QUEUACK_CODEC_FAILED`
   */
  decode(payload: Payload): unknown {
    return this.#settings.codecs.decode(payload, "payload");
  }

  /**
   * Enqueues a job, by way of the middleware; resolves once it is durable. With `tx` it is part of the caller's
   * transaction: it is there with the caller's commit, or not at all, and an error is thrown at once, so that it rolls that
   * transaction back.
   * @throws {QueuackError} `QUEUACK_INVALID_INPUT`, `QUEUACK_NOT_STORABLE`, `QUEUACK_INVALID_OPTION`,
   *   `QUEUACK_QUEUE_FULL`, `QUEUACK_DUPLICATE_JOB`, `QUEUACK_INVALID_TRANSACTION`; `QUEUACK_UNSUPPORTED` for `tx` where
   *   there is middleware around enqueueing
   */
  enqueue<Sent, Result>(task: TaskDefinition<Sent, Result>, input: Sent, options?: JobOptions): Promise<Job<Result>>;
  enqueue<Result>(task: TaskDefinition<undefined, Result>): Promise<Job<Result>>;
  enqueue(task: string, input?: unknown, options?: JobOptions): Promise<Job>;
  enqueue(
    task: TaskDefinition<never, unknown> | string,
    input?: unknown,
    options: JobOptions = noOptions,
  ): Promise<Job<never>> {
    return options?.tx === undefined
      ? this.#enqueue(task, input, options)
      : this.#enqueueWithin(options.tx, task, input, options);
  }

  async #enqueue(
    task: TaskDefinition<never, unknown> | string,
    input: unknown,
    options: JobOptions,
  ): Promise<Job<never>> {
    const accepted = await this.#submitter.submitOne({ task: this.#known(task), input, options });
    return this.#handle(accepted[0] as EnqueuedJob);
  }

  /** Not async: whatever is wrong must be thrown before the caller's transaction can go on to its commit. */
  #enqueueWithin(
    tx: TransactionConnection,
    task: TaskDefinition<never, unknown> | string,
    input: unknown,
    { tx: _tx, ...options }: JobOptions,
  ): Promise<Job<never>> {
    const accepted = this.#submitter.submitWithin(tx, { task: this.#known(task), input, options });
    const made = ([first]: readonly EnqueuedJob[]): Job<never> => this.#handle(first as EnqueuedJob);
    return accepted instanceof Promise ? accepted.then(made) : Promise.resolve(made(accepted));
  }

  /**
   * Enqueues many jobs: one task with many inputs, or a mixed list. Up to 10,000 are accepted all or nothing; more go in
   * chunks of at most 10,000, each read, checked and committed by itself.
   * @throws {QueuackError} as `enqueue`; nothing of the chunk at hand was accepted then, `details.accepted` says how many
   *   before it were
   */
  async enqueueMany<Sent, Result>(
    task: TaskDefinition<Sent, Result>,
    inputs: Iterable<Sent>,
    options?: ManyOptions,
  ): Promise<Job<Result>[]>;
  async enqueueMany(task: string, inputs: Iterable<unknown>, options?: ManyOptions): Promise<Job[]>;
  async enqueueMany(list: Iterable<Submission>, options?: ManyOptions): Promise<Job[]>;
  async enqueueMany(
    first: TaskDefinition<never, unknown> | string | Iterable<Submission>,
    second?: Iterable<unknown> | ManyOptions,
    third?: ManyOptions,
  ): Promise<Job<never>[]> {
    const { onProgress, ...jobs } = submittedJobs([first, second, third], this.#known, this.#settings);
    return await this.#submitter.submit(jobs, (accepted) => this.#handle(accepted), { onProgress });
  }

  /**
   * Enqueues jobs that belong together: one task with many inputs, or a mixed list; what follows when all of them are
   * over is enqueued in the very commit that ends the last, once. Up to 10,000 jobs are accepted with their batch all or
   * nothing; of more, which go in chunks, the batch stays open until the last is in.
   * @throws {QueuackError} as `enqueue`; `QUEUACK_UNKNOWN_BATCH`, `QUEUACK_BATCH_FINISHED` of `parent`
   */
  async batch<Sent, Completed = never, Succeeded = never>(
    name: string,
    jobs: SameJobs<Sent>,
    options?: BatchOptions<Completed, Succeeded>,
  ): Promise<Batch>;
  async batch<Completed = never, Succeeded = never>(
    name: string,
    jobs: Iterable<Submission>,
    options?: BatchOptions<Completed, Succeeded>,
  ): Promise<Batch>;
  async batch(name: string, jobs: BatchJobs, options: CheckedOptions = {}): Promise<Batch> {
    return await submitBatch(name, jobs, options, this.#batchHost);
  }

  /** Why a job does not run. @throws {QueuackError} `QUEUACK_UNKNOWN_JOB` */
  explain(id: string): Promise<Explanation> {
    return this.job(id).explain();
  }

  /** The handle of a job by its id, whether it exists or not. */
  job<Result = unknown>(id: string): Job<Result> {
    return new Job<Result>(this.broker, id, {}, this.#settings.codecs);
  }

  /**
   * Makes a worker; it begins with `run()` or `start()`. Without `tasks` it runs those of `q.task()` and `connect()`.
   * @throws {QueuackError} `QUEUACK_INVALID_OPTION`, `QUEUACK_INVALID_TASK`
   */
  worker(options: Partial<WorkerOptions> = {}): Worker {
    const { tasks = [...this.#tasks.values()] } = options;
    for (const definition of tasks) this.#register(definition);
    const worker = new Worker(
      this.broker,
      { payloadLimit: this.#settings.payloadLimit, ...options, tasks },
      {
        clock: this.clock,
        enqueue: (task, input, jobOptions) => this.enqueue(task as string, input, jobOptions),
        random: this.#random,
        codecs: this.#settings.codecs,
        middleware: () => this.#middleware.run,
        provided: this.#provisions.view,
      },
    );
    this.#workers.add(worker);
    return worker;
  }

  /**
   * Makes a pool of worker processes, each with one worker over the tasks that modules export; it begins with `run()` or
   * `start()`. A queue in memory moves to a temporary file for it.
   * @throws {QueuackError} `QUEUACK_INVALID_OPTION`; `QUEUACK_UNSUPPORTED` where this connection was given what no other
   *   process can be given, such as a clock
   */
  workers(options: PoolOptions): WorkerPool {
    const pool = new WorkerPool(this.broker, this.#given, options);
    this.#workers.add(pool);
    return pool;
  }

  /** Every worker that is known, the recently gone ones too. */
  async listWorkers(): Promise<readonly WorkerRecord[]> {
    return await this.broker.listWorkers();
  }

  /** Every queue with its figures; costs the same however many jobs there are. */
  async stats(): Promise<readonly QueueStats[]> {
    return await this.queues.list();
  }

  /**
   * Calls back at every event of a name that matches, one at a time: the next waits until the promise of the last has
   * settled. A listener that lags too far behind misses events; `events:missed` tells so. What a listener throws goes to
   * `onError`. Returns the way to stop.
   * @throws {QueuackError} `QUEUACK_INVALID_OPTION`, `QUEUACK_CLOSED`
   */
  on<Name extends EventName>(
    name: Name,
    listener: EventListener<Name>,
    filter: Omit<EventFilter, "names"> = {},
  ): () => void {
    if (typeof listener !== "function") throw invalid(`The listener is ${shown(listener)}.`, "Give a function.");
    const heard = listener as unknown as (event: QueueEvent) => unknown;
    if (name === "events:missed") {
      this.#missedListeners.add(heard);
      return () => void this.#missedListeners.delete(heard);
    }
    const stream = this.events({ ...filter, names: [name] });
    void this.#deliver(stream, heard);
    return () => void stream.return();
  }

  /**
   * Events that match, as they come: `for await (const event of q.events())`. A reader that lags too far behind misses
   * the oldest, and is told how many by an `events:missed` in their place.
   * @throws {QueuackError} `QUEUACK_INVALID_OPTION`, `QUEUACK_CLOSED`
   */
  events(filter: EventFilter = {}): EventStream {
    refuseOther(filter, "The filter of events", eventFilterKeys);
    for (const key of ["names", "ids", "queues", "tasks"] as const) textList(filter[key], key);
    oneOf(filter.names, eventNames, "names");
    const stream = new EventStream(this.broker, filter, {
      limit: defaults.eventBuffer,
      now: () => this.clock.now(),
      onClose: () => this.#streams.delete(stream),
    });
    this.#streams.add(stream);
    return stream;
  }

  /** Stops the workers of this connection, also those of its pools, then lets go of the store; what was enqueued before is accepted first. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    try {
      await Promise.all([...this.#workers].map((worker) => worker.stop()));
      await this.#hooksIdle();
    } finally {
      for (const stream of this.#streams) stream.close();
      await this.broker.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Waits for the hooks that are at work, but not for one that hangs. */
  async #hooksIdle(): Promise<void> {
    let cancel: () => void = () => undefined;
    const enough = new Promise<void>((resolve) => {
      cancel = this.clock.timer(hooksGraceMs, resolve);
    });
    await Promise.race([this.#hooks.idle(), enough]);
    cancel();
  }

  /** Makes a task known, and the codec that it names. */
  #register(definition: TaskDefinition<never, unknown>): void {
    this.#settings.codecs.learn(definition.options.codec);
    this.#tasks.set(definition.name, definition);
  }

  #handle(accepted: EnqueuedJob): Job<never> {
    return new Job(this.broker, accepted.id, accepted, this.#settings.codecs);
  }

  /** Hands events to a listener; what it missed is told to those who listen for that. */
  async #deliver(stream: EventStream, listener: (event: QueueEvent) => unknown): Promise<void> {
    for await (const event of stream) {
      for (const hear of event.name === "events:missed" ? this.#missedListeners : [listener]) {
        try {
          await hear(event);
        } catch (error) {
          this.#onError(error);
        }
      }
    }
  }
}
