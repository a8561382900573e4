import type { CacheAddress, CachedResult } from "../core/cache.ts";
import type { ChangeReply, JobChange } from "../core/change.ts";
import type { ClaimRequest, ProgressReport } from "../core/claim.ts";
import type { EventFilter, QueueEvent } from "../core/events.ts";
import type { JobFilter, Page } from "../core/filter.ts";
import type { Explanation } from "../core/flow/explain.ts";
import type { Limit, LimitScope, LimitUsage } from "../core/flow/limit.ts";
import type { AttemptRecord, ClaimedJob, JobRecord, LogRecord, NewJob, Payload } from "../core/job.ts";
import type { FinalState, JobState } from "../core/job-state.ts";
import type { ErrorRecord, Outcome } from "../core/outcome.ts";
import type { OnLimit, QueueSettings } from "../core/queue-settings.ts";
import type { Settlement, SettleReply } from "../core/settlement.ts";
import type { QueueStats } from "../core/stats.ts";
import type { TransactionConnection } from "../core/task.ts";
import type { ConflictOutcome } from "../core/unique.ts";
import type { WorkerInfo, WorkerRecord, WorkerVitals } from "../core/worker-record.ts";

/**
 * What users, workers and network doors see of a queue. `LocalBroker` runs it over a store in this process; a remote
 * one speaks to a broker elsewhere. Every method takes one object and works on many rows at once.
 */
export interface Broker {
  readonly capabilities: BrokerCapabilities;

  /**
   * Accepts jobs, all or nothing; resolves after the commit, in the order given. Repeating it with the same ids is safe.
   * @throws {QueuackError} `QUEUACK_QUEUE_FULL` where the queue refuses when it is full; `QUEUACK_DUPLICATE_JOB` where a
   *   job is to be refused whose unique key another holds
   */
  enqueue(params: {
    readonly jobs: readonly NewJob[];
    readonly onLimit?: OnLimit | undefined;
  }): Promise<readonly EnqueuedJob[]>;
  /**
   * As `enqueue`, within a transaction that the caller has open on a connection of its own to the same database.
   * Answers at once where the database does; nothing is told to anybody: the commit is the caller's.
   * @throws {QueuackError} `QUEUACK_INVALID_TRANSACTION`, `QUEUACK_UNSUPPORTED`, and as `enqueue`
   */
  enqueueWithin(params: {
    readonly jobs: readonly NewJob[];
    readonly tx: TransactionConnection;
  }): readonly EnqueuedJob[] | Promise<readonly EnqueuedJob[]>;
  claim(params: ClaimRequest): Promise<readonly ClaimedJob[]>;
  settle(params: { readonly settlements: readonly Settlement[] }): Promise<readonly SettleReply[]>;
  /** Prolongs leases; replies with the tokens that are lost and those whose job is to be cancelled. */
  renew(params: { readonly tokens: readonly number[]; readonly leaseMs: number }): Promise<{
    readonly lost: readonly number[];
    readonly cancelled: readonly number[];
  }>;
  /** Keeps progress and log lines of running jobs; replies with the tokens whose lease is lost. */
  report(params: { readonly reports: readonly ProgressReport[] }): Promise<{ readonly lost: readonly number[] }>;

  /** Results that may be used instead of running, `null` where there is none; in the order given. */
  cached(params: { readonly entries: readonly CacheAddress[] }): Promise<readonly (CachedResult | null)[]>;
  /** Forgets the kept result of one key, or all of a task; resolves to how many. */
  dropCached(params: {
    readonly tenant: string;
    readonly task: string;
    readonly key?: string | undefined;
  }): Promise<number>;

  get(params: { readonly ids: readonly string[] }): Promise<readonly (JobRecord | null)[]>;
  list(params: {
    readonly filter: JobFilter;
    readonly limit: number;
    readonly cursor?: string | undefined;
  }): Promise<Page<JobRecord>>;
  history(params: { readonly id: string }): Promise<JobHistory>;
  /** Waits until the job is final; `null` when the time ran out first, a throw when there is no such job. */
  wait(params: { readonly id: string; readonly timeoutMs?: number | undefined }): Promise<FinishedJob | null>;
  change(params: { readonly ids: readonly string[]; readonly change: JobChange }): Promise<readonly ChangeReply[]>;
  /** Deletes jobs that match and are not running, at most `limit`; resolves to how many. */
  remove(params: { readonly filter: JobFilter; readonly limit: number }): Promise<number>;

