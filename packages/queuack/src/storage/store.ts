import type { CacheAddress, CachedResult } from "../core/cache.ts";
import type { ChangeReply, JobChange } from "../core/change.ts";
import type { ClaimReply, ClaimRequest, ProgressReport } from "../core/claim.ts";
import type { JobFilter, Page } from "../core/filter.ts";
import type { AttemptRecord, JobRecord, JobState, LogRecord, NewJob, Payload } from "../core/job.ts";
import type { QueueSettings } from "../core/queue-settings.ts";
import type { Settlement, SettleReply } from "../core/settlement.ts";
import type { QueueStats } from "../core/stats.ts";
import type { WorkerInfo, WorkerRecord } from "../core/worker-record.ts";

/** Where rows live. Each method is one transaction; what arrives in one tick may share a commit. */
export interface Store {
  readonly capabilities: StoreCapabilities;
  readonly jobs: JobStore;
  readonly queues: QueueStore;
  readonly workers: WorkerStore;
  readonly records: RecordStore;
  readonly cache: CacheStore;
  /** Calls back after somebody else has committed; may call without need, never misses for longer than a second. */
  onForeignCommit(listener: () => void): () => void;
  /** Gives unused space back to the file system. Resolves to the bytes returned. */
  compact(): Promise<number>;
  /** Waits for what is under way, then lets go of everything. */
  close(): Promise<void>;
}

/** What differs between databases; read by the conformance suite, asked nowhere else. */
export interface StoreCapabilities {
  /** Name for people, such as `sqlite`. */
  readonly name: string;
  /** Whether what is committed outlives the process. */
  readonly persistent: boolean;
  /** Whether several processes may have it open. */
  readonly shared: boolean;
}

/** Jobs: the rows, where they stand, and the leases on them. */
export interface JobStore {
  /**
   * Inserts all or nothing. A job whose id, or whose tenant and idempotency key, is there already is left as it is and
   * reported as `duplicate` with the existing id.
   * @throws {QueuackError} `QUEUACK_QUEUE_FULL` when a queue would stand above its limit
   */
  insert(params: {
    readonly jobs: readonly NewJob[];
    /** Most waiting jobs per queue; queues with settings of their own follow those. `undefined`: unlimited. */
    readonly limit?: number | undefined;
  }): Promise<InsertReply>;

  /** Leases the jobs that come first: by queue as `queues` says, then priority, then order of arrival. */
  claim(params: ClaimRequest): Promise<ClaimReply>;

  /**
   * Gives leases back with what became of them; each is guarded by its own token. Replies in the order given. A job that
   * would go back although somebody asked for its cancellation is cancelled.
   */
  settle(params: { readonly settlements: readonly Settlement[] }): Promise<readonly SettleReply[]>;

  /** Prolongs leases; replies with those that are lost and those whose job somebody wants cancelled. */
  renew(params: {
    readonly tokens: readonly number[];
    readonly leaseMs: number;
  }): Promise<{ readonly lost: readonly number[]; readonly cancelled: readonly number[] }>;

  /** Keeps progress and log lines of leased jobs; replies with the tokens whose lease is lost. */
  report(params: { readonly reports: readonly ProgressReport[] }): Promise<{ readonly lost: readonly number[] }>;

  /** The jobs of these ids, `null` where there is none. */
  get(params: { readonly ids: readonly string[] }): Promise<readonly (JobRecord | null)[]>;

  /** A page of jobs, newest first. */
  list(params: {
    readonly filter: JobFilter;
    readonly limit: number;
    readonly cursor?: string | undefined;
  }): Promise<Page<JobRecord>>;

  /** The failed attempts and the log lines of one job, oldest first. */
  history(params: { readonly id: string }): Promise<{
    readonly attempts: readonly AttemptRecord[];
    readonly logs: readonly LogRecord[];
  }>;

  /** Applies a change to the jobs of these ids; replies in the order given. */
  change(params: { readonly ids: readonly string[]; readonly change: JobChange }): Promise<readonly ChangeReply[]>;

  /** Deletes jobs that match and are not running, at most `limit`; resolves to how many. */
  remove(params: { readonly filter: JobFilter; readonly limit: number }): Promise<number>;

  /**
   * Makes scheduled and retryable jobs available whose time has come, and discards those that expired, at most `limit`.
   * Resolves to how many and to the time of the next one.
   */
  promote(params: { readonly limit: number }): Promise<{
    readonly promoted: number;
    readonly expired: readonly string[];
    /** Milliseconds from now until the next one is due; `null` when nothing waits for a time. */
    readonly nextInMs: number | null;
  }>;

