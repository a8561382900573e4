import type { Clock } from "../core/clock.ts";
import { defaults } from "../core/defaults.ts";
import { type EventFilter, type EventName, eventNames, type QueueEvent } from "../core/events.ts";
import type { Explanation } from "../core/flow/explain.ts";
import { validInput } from "../core/input.ts";
import type { NewJob } from "../core/job.ts";
import type { QueueStats } from "../core/stats.ts";
import {
  task as defineTask,
  type JobOptions,
  type TaskContext,
  type TaskDefinition,
  type TaskOptions,
} from "../core/task.ts";
import type { WorkerRecord } from "../core/worker-record.ts";
import type { Broker } from "../engine/broker.ts";
import type { WorkerOptions } from "../worker/options.ts";
import { Worker } from "../worker/worker.ts";
import type { Batch, BatchHost, BatchJobs, SameJobs, Submission } from "./batch.ts";
import { type BatchOptions, type CheckedOptions, checkedSame, submitBatch } from "./batch-submission.ts";
import { Batches } from "./batches.ts";
import { DeadLetters } from "./dead-letters.ts";
import { type EventListener, EventStream } from "./event-stream.ts";
import { Job } from "./job.ts";
import { Jobs } from "./jobs.ts";
import { Limits } from "./limits.ts";
import { checkedTask, jobTemplate, newJob } from "./new-job.ts";
import { Queues } from "./queues.ts";
import { invalid, oneOf, refuseOther, type Settings, shown, textList } from "./settings.ts";

export type { Submission } from "./batch.ts";

/** What may be said about a large submission beside the options of its jobs. */
export interface ManyOptions extends Omit<JobOptions, "id" | "idempotencyKey"> {
  /** Called after every commit with how many of all are accepted. */
  readonly onProgress?: ((accepted: number, all: number) => void) | undefined;
}

const eventFilterKeys = ["names", "ids", "tenant", "queues", "tasks"] satisfies (keyof EventFilter)[];

