import type { NewJob } from "./job.ts";
import type { JobState } from "./job-state.ts";

/** A batch as it is handed to a store: jobs that belong together, and what follows when all of them are over. */
export interface NewBatch {
  /** A UUIDv7 made by the caller; a repeated submission bears the same one. */
  readonly id: string;
  readonly tenant: string;
  /** For people; several batches may share one. */
  readonly name: string;
  /** Id of the batch that it is a member of. */
  readonly parent?: string | undefined;
  /** Inserted when all members are final for the first time. */
  readonly onComplete?: NewJob | undefined;
  /** Inserted when all members are final and none has failed, for the first time. */
  readonly onSuccess?: NewJob | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Whether its jobs are all in; otherwise it stays open until it is submitted again with `true`. */
  readonly sealed: boolean;
}

/** A batch as a store reads it back. Members are jobs and other batches. Times are milliseconds since the epoch. */
export interface BatchRecord {
  readonly id: string;
  readonly tenant: string;
  readonly name: string;
  readonly parent: string | null;
  /** Ids of the batches that are members, as long as they are kept, oldest first. */
  readonly children: readonly string[];
  /** Members in all; those that were deleted when they were over count on. */
  readonly total: number;
  /** Members that are not final. */
  readonly open: number;
  /** Members that are final and neither completed nor skipped. */
  readonly failed: number;
  readonly sealed: boolean;
  readonly createdAt: number;
  /** When all members were final for the first time. */
  readonly completedAt: number | null;
  /** When all members were final and none had failed, for the first time. */
  readonly succeededAt: number | null;
  /** When somebody cancelled it: it takes no more members. */
  readonly cancelledAt: number | null;
  /** Id of the job that follows its completion, whether it is there yet or not. */
  readonly onComplete: string | null;
  /** Id of the job that follows its success, whether it is there yet or not. */
  readonly onSuccess: string | null;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>> | null;
}

/** Which batches are meant: all given conditions must hold. */
export interface BatchFilter {
  readonly tenant?: string | undefined;
  readonly names?: readonly string[] | undefined;
  /** Those that have something open, or those that have not. */
  readonly open?: boolean | undefined;
}

/** A batch whose last open member has ended, perhaps once more. */
export interface BatchEnd {
  readonly id: string;
  readonly tenant: string;
  readonly name: string;
  readonly total: number;
  readonly failed: number;
  /** Whether it is complete for the first time. */
  readonly completed: boolean;
  /** Whether it has succeeded for the first time. */
  readonly succeeded: boolean;
  /** The jobs that followed. */
  readonly callbacks: readonly (Pick<NewJob, "id" | "tenant" | "queue" | "task"> & { readonly state: JobState })[];
  /** Milliseconds until the first of them may start; `null` where none followed. */
  readonly nextInMs: number | null;
}

/** Whether every member of a batch is final, and no more are announced. */
export function isComplete({ open, sealed }: Pick<BatchRecord, "open" | "sealed">): boolean {
  return open === 0 && sealed;
}
