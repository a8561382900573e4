import type { JobState } from "./job-state.ts";
import type { QueueSettings } from "./queue-settings.ts";

/** How many jobs stand in each state. */
export type StateCounts = Readonly<Record<JobState, number>>;

/** A queue as it stands. Counting costs the same however many jobs there are. */
export interface QueueStats {
  readonly tenant: string;
  readonly queue: string;
  /** When it was paused, milliseconds since the epoch; `null` while it runs. */
  readonly pausedAt: number | null;
  readonly settings: QueueSettings;
  readonly counts: StateCounts;
  /** Sum of the waiting states. */
  readonly waiting: number;
  /** When the job at the head of the longest-waiting list was created; `null` when nothing is available. */
  readonly oldestAvailableAt: number | null;
  /** Jobs that ended within the last `rateWindowMs`. */
  readonly recent: { readonly completed: number; readonly failed: number; readonly windowMs: number };
}
