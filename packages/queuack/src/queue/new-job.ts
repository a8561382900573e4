import type { CodecOption } from "../core/codec.ts";
import { defaults } from "../core/defaults.ts";
import { milliseconds } from "../core/duration.ts";
import { QueuackError } from "../core/errors.ts";
import type { NewJob } from "../core/job.ts";
import { encodePayload } from "../core/payload.ts";
import type { RetryPolicy } from "../core/retry.ts";
import { retryPolicy } from "../core/retry-options.ts";
import { type JobOptions, type TaskDefinition, validTaskName } from "../core/task.ts";
import { newId } from "./new-id.ts";
import { type JobTemplate, Row } from "./row.ts";
import {
  groupKey,
  invalid,
  maxAttempts,
  name,
  positive,
  priority,
  refuseOther,
  type Settings,
  shown,
  time,
} from "./settings.ts";
import { uniqueness, uniqueTemplate } from "./unique-key.ts";

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const knownOptions: readonly string[] = [
  "id",
  "priority",
  "delay",
  "runAt",
  "maxAttempts",
  "backoff",
  "timeout",
  "expiresIn",
  "queue",
  "tags",
  "metadata",
  "idempotencyKey",
  "tenant",
  "group",
  "unique",
  "tx",
  "batch",
] satisfies (keyof JobOptions)[];

/**
 * Reads what is said about a job, by its options, its task and the connection, in this order.
 * @throws {QueuackError} `QUEUACK_INVALID_OPTION`, `QUEUACK_NOT_STORABLE`
 */
export function jobTemplate(
  task: TaskDefinition<never, unknown> | string,
  options: JobOptions,
  settings: Settings,
): JobTemplate {
  refuseOther(options, "The options of a job", knownOptions);
  const definition = typeof task === "string" ? undefined : task.options;
  const { delay, runAt, expiresIn, tags, metadata } = options;
  if (delay !== undefined && runAt !== undefined) throw invalid("Both delay and runAt are given.", "Give one of them.");
  const timeout = options.timeout ?? definition?.timeout;
  if (metadata !== undefined) {
    refuseOther(metadata, "metadata");
    encodePayload(metadata, "metadata", settings.payloadLimit);
  }
  const { group, batch } = options;
  const unique = options.unique ?? definition?.unique;
  const tenant = options.tenant === undefined ? settings.tenant : name(options.tenant, "tenant");
  const queue = name(options.queue ?? definition?.queue ?? settings.queue, "queue");
  const taskName = typeof task === "string" ? validTaskName(task) : task.name;
  return {
    tenant,
    queue,
    task: taskName,
    priority: priority(options.priority ?? definition?.priority ?? settings.priority),
    maxAttempts: maxAttempts(options.maxAttempts ?? definition?.retry?.maxAttempts ?? settings.maxAttempts),
    retry: policy(task, options, settings),
    timeoutMs: timeout === undefined ? settings.timeoutMs : positive(milliseconds(timeout, "timeout"), "timeout"),
    delayMs: delay === undefined ? undefined : milliseconds(delay, "delay"),
    runAt: runAt === undefined ? undefined : time(runAt, "runAt"),
    expiresInMs: expiresIn === undefined ? undefined : positive(milliseconds(expiresIn, "expiresIn"), "expiresIn"),
    tags: tags === undefined ? undefined : checkedTags(tags),
    metadata,
    group: group === undefined ? undefined : groupKey(group),
    batch: batch === undefined ? undefined : batchId(batch, "batch"),
    unique: unique === undefined ? undefined : uniqueTemplate(unique, [tenant, queue, taskName]),
  };
}

/** What is asked to be run, checked. @throws {QueuackError} `QUEUACK_INVALID_TASK` */
export function checkedTask<Task extends TaskDefinition<never, unknown> | string>(task: Task, what = "The task"): Task {
  if (typeof task === "string" || (typeof task === "object" && typeof task?.options?.run === "function")) return task;
  throw new QueuackError("QUEUACK_INVALID_TASK", {
    message: `${what} is ${shown(task)}.`,
    hint: "Give what task() made, or a name; a module that imports itself in a circle may bring undefined.",
  });
}

/** A job of a template, its input written with the codec of its task. @throws {QueuackError} `QUEUACK_NOT_STORABLE`, `QUEUACK_PAYLOAD_TOO_LARGE`, `QUEUACK_INVALID_OPTION` */
export function newJob(
  template: JobTemplate,
  input: unknown,
  { id, idempotencyKey }: Pick<JobOptions, "id" | "idempotencyKey">,
  settings: Settings,
  codec?: CodecOption,
): NewJob {
  if (id !== undefined && !uuidPattern.test(id)) {
    throw invalid(`id is ${shown(id)}.`, "Give a UUID, best a version 7, or leave it out.");
  }
  if (idempotencyKey !== undefined && !(typeof idempotencyKey === "string" && /^.{1,500}$/su.test(idempotencyKey))) {
    throw invalid(`idempotencyKey is ${shown(idempotencyKey)}.`, "Give a text of 1 to 500 characters.");
  }
  const { unique } = template;
  return new Row(template, {
    id: id?.toLowerCase() ?? newId(),
    input: settings.codecs.encode(input, "input", settings.payloadLimit, codec),
    idempotencyKey,
    unique: unique && uniqueness(unique, input),
  });
}

/** The policy to store with a job; `undefined` where it is the default one. */
function policy(
  task: TaskDefinition<never, unknown> | string,
  options: JobOptions,
  settings: Settings,
): RetryPolicy | undefined {
  const own = typeof task === "string" ? undefined : task.options.retry;
  const base =
    own === undefined
      ? settings.retry
      : retryPolicy(own, `retry options of task ${(task as { name: string }).name}`, settings.retry);
  const { backoff } = options;
  if (backoff === undefined) return base;
  if (typeof backoff !== "string") refuseOther(backoff, "backoff");
  const said = typeof backoff === "string" ? { backoff } : backoff;
  return retryPolicy(said, "backoff options of the job", base ?? defaults.retry, "job");
}

/** The id of a batch that is given by its handle or id. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
export function batchId(batch: string | { readonly id: string }, what: string): string {
  const id = typeof batch === "object" ? batch?.id : batch;
  if (typeof id === "string" && uuidPattern.test(id)) return id.toLowerCase();
  throw invalid(`${what} is ${shown(batch)}.`, "Give the handle of a batch, or its id, a UUID.");
}

/** Tags, checked. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
export function checkedTags(tags: readonly string[]): readonly string[] {
  if (Array.isArray(tags) && tags.length <= 50 && tags.every((tag) => typeof tag === "string" && tag.length <= 200))
    return tags;
  throw invalid(`tags is ${shown(tags)}.`, "Give at most 50 texts of at most 200 characters.");
}