  pauseQueue(params: { readonly tenant: string; readonly queue: string; readonly paused: boolean }): Promise<void>;
  configureQueue(params: {
    readonly tenant: string;
    readonly queue: string;
    readonly settings: Partial<QueueSettings>;
  }): Promise<void>;
  queueStats(params: {
    readonly tenant?: string | undefined;
    readonly queue?: string | undefined;
  }): Promise<readonly QueueStats[]>;
  /** Sets a limit in place of what its scope had; `null` takes it away. Holds from the next claim on, everywhere. */
  setLimit(params: {
    readonly tenant: string;
    readonly scope: LimitScope;
    readonly limit: Limit | null;
  }): Promise<void>;
  /** The limits of a tenant, or of all, with what is used of them. */
  listLimits(params: { readonly tenant?: string | undefined }): Promise<readonly LimitUsage[]>;
  /** Why a job does not run; `null` where there is no such job. */
  explain(params: { readonly id: string }): Promise<Explanation | null>;
  /**
   * Says where other processes reach this queue, for workers and handlers in processes of their own. A queue in memory
   * moves to a temporary file first, and tells so once.
   * @param params.reason what needs it, for the one who is told: "worker processes"
   * @throws {QueuackError} `QUEUACK_UNSUPPORTED` where no other process can, or where time is not the system's
   */
  share(params: { readonly reason: string }): Promise<QueuePlace>;
  /** Gives unused space back to the file system; resolves to the bytes returned. */
  compact(): Promise<number>;

  registerWorker(params: { readonly worker: WorkerInfo }): Promise<void>;
  beat(params: { readonly id: string; readonly vitals: WorkerVitals }): Promise<boolean>;
  deregisterWorker(params: { readonly id: string }): Promise<void>;
  listWorkers(): Promise<readonly WorkerRecord[]>;

  /** Calls back whenever there may be something to claim or to cancel. Returns the way to stop. */
  onWork(listener: (signal: WorkSignal) => void): () => void;
  /** Calls back with events that match, in order. Returns the way to stop. */
  subscribe(filter: EventFilter, listener: (event: QueueEvent) => void): () => void;
  close(): Promise<void>;
}

/** What a broker can and can't do. */
export interface BrokerCapabilities {
  /** Name of the store behind it, for people. */
  readonly store: string;
  /** Whether jobs outlive the process. */
  readonly persistent: boolean;
  /** Whether `enqueueWithin` works. */
  readonly transactions: boolean;
  /** Which happenings `subscribe` tells of: this process's own, or everybody's. */
  readonly events: "process" | "all";
}

/** Where a queue is reached. */
export interface QueuePlace {
  /** What `connect()` takes. */
  readonly url: string;
  /** Whether it goes when the queue is closed or its process ends. */
  readonly temporary: boolean;
}

/** A nudge to workers: `available`, claim if you have room; `cancel`, these leases were asked to stop. */
export type WorkSignal = { readonly kind: "available" } | { readonly kind: "cancel"; readonly ids: readonly string[] };

/** A job as it was accepted; `duplicate`: it had been accepted before, under this id. */
export interface EnqueuedJob {
  readonly id: string;
  readonly state: JobState;
  readonly duplicate: boolean;
  /** What became of the job that held its unique key, and is the answer in its place. */
  readonly conflict?: ConflictOutcome | undefined;
}

/** A job that is final, with what it left. */
export interface FinishedJob {
  readonly id: string;
  readonly state: FinalState;
  readonly outcome: Outcome | null;
  readonly result: Payload;
  readonly error: ErrorRecord | null;
}

/** What is kept of a job's past: failed attempts and log lines, oldest first. */
export interface JobHistory {
  readonly attempts: readonly AttemptRecord[];
  readonly logs: readonly LogRecord[];
}
