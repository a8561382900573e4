import { type Duration, milliseconds } from "../core/duration.ts";
import type { JobState } from "../core/job-state.ts";
import type { JobOptions } from "../core/task.ts";
import type { JobView } from "../queue/job-view.ts";
import { invalid, priority, refuseOther, shown, textList, time } from "../queue/settings.ts";
import { differences } from "./input-match.ts";

/** What else is expected of a job, beside its task and input. */
export interface ExpectedJob {
  readonly queue?: string | undefined;
  readonly priority?: JobOptions["priority"];
  /** The time from its acceptance to its earliest start, exactly. */
  readonly delay?: Duration | undefined;
  /** Its earliest start, exactly. */
  readonly runAt?: Date | number | undefined;
  /** It bears these tags, and maybe more. */
  readonly tags?: readonly string[] | undefined;
  /** Its metadata hold this, and maybe more. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** The tenant to look at; that of the connection by default. */
  readonly tenant?: string | undefined;
  /** The states to look at: by default those of a job that waits (scheduled, pending, available, retryable). */
  readonly states?: readonly JobState[] | undefined;
}

/** The names of its parts. */
export const jobKeys: readonly string[] = [
  "queue",
  "priority",
  "delay",
  "runAt",
  "tags",
  "metadata",
  "tenant",
  "states",
] satisfies (keyof ExpectedJob)[];

/** A job of the task, with where it differs from what is expected. */
export interface Candidate {
  readonly job: JobView;
  readonly differences: readonly string[];
}

/**
 * Reads and checks what is expected; answers with a function that tells where a job differs, one line for each place.
 * @throws {QueuackError} `QUEUACK_INVALID_OPTION`
 */
export function comparison(input: unknown, expected: ExpectedJob): (job: JobView) => string[] {
  const { queue, tags, metadata } = expected;
  if (expected.delay !== undefined && expected.runAt !== undefined) {
    throw invalid("Both delay and runAt are given.", "Give one of them.");
  }
  textList(tags, "tags");
  if (metadata !== undefined) refuseOther(metadata, "metadata");
  const rank = expected.priority === undefined ? undefined : priority(expected.priority);
  const delayMs = expected.delay === undefined ? undefined : milliseconds(expected.delay, "delay");
  const runAt = expected.runAt === undefined ? undefined : time(expected.runAt, "runAt");
  return (job) => {
    const told: string[] = [];
    if (typeof input === "function") {
      if (!input(job.input)) told.push("input does not fit the function");
    } else if (input !== undefined) told.push(...differences(job.input, input, "input"));
    if (queue !== undefined) told.push(...differences(job.queue, queue, "queue"));
    if (rank !== undefined) told.push(...differences(job.priority, rank, "priority"));
    const delayed = job.runAt.getTime() - job.createdAt.getTime();
    if (delayMs !== undefined && delayed !== delayMs) told.push(`delay is ${delayed} ms, expected ${delayMs} ms`);
    if (runAt !== undefined && job.runAt.getTime() !== runAt) {
      told.push(`runAt is ${job.runAt.toISOString()}, expected ${new Date(runAt).toISOString()}`);
    }
    for (const tag of tags ?? []) if (!job.tags.includes(tag)) told.push(`tags lack ${shown(tag)}`);
    if (metadata !== undefined) told.push(...differences(job.metadata, metadata, "metadata"));
    return told;
  };
}
