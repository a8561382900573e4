import { type JobState, waitingStates } from "./job-state.ts";

/** What becomes of a job whose unique key another job holds. */
export const conflictReplies = ["reject", "ignore", "replace", "reschedule"] as const;

/**
 * `reject`: the submission is refused. `ignore`: the job that is there is the answer. `replace`: it takes over input,
 * priority, time and options, if it still waits. `reschedule`: it takes over the time alone, if it still waits.
 */
export type OnConflict = (typeof conflictReplies)[number];

/** Uniqueness of a job: no two jobs of one key stand in these states. */
export interface Uniqueness {
  /** A hash over what makes the job unique; the store adds the period. */
  readonly key: string;
  /** The key is another one in every period of so many milliseconds, reckoned from the epoch on the store's clock. */
  readonly periodMs?: number | undefined;
  /** The states in which the key is held: always the waiting ones, with `running` and final ones on top. */
  readonly states: readonly JobState[];
  readonly onConflict: OnConflict;
}

/** What came of a conflict, where it was not refused. */
export type ConflictOutcome = "ignored" | "replaced" | "rescheduled";

/** The states in which a job is unique where nothing else is said: until it is final. */
export const liveStates: readonly JobState[] = [...waitingStates, "running"];
