import type { JobState } from "./job-state.ts";
import type { ErrorRecord, Outcome } from "./outcome.ts";
import type { RetryPolicy } from "./retry.ts";
import type { Uniqueness } from "./unique.ts";

/**
 * A value as it is stored: text, or `null` where nothing was given. The text is JSON, or what another codec made, after
 * the codec's name: `~name:text`, or `~name;base64:` and bytes. JSON never begins with a tilde.
 */
export type Payload = string | null;

/** A job as it is handed to a store: complete, validated, every default filled in. */
export interface NewJob {
  /** A UUIDv7 made by the caller; a repeated submission bears the same one. */
  readonly id: string;
  readonly tenant: string;
  readonly queue: string;
  readonly task: string;
  /** 0–100, higher first. */
  readonly priority: number;
  readonly input: Payload;
  readonly maxAttempts: number;
  /** `undefined`: the default policy. */
  readonly retry?: RetryPolicy | undefined;
  /** Milliseconds an attempt may take; `undefined`: the default. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds to wait before the job may start, on the store's clock. */
  readonly delayMs?: number | undefined;
  /** The earliest start, milliseconds since the epoch; excludes `delayMs`. */
  readonly runAt?: number | undefined;
  /** Milliseconds after which a job that has not started is discarded as `expired`. */
  readonly expiresInMs?: number | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** One job per tenant and key, as long as the job is kept. */
  readonly idempotencyKey?: string | undefined;
  /** Starts as `pending`, waiting for what this names. */
  readonly waitingFor?: string | undefined;
  /** What it shares limits and turns by, such as a customer. */
  readonly group?: string | undefined;
  readonly unique?: Uniqueness | undefined;
}

/** A job as a store reads it back. Times are milliseconds since the epoch. */
export interface JobRecord {
  readonly id: string;
  readonly tenant: string;
  readonly queue: string;
  readonly task: string;
  readonly state: JobState;
  /** Set when the job is final, or when its last attempt failed. */
  readonly outcome: Outcome | null;
  readonly priority: number;
  readonly input: Payload;
  readonly result: Payload;
  /** The last error, while it says why the job stands where it stands. */
  readonly error: ErrorRecord | null;
  /** Number of the last attempt that was claimed in this generation; 0 before the first. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly retry: RetryPolicy | null;
  readonly timeoutMs: number | null;
  /** Raised by an operator's retry of a final job. */
  readonly generation: number;
  readonly createdAt: number;
  /** The earliest start. */
  readonly runAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly expiresAt: number | null;
  readonly leaseUntil: number | null;
  readonly worker: string | null;
  readonly cancelRequested: boolean;
  /** What a `pending` job waits for, such as `hold`. */
  readonly waitingFor: string | null;
  /** JSON text of the last progress reported. */
  readonly progress: Payload;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly idempotencyKey: string | null;
  readonly group: string | null;
}

/** A failed attempt, as it is kept for as long as its job. */
export interface AttemptRecord {
  readonly generation: number;
  readonly attempt: number;
  readonly outcome: Outcome;
  readonly error: ErrorRecord;
  readonly worker: string | null;
  readonly startedAt: number;
  readonly finishedAt: number;
}

/** The levels of a job's log. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** A line of a job's own log. */
export interface LogRecord {
  readonly at: number;
  readonly level: LogLevel;
  readonly message: string;
  /** JSON text, or `null`. */
  readonly data: Payload;
  readonly attempt: number;
}

/** A job under a lease: what a worker needs to run one attempt. */
export interface ClaimedJob {
  readonly id: string;
  /** The fencing token: proves the lease, grows with every claim. */
  readonly token: number;
  readonly tenant: string;
  readonly queue: string;
  readonly task: string;
  readonly priority: number;
  readonly input: Payload;
  /** Number of this attempt, from 1. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly retry: RetryPolicy | null;
  readonly timeoutMs: number | null;
  readonly generation: number;
  readonly createdAt: number;
  readonly startedAt: number;
  readonly leaseUntil: number;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly group: string | null;
}
