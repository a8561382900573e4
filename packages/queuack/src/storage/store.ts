import type { BatchEnd, BatchFilter, BatchRecord, NewBatch } from "../core/batch.ts";
import type { CacheAddress, CachedResult } from "../core/cache.ts";
import type { ChangeReply, JobChange } from "../core/change.ts";
import type { ClaimReply, ClaimRequest, ProgressReport } from "../core/claim.ts";
import type { JobFilter, Page } from "../core/filter.ts";
import type { JobStanding } from "../core/flow/explain.ts";
import type { Limit, LimitScope, LimitUsage } from "../core/flow/limit.ts";
import type { AttemptRecord, JobRecord, LogRecord, NewJob, Payload } from "../core/job.ts";
import type { JobState } from "../core/job-state.ts";
import type { QueueSettings } from "../core/queue-settings.ts";
import type { Settlement, SettleReply } from "../core/settlement.ts";
import type { QueueStats } from "../core/stats.ts";
import type { TransactionConnection } from "../core/task.ts";
import type { ConflictOutcome } from "../core/unique.ts";
import type { WorkerInfo, WorkerRecord } from "../core/worker-record.ts";

/** Where rows live. Each method is one transaction; what arrives in one tick may share a commit. */
export interface Store {
  readonly capabilities: StoreCapabilities;
  readonly jobs: JobStore;
  readonly queues: QueueStore;
  readonly flow: FlowStore;
  readonly batches: BatchStore;
  readonly workers: WorkerStore;
  readonly records: RecordStore;
  /**
   * What can be written within a transaction that the caller has open on a connection of its own.
   * @throws {QueuackError} `QUEUACK_INVALID_TRANSACTION` where the connection is none to the same database, has no
   *   transaction, or would not keep what the store promises; `QUEUACK_UNSUPPORTED`
   */
  enlist(connection: TransactionConnection): EnlistedStore;
  readonly cache: CacheStore;
  /** Calls back after somebody else has committed; may call without need, never misses for longer than a second. */
  onForeignCommit(listener: () => void): () => void;
  /**
   * Says where other processes of this machine find the same data, and brings it there first where only this process
   * can reach it: what runs, waits and listens goes on meanwhile.
   * @throws {QueuackError} `QUEUACK_UNSUPPORTED` for a store that one process keeps for itself
   */
  share(): Promise<SharedPlace>;
  /** Gives unused space back to the file system. Resolves to the bytes returned. */
  compact(): Promise<number>;
  /** Waits for what is under way, then lets go of everything. */
  close(): Promise<void>;
}

/** A store within somebody else's transaction. */
export interface EnlistedStore {
  /** As `jobs.insert`, with the caller's commit; at once where the database answers at once. */
  insert(params: Parameters<JobStore["insert"]>[0]): InsertReply | Promise<InsertReply>;
}

/** Where several processes can open a store. */
interface SharedPlace {
  /** What `connect()` takes. */
  readonly url: string;
  /** Whether it goes when the store is closed or its process ends. */
  readonly temporary: boolean;
  /** Whether this call brought it there. */
  readonly moved: boolean;
}

/** What differs between databases; read by the conformance suite, asked nowhere else. */
export interface StoreCapabilities {
  /** Name for people, such as `sqlite`. */
  readonly name: string;
  /** Whether what is committed outlives the process. */
  readonly persistent: boolean;
  /** Whether several processes may have it open; of a queue in memory, only after `share()`. */
  readonly shared: boolean;
  /** Whether `enlist` works. */
  readonly transactions: boolean;
  /** Whether writes take effect in the order in which they are asked for: a claim brings what an insert before it puts in. */
  readonly ordered: boolean;
}

/** Jobs: the rows, where they stand, and the leases on them. */
export interface JobStore {
  /**
   * Inserts all or nothing. A job whose id, or whose tenant and idempotency key, is there already is left as it is and
   * reported as `duplicate` with the existing id.
   * A job whose unique key another holds is answered with that one, or refused, as it asks for. Only what is accepted as
   * a new job becomes a member of the batch that it names.
   * @throws {QueuackError} `QUEUACK_QUEUE_FULL` when a queue would stand above its limit; `QUEUACK_DUPLICATE_JOB`;
   *   `QUEUACK_UNKNOWN_BATCH`, `QUEUACK_BATCH_FINISHED` where a batch is not there, or takes no more members
   */
  insert(params: {
    readonly jobs: readonly NewJob[];
    /** Made before the jobs, where they are not there yet. */
    readonly batches?: readonly NewBatch[] | undefined;
    /** Most waiting jobs per queue; queues with settings of their own follow those. `undefined`: unlimited. */
    readonly limit?: number | undefined;
  }): Promise<InsertReply>;

  /**
   * Leases the jobs that come first: by queue as `queues` says, then priority, then fair share of tenants and of groups,
   * then order of arrival; none that a limit keeps from starting. What can't start is not walked over.
   */
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
   * Does what is due: makes scheduled and retryable jobs available, lets those start again that a rate kept waiting,
   * raises the priority of what has waited long, and discards what expired, at most `limit` of each.
   */
  promote(params: { readonly limit: number }): Promise<{
    /** How many jobs, or lists of them, may start now. */
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

/** Limits, and what keeps a job from starting. */
export interface FlowStore {
  /** Sets a limit in place of what its scope had, `null`: takes it away. Whoever it kept waiting is looked at anew. */
  limit(params: { readonly tenant: string; readonly scope: LimitScope; readonly limit: Limit | null }): Promise<void>;
  /** The limits of a tenant, or of all, with what is used of them. */
  limits(params: { readonly tenant?: string | undefined }): Promise<readonly LimitUsage[]>;
  /** What says why a job does not run; `null` where there is no such job. */
  standing(params: { readonly id: string }): Promise<JobStanding | null>;
}

/**
 * Batches: jobs that belong together. Whatever ends a member, brings it back or deletes it counts that in the same
 * transaction, and the one that ends the last inserts what follows: `onComplete` and `onSuccess` once in its life.
 */
export interface BatchStore {
  /** The batches of these ids, `null` where there is none. */
  get(params: { readonly ids: readonly string[] }): Promise<readonly (BatchRecord | null)[]>;
  /** A page of batches, newest first. */
  list(params: {
    readonly filter: BatchFilter;
    readonly limit: number;
    readonly cursor?: string | undefined;
  }): Promise<Page<BatchRecord>>;
  /** Lets batches take no more members; those that they have go on. Replies with whether each is there. */
  cancel(params: { readonly ids: readonly string[] }): Promise<readonly boolean[]>;
  /** Deletes batches that are complete for so long, whose members and followers are gone, at most `limit`; resolves to how many. */
  prune(params: {
    readonly retention: { readonly completedMs: number; readonly discardedMs: number };
    readonly limit: number;
  }): Promise<number>;
  /** Calls back after a commit of this handle in which batches came to have nothing open; must not throw. */
  onEnd(listener: (ended: readonly BatchEnd[]) => void): () => void;
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
  readonly jobs: readonly {
    readonly id: string;
    readonly state: JobState;
    readonly duplicate: boolean;
    /** What became of the job that holds the unique key, where one does. */
    readonly conflict?: ConflictOutcome | undefined;
  }[];
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
