import { defaults } from "./defaults.ts";
import type { ErrorRecord, Outcome } from "./outcome.ts";

/** The shapes a delay between attempts can grow in. */
export const backoffKinds = ["fixed", "linear", "exponential", "polynomial"] as const;

/** How the delay before attempt n + 1 grows with n. */
export type BackoffKind = (typeof backoffKinds)[number];

/** `full` draws from 0 to the delay, `equal` from half of it, `none` takes it as it is. */
export type Jitter = "none" | "equal" | "full";

/** The declarative policy that is stored with a job, so that a crash is retried without any of its code. */
export interface RetryPolicy {
  readonly backoff: BackoffKind;
  /** The delay after the first failed attempt, milliseconds. */
  readonly baseMs: number;
  /** The largest delay, milliseconds. */
  readonly capMs: number;
  /** Base of `exponential` (2: doubles each time), power of `polynomial`; ignored by the others. */
  readonly factor: number;
  readonly jitter: Jitter;
}

/** The policy of a job that says nothing of its own. */
export const defaultRetryPolicy: RetryPolicy = defaults.retry;

/**
 * The delay before the next attempt, whole milliseconds within 0 … `capMs`.
 * @param failed number of attempts that have failed, from 1
 * @param random a number in [0, 1) for the jitter
 */
export function backoffDelay(policy: RetryPolicy, failed: number, random: number): number {
  const { backoff, baseMs, factor, capMs, jitter } = policy;
  const n = Math.max(1, failed);
  // Nothing times a growth beyond all numbers would be no number.
  if (baseMs === 0) return 0;
  const grown =
    backoff === "fixed"
      ? baseMs
      : backoff === "linear"
        ? baseMs * n
        : backoff === "exponential"
          ? baseMs * factor ** (n - 1)
          : baseMs * n ** factor;
  const delay = Math.min(grown, capMs);
  if (jitter === "none") return Math.round(delay);
  return Math.round(jitter === "full" ? delay * random : (delay + delay * random) / 2);
}

/** What is known of a failed attempt when its fate is decided. */
export interface FailedAttempt {
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly policy: RetryPolicy | null;
  readonly outcome: Outcome;
  readonly error: ErrorRecord;
  /** A delay that user code asked for (`RetryAfter`, a backoff function): taken as it is, without jitter or cap. */
  readonly delayMs?: number | undefined;
  /** User code said that another attempt is pointless. */
  readonly final?: boolean | undefined;
}

/** What becomes of a failed attempt. */
export type AfterFailure =
  | { readonly to: "retryable"; readonly delayMs: number; readonly outcome: Outcome; readonly error: ErrorRecord }
  | { readonly to: "discarded"; readonly outcome: Outcome; readonly error: ErrorRecord };

/** Decides between another attempt and the dead letter queue. */
export function afterFailure(failed: FailedAttempt, random: number): AfterFailure {
  const { outcome, error } = failed;
  if (failed.final || failed.attempt >= failed.maxAttempts) return { to: "discarded", outcome, error };
  const delayMs = failed.delayMs ?? backoffDelay(failed.policy ?? defaultRetryPolicy, failed.attempt, random);
  return { to: "retryable", delayMs, outcome, error };
}
