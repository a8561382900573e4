/**
 * Every default of Queuack, in one place. Durations are milliseconds here; at the public edge they may be written
 * as `"5m"`. Each can be set in `connect()` and, where `environment.ts` names it, by a variable.
 */
export const defaults = {
  tenant: "default",
  queue: "default",
  /** 0–100, higher first. */
  priority: 50,
  /** Attempts in all, the first included. */
  maxAttempts: 3,
  retry: { backoff: "exponential", baseMs: 1_000, capMs: 3_600_000, factor: 2, jitter: "full" },
  /** How long one attempt may take. */
  timeoutMs: 300_000,
  leaseMs: 30_000,
  heartbeatMs: 10_000,
  /** How long running jobs may go on after SIGTERM. */
  shutdownGraceMs: 25_000,
  concurrency: 10,
  /**
   * Worker processes: the wait before one is started in the place of another, which doubles up to the cap; how long one
   * must have run for the next wait to be the first again; how long after its grace one that stays is killed.
   */
  pool: { restartMs: 100, restartCapMs: 30_000, steadyMs: 10_000, killAfterMs: 10_000 },
  retention: { completedMs: 86_400_000, discardedMs: 604_800_000 },
  /** The window in which a repeated id is recognised: completed jobs are never kept shorter. */
  minimumRetentionMs: 3_600_000,
  backpressure: { warnAt: 100_000, limit: 1_000_000, onLimit: "refuse" },
  /** Points by which a priority rises, where a queue lets it rise and says no other number. */
  escalateBy: 10,
  durability: "full",
  /** Largest input or result, bytes of its stored form. */
  payloadLimit: 10_485_760,
  /** How many jobs one `enqueueMany` accepts all or nothing; more go in chunks. */
  enqueueWhole: 10_000,
  /** How many jobs a chunk of more has: fewer are garbage before they cost much to collect. */
  enqueueChunk: 2_000,
  /** How many unread events a slow listener may lag behind before it misses some. */
  eventBuffer: 10_000,
  /** How the threads and processes of isolated tasks are kept. */
  isolation: {
    /** How long one stays warm without work. */
    idleMs: 300_000,
    /** After how many runs one is replaced. */
    maxRuns: 1_000,
    /** One that holds more after a run is replaced: resident memory of a process, heap of a thread, bytes. */
    maxMemory: 1_073_741_824,
    /** How long a handler may take to end once its signal has aborted; then its thread or process is ended. */
    killGraceMs: 5_000,
    /** How long a thread or process may take to start and to load a task's module, before the timeout counts. */
    loadMs: 60_000,
  },
} as const;

/** The names that stand for priorities. */
export const namedPriorities = { low: 25, normal: 50, high: 75 } as const;
