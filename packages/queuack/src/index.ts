export { codecOver } from "./codecs/codec-over.ts";
export type { UnreadablePayload } from "./codecs/codecs.ts";
export type { CacheOptions } from "./core/cache.ts";
export type { Clock } from "./core/clock.ts";
export type { Codec, CodecOption } from "./core/codec.ts";
export type { Duration } from "./core/duration.ts";
export { type ErrorCode, NonRetryableError, QueuackError, RetryAfter } from "./core/errors.ts";
export type { EventFilter, EventName, QueueEvent, QueueEvents } from "./core/events.ts";
export type { Explanation, Obstacle } from "./core/flow/explain.ts";
export type { LimitScope, LimitUsage } from "./core/flow/limit.ts";
export type { LogLevel, Payload } from "./core/job.ts";
export type { JobState } from "./core/job-state.ts";
export { finalStates, jobStates } from "./core/job-state.ts";
export type {
  AcceptedSubmission,
  EnqueueMiddleware,
  JobSubmission,
  Middleware,
  RunMiddleware,
  SubmissionChange,
} from "./core/middleware.ts";
export type { ErrorRecord, Outcome } from "./core/outcome.ts";
export type { Provided } from "./core/provided.ts";
export type { Backpressure, OnLimit, Retention } from "./core/queue-settings.ts";
export type { BackoffKind, Jitter, RetryPolicy } from "./core/retry.ts";
export type { QueueStats, StateCounts } from "./core/stats.ts";
export {
  type ChunkContext,
  type ChunkJob,
  type ChunkOptions,
  type ChunkTaskOptions,
  type JobLog,
  type JobOptions,
  type ResultOf,
  type RetryOptions,
  type RunningJob,
  type TaskContext,
  type TaskDefinition,
  type TaskOptions,
  type TransactionConnection,
  task,
  type UniqueOptions,
} from "./core/task.ts";
export type { OnConflict } from "./core/unique.ts";
export type { WorkerInfo, WorkerRecord, WorkerVitals } from "./core/worker-record.ts";
export type { Broker } from "./engine/broker.ts";
export { type ConnectOptions, connect } from "./queue/connect.ts";
export { connectSync, type SyncJob, type SyncOptions, type SyncQueue } from "./queue/connect-sync.ts";
export type { DeadLetters, DeadQuery } from "./queue/dead-letters.ts";
export type { EventListener, EventStream } from "./queue/event-stream.ts";
export type { AttemptFailed, HookFacts, Hooks, JobDied, JobStarted, JobSucceeded } from "./queue/hooks.ts";
export type { Job } from "./queue/job.ts";
export type { AttemptView, JobView, LogView } from "./queue/job-view.ts";
export type { JobQuery, JobSelection, Jobs } from "./queue/jobs.ts";
export type { LimitOptions, Limits } from "./queue/limits.ts";
export type { PoolOptions } from "./queue/pool/options.ts";
export type { PoolProcessState, PoolProcessStatus, PoolTrouble, ProcessExit } from "./queue/pool/pool-process.ts";
export type { PoolState, PoolStatus, WorkerPool } from "./queue/pool/worker-pool.ts";
export type { Queue } from "./queue/queue.ts";
export type { QueueOptions, Queues } from "./queue/queues.ts";
export type { ManyOptions, Submission } from "./queue/submission.ts";
export type { WorkerOptions } from "./worker/options.ts";
export type { WorkerTrouble } from "./worker/trouble.ts";
export type { Worker, WorkerState } from "./worker/worker.ts";
