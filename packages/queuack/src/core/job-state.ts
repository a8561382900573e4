/** Every state of a job, in the order of its life; the last five are final. */
export const jobStates = [
  "scheduled",
  "pending",
  "available",
  "running",
  "retryable",
  "completed",
  "discarded",
  "cancelled",
  "skipped",
  "upstream_failed",
] as const;

/** The state of a job: exactly one at any time. */
export type JobState = (typeof jobStates)[number];

/** The states that a job never leaves by itself. */
export const finalStates = ["completed", "discarded", "cancelled", "skipped", "upstream_failed"] as const;

/** A state that is final. */
export type FinalState = (typeof finalStates)[number];

/** The states that count against a queue's backpressure limit: work that is accepted and not yet started. */
export const waitingStates = ["scheduled", "pending", "available", "retryable"] as const;

/** Whether a state is final. */
export function isFinal(state: JobState): state is FinalState {
  return (finalStates as readonly JobState[]).includes(state);
}
