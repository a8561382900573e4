/** Why a job stands in its state, for people and filters. */
export const outcomes = [
  "succeeded",
  "cached",
  "failed",
  "timed_out",
  "crashed",
  "expired",
  "discarded",
  "cancelled",
  "superseded",
  "exited",
  "out_of_memory",
  "unhandled_rejection",
] as const;

/** Why a job or an attempt ended as it did. */
export type Outcome = (typeof outcomes)[number];

/** What went wrong in an attempt, as it is kept. */
export interface ErrorRecord {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  /** A stable code, where the error had one. */
  readonly code?: string | undefined;
}