  /** The leases that nobody stands behind: run out, or of a worker that is known to be dead. */
  abandoned(params: { readonly limit: number }): Promise<readonly AbandonedLease[]>;
}

/** Queues: their switches and their figures. */
export interface QueueStore {
  /** Pauses or resumes a queue; creates it where there is none. */
  pause(params: { readonly tenant: string; readonly queue: string; readonly paused: boolean }): Promise<void>;
  /** Sets what is given, leaves the rest. */
  configure(params: {
    readonly tenant: string;
    readonly queue: string;
    readonly settings: Partial<QueueSettings>;
  }): Promise<void>;
  /** Figures of the queues of a tenant, or of one; constant cost per queue. */
  stats(params: {
    readonly tenant?: string | undefined;
    readonly queue?: string | undefined;
  }): Promise<readonly QueueStats[]>;
  /** Deletes final jobs past their retention, at most `limit`; resolves to how many. */
  prune(params: {
    readonly retention: { readonly completedMs: number; readonly discardedMs: number };
    readonly limit: number;
  }): Promise<number>;
}

/** Workers: who is there. */
export interface WorkerStore {
  /** Makes a worker known and takes whatever proves that its process lives. */
  register(params: { readonly worker: WorkerInfo }): Promise<void>;
  /** Says that a worker is alive, with its figures; resolves to `false` when it is not known (any more). */
  beat(params: { readonly id: string; readonly vitals: WorkerRecord["vitals"] }): Promise<boolean>;
  /** Takes a worker out; its leases are abandoned at once. */
  deregister(params: { readonly id: string }): Promise<void>;
  list(params: Record<string, never>): Promise<readonly WorkerRecord[]>;
  /** Marks the workers whose process is gone as dead; resolves to their ids. */
  findDead(params: Record<string, never>): Promise<readonly string[]>;
}

/** A small keyed collection with compare-and-set, for what the engine and the server keep beside jobs. */
export interface RecordStore {
  get(params: { readonly collection: string; readonly key: string }): Promise<StoredRecord | null>;
  list(params: {
    readonly collection: string;
    readonly limit: number;
    readonly after?: string | undefined;
  }): Promise<readonly StoredRecord[]>;
  /**
   * Writes a record if its version is still `expected` (0: there is none yet).
   * Resolves to the new version, or to `null` when somebody was faster.
   */
  put(params: {
    readonly collection: string;
    readonly key: string;
    readonly value: Payload;
    readonly expected: number;
  }): Promise<number | null>;
  /** Deletes a record if its version is still `expected`; resolves to whether it did. */
  delete(params: { readonly collection: string; readonly key: string; readonly expected: number }): Promise<boolean>;
}

/** Results that later jobs may have without running. They come in with the settlement that made them. */
export interface CacheStore {
  /** What may be used now, `null` where there is nothing: never kept, dropped, expired, or of another version. */
  find(params: { readonly entries: readonly CacheAddress[] }): Promise<readonly (CachedResult | null)[]>;
  /** Forgets the result of one key, or all of a task, whatever their version; resolves to how many. */
  drop(params: { readonly tenant: string; readonly task: string; readonly key?: string | undefined }): Promise<number>;
  /** Deletes what has expired, at most `limit`; resolves to how many. */
  prune(params: { readonly limit: number }): Promise<number>;
}

/** A record of a keyed collection. */
export interface StoredRecord {
  readonly key: string;
  readonly value: Payload;
  /** Grows by one with every write, from 1. */
  readonly version: number;
}

/** What became of each job of an insertion, in the order given. */
export interface InsertReply {
  readonly jobs: readonly { readonly id: string; readonly state: JobState; readonly duplicate: boolean }[];
  /** Milliseconds until the first of them that waits for a time. */
  readonly nextInMs: number | null;
  /** Waiting jobs of each queue touched, after the commit. */
  readonly waiting: readonly {
    readonly tenant: string;
    readonly queue: string;
    readonly waiting: number;
    readonly warnAt: number | null;
  }[];
}

/** A lease that nobody stands behind, with what is needed to decide about its job. */
export interface AbandonedLease {
  readonly token: number;
  readonly id: string;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly retry: JobRecord["retry"];
  readonly cancelRequested: boolean;
  readonly worker: string | null;
  /** `dead`: the worker's process is gone; `silent`: the lease ran out. */
  readonly reason: "dead" | "silent";
}
