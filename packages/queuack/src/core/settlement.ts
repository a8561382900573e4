import type { CacheKeeping } from "./cache.ts";
import type { Payload } from "./job.ts";
import type { ErrorRecord, Outcome } from "./outcome.ts";

/** What becomes of the attempt that a lease allowed: decided above the store, persisted by it. */
export type Settlement = {
  /** The fencing token of the lease that is given back. */
  readonly token: number;
  readonly id: string;
} & (
  | {
      readonly to: "completed";
      readonly result: Payload;
      readonly outcome?: "succeeded" | "cached";
      /** Keeps the result for later jobs of the task, if the completion is accepted. */
      readonly cache?: CacheKeeping | undefined;
    }
  | { readonly to: "retryable"; readonly delayMs: number; readonly outcome: Outcome; readonly error: ErrorRecord }
  | { readonly to: "discarded"; readonly outcome: Outcome; readonly error: ErrorRecord }
  | { readonly to: "cancelled"; readonly error?: ErrorRecord | undefined }
  /** Given back unharmed, no attempt consumed: shutdown, snooze, a rate limit. */
  | { readonly to: "released"; readonly delayMs: number }
);

/**
 * What came of a settlement. `lost`: the lease was no longer this one, and nothing changed. `cancelled`: it would have
 * put the job back, but somebody had asked for its cancellation, and that is what it got.
 */
export type SettleReply = "accepted" | "cancelled" | "lost";
