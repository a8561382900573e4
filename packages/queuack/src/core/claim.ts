import type { ClaimedJob, LogRecord, Payload } from "./job.ts";

/** What a worker asks for. */
export interface ClaimRequest {
  readonly worker: string;
  /** `undefined`: of every tenant. */
  readonly tenant?: string | undefined;
  readonly tasks: readonly string[];
  /** In this order: first each queue's quota, then, in the same order, whatever room is left. */
  readonly queues: readonly { readonly queue: string; readonly quota: number }[];
  readonly limit: number;
  readonly leaseMs: number;
}

/** Progress or log lines of a running job. */
export interface ProgressReport {
  readonly token: number;
  readonly progress?: Payload | undefined;
  readonly logs?: readonly Pick<LogRecord, "level" | "message" | "data">[] | undefined;
}

/** What a claim brought. */
export interface ClaimReply {
  readonly jobs: readonly ClaimedJob[];
  /** Ids of the jobs that had expired when their turn came, and were discarded. */
  readonly expired: readonly string[];
  /** Jobs were left because a limit is full: the end of any job may make room. */
  readonly limited: boolean;
  /**
   * Milliseconds until a rate has room again that kept jobs from starting, 0 where not everything was looked at: claim
   * again then. `null`: for no such reason.
   */
  readonly nextInMs: number | null;
}
