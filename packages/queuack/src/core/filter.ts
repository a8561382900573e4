import type { JobState } from "./job-state.ts";
import type { Outcome } from "./outcome.ts";

/** Which jobs are meant: all given conditions must hold; an empty filter means every job of the tenant. */
export interface JobFilter {
  readonly tenant?: string | undefined;
  readonly ids?: readonly string[] | undefined;
  readonly states?: readonly JobState[] | undefined;
  readonly outcomes?: readonly Outcome[] | undefined;
  readonly queues?: readonly string[] | undefined;
  readonly tasks?: readonly string[] | undefined;
  /** Members of the batches of these ids; what a batch holds by way of another is not among them. */
  readonly batches?: readonly string[] | undefined;
  /** Jobs that bear every one of these tags. */
  readonly tags?: readonly string[] | undefined;
  /** Milliseconds since the epoch, exclusive. */
  readonly createdBefore?: number | undefined;
  readonly createdAfter?: number | undefined;
  readonly finishedBefore?: number | undefined;
}

/** A page of a list, newest first. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Hand it to the next call to go on; `null` on the last page. */
  readonly cursor: string | null;
}
