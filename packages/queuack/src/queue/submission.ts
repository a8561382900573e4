import { defaults } from "../core/defaults.ts";
import type { JobOptions, TaskDefinition } from "../core/task.ts";
import { checkedTask, jobTemplate } from "./new-job.ts";
import type { JobTemplate } from "./row.ts";
import type { SubmittedJob } from "./rows.ts";
import { invalid, refuseOther, type Settings, shown } from "./settings.ts";

/** One line of a mixed submission: task, input, options. */
export type Submission = readonly [
  task: TaskDefinition<never, unknown> | string,
  input?: unknown,
  options?: JobOptions,
];

/** Jobs of one task, one for each input. */
export interface SameJobs<Sent, Input = Sent> {
  readonly task: TaskDefinition<Sent, unknown> | string;
  readonly inputs: Iterable<Input>;
  /** Options of each of them. */
  readonly options?: Omit<JobOptions, "id" | "idempotencyKey" | "batch" | "tenant" | "tx"> | undefined;
}

/** The jobs of a batch, when their types have been checked. */
export type BatchJobs = Iterable<Submission> | SameJobs<never, unknown>;

/** What may be said about a large submission beside the options of its jobs. */
export interface ManyOptions extends Omit<JobOptions, "id" | "idempotencyKey"> {
  /**
   * Called after every commit with how many of all are accepted. Of an iterable that does not say its length, `all` is
   * how many were read: more than `accepted` as long as more come.
   */
  readonly onProgress?: ((accepted: number, all: number) => void) | undefined;
}

/** What `enqueueMany()` may be called with: a task, its inputs and options, or a mixed list and options. */
export type ManyArguments = readonly [
  first: TaskDefinition<never, unknown> | string | Iterable<Submission>,
  second?: Iterable<unknown> | ManyOptions | undefined,
  third?: ManyOptions | undefined,
];

/** Jobs that are to be enqueued; `all`: how many, where that is known before they are read. */
export interface SubmittedJobs {
  readonly jobs: Iterable<SubmittedJob>;
  readonly all: number | undefined;
}

/** How many jobs to commit at a time, of `all`, where that is known. */
export function chunkOf(all: number | undefined): number {
  return all !== undefined && all > defaults.enqueueWhole ? defaults.enqueueChunk : defaults.enqueueWhole;
}

/** The definition of a task that is asked for by name, where somebody knows it. */
export type KnownTask = (task: TaskDefinition<never, unknown> | string) => TaskDefinition<never, unknown> | string;

/** Looks tasks up that are asked for by name. */
export function knownAmong(tasks: ReadonlyMap<string, TaskDefinition<never, unknown>>): KnownTask {
  return (task) => (typeof task === "string" ? (tasks.get(task) ?? task) : checkedTask(task));
}

/** Reads the arguments of `enqueueMany()`, job by job. @throws {QueuackError} `QUEUACK_INVALID_OPTION`, `QUEUACK_INVALID_TASK` */
export function submittedJobs(
  [first, second, third]: ManyArguments,
  known: KnownTask,
  settings: Settings,
): SubmittedJobs & { readonly onProgress: ManyOptions["onProgress"] } {
  const mixed = isIterable(first);
  const { onProgress, ...shared } = ((mixed ? second : third) ?? {}) as ManyOptions;
  refuseSingular(shared, onProgress);
  const jobs = mixed ? mixedJobs(first, shared, known, settings) : likeJobs(known(first), second, shared, settings);
  return { jobs, all: lengthOf(mixed ? first : second), onProgress };
}

/** Reads the jobs of a batch; `idOf` gives an id to the n-th where it bears none. @throws {QueuackError} as `submittedJobs` */
export function batchedJobs(
  jobs: BatchJobs,
  shared: JobOptions,
  known: KnownTask,
  settings: Settings,
  idOf?: (n: number) => string,
): SubmittedJobs {
  if (isIterable(jobs)) {
    return { jobs: withIds(mixedJobs(jobs, shared, known, settings), idOf), all: lengthOf(jobs) };
  }
  refuseOther(jobs, "The jobs of a batch", ["task", "inputs", "options"]);
  const { task, inputs, options = {} } = jobs;
  refuseSingular(options, undefined);
  const alike = likeJobs(known(task), inputs, { ...shared, ...options }, settings);
  return { jobs: withIds(alike, idOf), all: lengthOf(inputs) };
}

function* withIds(jobs: Iterable<SubmittedJob>, idOf: ((n: number) => string) | undefined): Generator<SubmittedJob> {
  let n = 0;
  for (const job of jobs) {
    const id = job.options.id ?? idOf?.(n);
    n++;
    yield id === undefined ? job : { ...job, options: { ...job.options, id } };
  }
}

/** How many there are, where they say so before they are read. */
function lengthOf(items: object | string | undefined): number | undefined {
  if (Array.isArray(items)) return items.length;
  return items instanceof Set || items instanceof Map ? items.size : undefined;
}

function* likeJobs(
  task: TaskDefinition<never, unknown> | string,
  inputs: Iterable<unknown> | object | undefined,
  options: JobOptions,
  settings: Settings,
): Generator<SubmittedJob> {
  if (typeof inputs !== "string" && !isIterable(inputs)) {
    throw invalid(`The inputs are ${shown(inputs)}.`, "Give a list, or anything else to iterate over.");
  }
  const template = jobTemplate(task, options, settings);
  for (const input of inputs) yield { task, input, options, template };
}

function* mixedJobs(
  list: Iterable<Submission>,
  shared: JobOptions,
  known: KnownTask,
  settings: Settings,
): Generator<SubmittedJob> {
  /** What the tasks come to whose lines have no options of their own. */
  const templates = new Map<SubmittedJob["task"], JobTemplate>();
  for (const line of list) {
    if (!Array.isArray(line)) throw invalid(`A line of the list is ${shown(line)}.`, "Give [task, input, options].");
    const [given, input, own] = line as Submission;
    const task = known(given);
    if (own === undefined) {
      const template = templates.get(task) ?? jobTemplate(task, shared, settings);
      templates.set(task, template);
      yield { task, input, options: shared, template };
    } else {
      refuseTransaction(own);
      yield { task, input, options: { ...shared, ...own } };
    }
  }
}

function isIterable<T>(value: Iterable<T> | object | string | undefined): value is Iterable<T> {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}

/** Refuses what can't be said of many at once. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
function refuseSingular(shared: JobOptions, onProgress: unknown): void {
  refuseTransaction(shared);
  for (const option of ["id", "idempotencyKey"] as const) {
    if (shared[option] !== undefined) {
      throw invalid(`${option} is given for many jobs at once.`, "Give each its own: [[task, input, options], …].");
    }
  }
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw invalid(`onProgress is ${shown(onProgress)}.`, "Give a function.");
  }
}

/** @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
function refuseTransaction({ tx }: JobOptions): void {
  if (tx === undefined) return;
  throw invalid("tx is given for many jobs at once.", "Within a transaction enqueue one by one: that costs no commit.");
}
