import { validInput } from "../core/input.ts";
import type { NewJob } from "../core/job.ts";
import type { JobOptions, TaskDefinition } from "../core/task.ts";
import { checkedTask, type JobTemplate, jobTemplate, newJob } from "./new-job.ts";
import { invalid, type Settings, shown } from "./settings.ts";

/** One line of a mixed submission: task, input, options. */
export type Submission = readonly [
  task: TaskDefinition<never, unknown> | string,
  input?: unknown,
  options?: JobOptions,
];

/** What may be said about a large submission beside the options of its jobs. */
export interface ManyOptions extends Omit<JobOptions, "id" | "idempotencyKey"> {
  /** Called after every commit with how many of all are accepted. */
  readonly onProgress?: ((accepted: number, all: number) => void) | undefined;
}

/** What `enqueueMany()` may be called with: a task, its inputs and options, or a mixed list and options. */
export type ManyArguments = readonly [
  first: TaskDefinition<never, unknown> | string | Iterable<Submission>,
  second?: Iterable<unknown> | ManyOptions | undefined,
  third?: ManyOptions | undefined,
];

/** One job that is to be enqueued, before it becomes a row. */
export interface SubmittedJob {
  readonly task: TaskDefinition<never, unknown> | string;
  readonly input: unknown;
  readonly options: JobOptions;
  /** What `task` and `options` come to, where many jobs share it. */
  readonly template?: JobTemplate;
}

/** The definition of a task that is asked for by name, where somebody knows it. */
export type KnownTask = (task: TaskDefinition<never, unknown> | string) => TaskDefinition<never, unknown> | string;

/** Looks tasks up that are asked for by name. */
export function knownAmong(tasks: ReadonlyMap<string, TaskDefinition<never, unknown>>): KnownTask {
  return (task) => (typeof task === "string" ? (tasks.get(task) ?? task) : checkedTask(task));
}

/**
 * The row of a job, its input checked and written; a promise only where the schema is asynchronous.
 * @throws {QueuackError} `QUEUACK_INVALID_INPUT`, `QUEUACK_INVALID_OPTION`, `QUEUACK_NOT_STORABLE`
 */
export function rowOf({ task, input, options, template }: SubmittedJob, settings: Settings): NewJob | Promise<NewJob> {
  if (options.tx !== undefined) {
    throw invalid(
      "tx is given where no transaction can be joined.",
      "Give it to enqueue() of a connection by connect().",
    );
  }
  const definition = typeof task === "string" ? undefined : task.options;
  const row = () =>
    newJob(template ?? jobTemplate(task, options, settings), input, options, settings, definition?.codec);
  const checked = validInput(definition?.input, input, nameOf(task));
  return checked instanceof Promise ? checked.then(row) : row();
}

/** Reads the arguments of `enqueueMany()`, job by job. @throws {QueuackError} `QUEUACK_INVALID_OPTION`, `QUEUACK_INVALID_TASK` */
export function submittedJobs(
  [first, second, third]: ManyArguments,
  known: KnownTask,
  settings: Settings,
): { readonly jobs: Iterable<SubmittedJob>; readonly onProgress: ManyOptions["onProgress"] } {
  const mixed = isIterable(first);
  const { onProgress, ...shared } = ((mixed ? second : third) ?? {}) as ManyOptions;
  refuseSingular(shared, onProgress);
  if (mixed) return { jobs: mixedJobs(first, shared, known), onProgress };
  return { jobs: likeJobs(known(first), second as Iterable<unknown>, shared, settings), onProgress };
}

/** The name of a task. */
export function nameOf(task: TaskDefinition<never, unknown> | string): string {
  return typeof task === "string" ? task : task.name;
}

function* likeJobs(
  task: TaskDefinition<never, unknown> | string,
  inputs: Iterable<unknown>,
  options: JobOptions,
  settings: Settings,
): Generator<SubmittedJob> {
  if (typeof inputs !== "string" && !isIterable(inputs)) {
    throw invalid(`The inputs are ${shown(inputs)}.`, "Give a list, or anything else to iterate over.");
  }
  const template = jobTemplate(task, options, settings);
  for (const input of inputs) yield { task, input, options, template };
}

function* mixedJobs(list: Iterable<Submission>, shared: JobOptions, known: KnownTask): Generator<SubmittedJob> {
  for (const line of list) {
    if (!Array.isArray(line)) throw invalid(`A line of the list is ${shown(line)}.`, "Give [task, input, options].");
    const [task, input, own] = line as Submission;
    const options = { ...shared, ...own };
    refuseTransaction(options);
    yield { task: known(task), input, options };
  }
}

function isIterable<T>(value: Iterable<T> | object | string): value is Iterable<T> {
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
