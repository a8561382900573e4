export type { BatchFilter } from "./core/batch.ts";
export type { Clock } from "./core/clock.ts";
export type { Duration } from "./core/duration.ts";
export { type ErrorCode, NonRetryableError, QueuackError, RetryAfter } from "./core/errors.ts";
export type { EventFilter, EventName, QueueEvent, QueueEvents } from "./core/events.ts";
export type { Explanation, Obstacle } from "./core/flow/explain.ts";
export type { LimitScope, LimitUsage } from "./core/flow/limit.ts";
export type { LogLevel } from "./core/job.ts";
export type { JobState } from "./core/job-state.ts";
export { finalStates, jobStates } from "./core/job-state.ts";
export type { ErrorRecord, Outcome } from "./core/outcome.ts";
export type { Backpressure, OnLimit, Retention } from "./core/queue-settings.ts";
export type { BackoffKind, Jitter, RetryPolicy } from "./core/retry.ts";
export type { QueueStats, StateCounts } from "./core/stats.ts";
export {
  type JobLog,
  type JobOptions,
  type ResultOf,
  type RetryOptions,
  type RunningJob,
  type TaskContext,
  type TaskDefinition,
  type TaskOptions,
  task,
  type UniqueOptions,
} from "./core/task.ts";
export type { OnConflict } from "./core/unique.ts";
export type { WorkerInfo, WorkerRecord, WorkerVitals } from "./core/worker-record.ts";
export type { Broker } from "./engine/broker.ts";
export type { Batch, SameJobs } from "./queue/batch.ts";
export type { BatchCallback, BatchOptions, CallbackOptions } from "./queue/batch-submission.ts";
export type { BatchView } from "./queue/batch-view.ts";
export type { Batches } from "./queue/batches.ts";
export { type ConnectOptions, connect } from "./queue/connect.ts";
export type { DeadLetters, DeadQuery } from "./queue/dead-letters.ts";
export type { EventListener, EventStream } from "./queue/event-stream.ts";
export type { Job } from "./queue/job.ts";
export type { AttemptView, JobView, LogView } from "./queue/job-view.ts";
export type { JobQuery, JobSelection, Jobs } from "./queue/jobs.ts";
export type { LimitOptions, Limits } from "./queue/limits.ts";
export type { ManyOptions, Queue, Submission } from "./queue/queue.ts";
export type { QueueOptions, Queues } from "./queue/queues.ts";
export type { WorkerOptions } from "./worker/options.ts";
export type { WorkerTrouble } from "./worker/trouble.ts";
export type { Worker, WorkerState } from "./worker/worker.ts";
