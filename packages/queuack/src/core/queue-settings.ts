/** What a full queue does with another job. */
export type OnLimit = "refuse" | "wait";

/** The bounds on how much work a queue accepts ahead of its workers. */
export interface Backpressure {
  /** Waiting jobs from which on a warning is emitted. */
  readonly warnAt: number;
  /** Waiting jobs beyond which nothing is accepted. */
  readonly limit: number;
  readonly onLimit: OnLimit;
}

/** How long final jobs are kept, milliseconds. */
export interface Retention {
  readonly completedMs: number;
  readonly discardedMs: number;
}

/** How waiting raises a priority: by so much whenever a job has been available for so long. */
export interface Escalation {
  readonly afterMs: number;
  /** Points of priority, 1–100; a priority never rises above 100. */
  readonly by: number;
}

/** What is set for one queue; what is `null` follows the defaults of the connection. */
export interface QueueSettings {
  readonly backpressure: Backpressure | null;
  readonly retention: Retention | null;
  readonly escalation: Escalation | null;
}