/** How long a submission prepares rows before it lets others run, milliseconds. */
const prepareMs = 8;

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
  /** What stands behind: for doors, tools and tests. */
  readonly broker: Broker;
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #random: (() => number) | undefined;
  readonly #tasks: Map<string, TaskDefinition<never, unknown>>;
  readonly #batchHost: BatchHost;
  readonly #workers = new Set<Worker>();
  readonly #streams = new Set<EventStream>();
  readonly #missedListeners = new Set<(event: QueueEvent) => unknown>();
  readonly #onError: (error: unknown) => void;
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
    },
  ) {
    this.broker = broker;
    this.#settings = params.settings;
    this.#clock = params.clock;
    this.#random = params.random;
    this.#onError = params.onError ?? ((error) => process.emitWarning(error instanceof Error ? error : String(error)));
    this.#tasks = new Map(params.tasks.map((definition) => [definition.name, definition]));
    this.jobs = new Jobs(broker, params.settings);
    this.queues = new Queues(broker, params.settings, this.jobs, params.clock);
    this.#batchHost = {
      broker,
      prepare: (jobs, shared, idOf) => this.#prepareBatch(jobs, shared, idOf),
    };
    this.batches = new Batches(this.#batchHost, params.settings);
    this.limits = new Limits(broker, params.settings);
    this.dead = new DeadLetters(this.jobs);
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
    this.#tasks.set(name, definition);
    return definition;
  }

  /**
   * Enqueues a job; resolves once it is durable.
   * @throws {QueuackError} `QUEUACK_INVALID_INPUT`, `QUEUACK_NOT_STORABLE`, `QUEUACK_INVALID_OPTION`, `QUEUACK_QUEUE_FULL`
   */
  async enqueue<Sent, Result>(
    task: TaskDefinition<Sent, Result>,
    input: Sent,
    options?: JobOptions,
  ): Promise<Job<Result>>;
  async enqueue<Result>(task: TaskDefinition<undefined, Result>): Promise<Job<Result>>;
  async enqueue(task: string, input?: unknown, options?: JobOptions): Promise<Job>;
  async enqueue(
    task: TaskDefinition<never, unknown> | string,
    input?: unknown,
    options: JobOptions = {},
  ): Promise<Job<never>> {
    const known = this.#known(task);
    const checked = validInput(schemaOf(known), input, nameOf(known));
    if (checked instanceof Promise) await checked;
    const job = newJob(jobTemplate(known, options, this.#settings), input, options, this.#settings);
    const [accepted] = await this.broker.enqueue({ jobs: [job] });
    return new Job(this.broker, accepted?.id ?? job.id, accepted);
  }

  /**
   * Enqueues many jobs: one task with many inputs, or a mixed list. Up to 10,000 are accepted all or nothing; more go in
   * chunks of 10,000, each by itself.
   * @throws {QueuackError} as `enqueue`; nothing of the chunk at hand was accepted then
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
    const mixed = isIterable(first);
    const { onProgress, ...shared } = ((mixed ? second : third) ?? {}) as ManyOptions;
    refuseSingular(shared, onProgress);
    const rows = mixed
      ? await this.#prepareMixed(first, shared)
      : await this.#prepareSame(first, second as Iterable<unknown>, shared);
    const jobs: Job<never>[] = [];
    for (let from = 0; from < rows.length; from += defaults.enqueueChunk) {
      const chunk = rows.slice(from, from + defaults.enqueueChunk);
      for (const accepted of await this.broker.enqueue({ jobs: chunk })) {
        jobs.push(new Job(this.broker, accepted.id, accepted));
      }
      onProgress?.(jobs.length, rows.length);
    }
    return jobs;
  }

  /**
   * Enqueues jobs that belong together: one task with many inputs, or a mixed list; what follows when all of them are
   * over is enqueued in the very commit that ends the last, once. Up to 10,000 jobs are accepted with their batch all or
   * nothing; of more, the batch stays open until the last chunk of 10,000 is in.
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
    const known = (task: TaskDefinition<never, unknown> | string) => this.#known(task);
    return await submitBatch(name, jobs, options, { ...this.#batchHost, settings: this.#settings, known });
  }

  /** Why a job does not run. @throws {QueuackError} `QUEUACK_UNKNOWN_JOB` */
  explain(id: string): Promise<Explanation> {
    return this.job(id).explain();
  }

  /** The handle of a job by its id, whether it exists or not. */
  job<Result = unknown>(id: string): Job<Result> {
    return new Job<Result>(this.broker, id);
  }

  /**
   * Makes a worker; it begins with `run()` or `start()`. Without `tasks` it runs those of `q.task()` and `connect()`.
   * @throws {QueuackError} `QUEUACK_INVALID_OPTION`, `QUEUACK_INVALID_TASK`
   */
  worker(options: Partial<WorkerOptions> = {}): Worker {
    const { tasks = [...this.#tasks.values()] } = options;
    for (const definition of tasks) this.#tasks.set(definition.name, definition);
    const worker = new Worker(
      this.broker,
      { payloadLimit: this.#settings.payloadLimit, ...options, tasks },
      {
        clock: this.#clock,
        enqueue: (task, input, jobOptions) => this.enqueue(task as string, input, jobOptions),
        random: this.#random,
      },
    );
    this.#workers.add(worker);
    return worker;
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
      now: () => this.#clock.now(),
      onClose: () => this.#streams.delete(stream),
    });
    this.#streams.add(stream);
    return stream;
  }

  /** Stops the workers of this connection, then lets go of the store; what was enqueued before is accepted first. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    try {
      await Promise.all([...this.#workers].map((worker) => worker.stop()));
    } finally {
      for (const stream of this.#streams) stream.close();
      await this.broker.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #prepareBatch(jobs: BatchJobs, shared: JobOptions, idOf?: (n: number) => string): Promise<NewJob[]> {
    if (isIterable(jobs)) return await this.#prepareMixed(jobs, shared, idOf);
    const { task, inputs, options } = checkedSame(jobs);
    refuseSingular(options ?? {}, undefined);
    return await this.#prepareSame(task, inputs, { ...shared, ...options }, idOf);
  }

  async #prepareSame(
    task: TaskDefinition<never, unknown> | string,
    inputs: Iterable<unknown>,
    options: JobOptions,
    idOf?: (n: number) => string,
  ): Promise<NewJob[]> {
    const known = this.#known(task);
    if (typeof inputs !== "string" && !isIterable(inputs)) {
      throw invalid(`The inputs are ${shown(inputs)}.`, "Give a list, or anything else to iterate over.");
    }
    const template = jobTemplate(known, options, this.#settings);
    const schema = schemaOf(known);
    return await inSlices(inputs, (input, n) => {
      const row = () => newJob(template, input, { id: idOf?.(n) }, this.#settings);
      const checked = validInput(schema, input, nameOf(known));
      return checked instanceof Promise ? checked.then(row) : row();
    });
  }

  async #prepareMixed(list: Iterable<Submission>, shared: JobOptions, idOf?: (n: number) => string): Promise<NewJob[]> {
    return await inSlices(list, (line, n) => {
      if (!Array.isArray(line)) {
        throw invalid(`A line of the list is ${shown(line)}.`, "Give [task, input, options].");
      }
      const [task, input, own] = line as Submission;
      const options = { ...shared, ...own };
      const known = this.#known(task);
      const row = () =>
        newJob(
          jobTemplate(known, options, this.#settings),
          input,
          { ...options, id: options.id ?? idOf?.(n) },
          this.#settings,
        );
      const checked = validInput(schemaOf(known), input, nameOf(known));
      return checked instanceof Promise ? checked.then(row) : row();
    });
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

  /** The definition of a task that is asked for by name, where this connection knows it. */
  #known(task: TaskDefinition<never, unknown> | string): TaskDefinition<never, unknown> | string {
    return typeof task === "string" ? (this.#tasks.get(task) ?? task) : checkedTask(task);
  }
}

function schemaOf(task: TaskDefinition<never, unknown> | string) {
  return typeof task === "string" ? undefined : task.options.input;
}

function nameOf(task: TaskDefinition<never, unknown> | string): string {
  return typeof task === "string" ? task : task.name;
}

function isIterable<T>(value: Iterable<T> | object | string): value is Iterable<T> {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}

/** Refuses what can't be said of many at once. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
function refuseSingular(shared: JobOptions, onProgress: unknown): void {
  for (const option of ["id", "idempotencyKey"] as const) {
    if (shared[option] !== undefined) {
      throw invalid(`${option} is given for many jobs at once.`, "Give each its own: [[task, input, options], …].");
    }
  }
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw invalid(`onProgress is ${shown(onProgress)}.`, "Give a function.");
  }
}

/** Makes a row of every item, and lets others run now and then. */
async function inSlices<Item, Row>(
  items: Iterable<Item>,
  row: (item: Item, n: number) => Row | Promise<Row>,
): Promise<Row[]> {
  const rows: Row[] = [];
  let started = performance.now();
  for (const item of items) {
    const made = row(item, rows.length);
    rows.push(made instanceof Promise ? await made : made);
    if (rows.length % 64 === 0 && performance.now() - started > prepareMs) {
      await new Promise((resolve) => setImmediate(resolve));
      started = performance.now();
    }
  }
  return rows;
}
