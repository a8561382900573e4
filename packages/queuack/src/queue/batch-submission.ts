import { createHash } from "node:crypto";
import type { NewBatch } from "../core/batch.ts";
import { QueuackError } from "../core/errors.ts";
import { validInput } from "../core/input.ts";
import type { NewJob } from "../core/job.ts";
import { encodePayload } from "../core/payload.ts";
import type { JobOptions, TaskDefinition } from "../core/task.ts";
import { allOf, Batch, type BatchHost } from "./batch.ts";
import { newId } from "./new-id.ts";
import { batchId, checkedTags, jobTemplate, newJob } from "./new-job.ts";
import { invalid, name as plainName, refuseOther, type Settings, shown } from "./settings.ts";
import { type BatchJobs, batchedJobs, type KnownTask, type Submission } from "./submission.ts";

/** Options of a job that follows a batch: it is made once, whatever else is there. */
export type CallbackOptions = Omit<JobOptions, "id" | "idempotencyKey" | "unique" | "batch" | "tenant" | "tx">;

/** A job that follows a batch, written as it would be enqueued: task, input, options. */
export type BatchCallback<Sent> =
  | readonly [task: TaskDefinition<Sent, unknown>, input: Sent, options?: CallbackOptions]
  | readonly [task: TaskDefinition<undefined, unknown>]
  | readonly [task: string, input?: unknown, options?: CallbackOptions];

/** What may be said about a batch. */
export interface BatchOptions<Completed = never, Succeeded = never> {
  /** Enqueued once, when all members are final for the first time, however they ended. */
  readonly onComplete?: BatchCallback<Completed> | undefined;
  /** Enqueued once, when all members are final and none has failed, for the first time: also after retries. */
  readonly onSuccess?: BatchCallback<Succeeded> | undefined;
  /** The batch that it becomes a member of, by its handle or id; it must not be finished. */
  readonly parent?: string | { readonly id: string } | undefined;
  /**
   * A UUID of the caller's own: submitted again with the same jobs in the same order, nothing is made twice. Made by
   * default.
   */
  readonly id?: string | undefined;
  readonly tenant?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Called after every commit with how many of all jobs are accepted. */
  readonly onProgress?: ((accepted: number, all: number) => void) | undefined;
}

/** The options of a batch, when the types of what follows have been checked. */
export interface CheckedOptions extends Omit<BatchOptions, "onComplete" | "onSuccess"> {
  readonly onComplete?: Submission | undefined;
  readonly onSuccess?: Submission | undefined;
}

const knownOptions: readonly string[] = [
  "onComplete",
  "onSuccess",
  "parent",
  "id",
  "tenant",
  "tags",
  "metadata",
  "onProgress",
] satisfies (keyof BatchOptions)[];

/** Makes a batch and enqueues its jobs, in chunks where they are many: it stays open until the last is in. */
export async function submitBatch(
  name: string,
  jobs: BatchJobs,
  options: CheckedOptions,
  host: BatchHost,
): Promise<Batch> {
  const { settings, submitter, known } = host;
  const batch = await draft(name, options, settings, known);
  const { id, tenant } = batch;
  // Who gives an id wants to repeat the submission: then the jobs must be the same ones as well.
  const idOf = options.id === undefined ? undefined : (n: number) => memberId(id, n);
  await submitter.submit(batchedJobs(jobs, { tenant, batch: id }, known, settings, idOf), ({ id }) => id, {
    batch,
    onProgress: options.onProgress,
    checkRows: (rows, from) => allOf(rows, from, id, tenant),
    partly: (error, accepted) => half(error, id, accepted),
  });
  return new Batch(host, id);
}

async function draft(
  name: string,
  options: CheckedOptions,
  settings: Settings,
  known: KnownTask,
): Promise<Omit<NewBatch, "sealed">> {
  refuseOther(options, "The options of a batch", knownOptions);
  const { parent, tags, metadata, onProgress } = options;
  if (typeof name !== "string" || !/^[^\p{Cc}]{1,200}$/u.test(name)) {
    throw invalid(`The name of the batch is ${shown(name)}.`, "Give a text of 1 to 200 characters.");
  }
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw invalid(`onProgress is ${shown(onProgress)}.`, "Give a function.");
  }
  if (metadata !== undefined) {
    refuseOther(metadata, "metadata");
    encodePayload(metadata, "metadata", settings.payloadLimit);
  }
  const id = options.id === undefined ? newId() : batchId(options.id, "id");
  const tenant = options.tenant === undefined ? settings.tenant : plainName(options.tenant, "tenant");
  const callback = async (line: Submission | undefined, what: string) =>
    line && (await follower(line, what, { id, tenant }, settings, known));
  return {
    id,
    tenant,
    name,
    parent: parent === undefined ? undefined : batchId(parent, "parent"),
    onComplete: await callback(options.onComplete, "onComplete"),
    onSuccess: await callback(options.onSuccess, "onSuccess"),
    tags: tags === undefined ? undefined : checkedTags(tags),
    metadata,
  };
}

/** The job that follows a batch. */
async function follower(
  line: Submission,
  what: string,
  batch: { id: string; tenant: string },
  settings: Settings,
  known: KnownTask,
): Promise<NewJob> {
  if (!Array.isArray(line)) throw invalid(`${what} is ${shown(line)}.`, "Give [task, input, options].");
  const [given, input, options = {}] = line;
  const task = known(given);
  for (const option of ["id", "idempotencyKey", "unique", "batch", "tenant", "tx"] as const) {
    if (options?.[option] === undefined) continue;
    throw invalid(`${what} is given ${option}.`, "Leave it out: it is made once, in the tenant of its batch.");
  }
  if (typeof task !== "string") await validInput(task.options.input, input, task.name);
  // A task's own uniqueness does not hold either: nothing may keep it from being made.
  const own = { ...options, tenant: batch.tenant, unique: false };
  const codec = typeof task === "string" ? undefined : task.options.codec;
  return { ...newJob(jobTemplate(task, own, settings), input, {}, settings, codec), callbackOf: batch.id };
}

/** The id of the n-th job of a batch that may be submitted again: near the batch's in time, a hash in the rest. */
function memberId(batch: string, n: number): string {
  const hash = createHash("sha256").update(`${batch}.${n}`).digest("hex");
  const variant = "89ab"[Number.parseInt(hash.slice(3, 4), 16) & 3];
  return `${batch.slice(0, 13)}-8${hash.slice(0, 3)}-${variant}${hash.slice(4, 7)}-${hash.slice(7, 19)}`;
}

/** What stopped a submission after some of it was in, with what can be done about that. */
function half(error: unknown, id: string, accepted: number): unknown {
  if (!(error instanceof QueuackError)) return error;
  return new QueuackError(error.code, {
    message: `${error.message} Batch ${id} holds the first ${accepted} jobs and stays open.`,
    hint: "Add the rest with add(), submit it again if you gave it an id, or cancel it.",
    cause: error,
    details: { ...error.details, batch: id, accepted },
  });
}
