import type { Provided } from "./provided.ts";
import type { JobOptions, TaskContext } from "./task.ts";

/** A job that is about to be enqueued, as middleware sees it: before the input is checked and written. */
export interface JobSubmission {
  /** The name of the task. */
  readonly task: string;
  readonly input: unknown;
  readonly options: JobOptions;
  /** What the application registered. */
  readonly provided: Provided;
}

/** What middleware may change of a submission; what is left out stays as it is. */
export interface SubmissionChange {
  readonly input?: unknown;
  readonly options?: JobOptions | undefined;
}

/** A job that was accepted, as middleware hears of it. */
export interface AcceptedSubmission {
  readonly id: string;
  /** Whether it had been accepted before, under this id or idempotency key. */
  readonly duplicate: boolean;
}

/**
 * Middleware around the enqueueing of each job. It calls `next` once, with changes if it likes; `next` resolves after the
 * commit. What it throws before that refuses the whole call; what it returns is dropped.
 */
export type EnqueueMiddleware = (
  submission: JobSubmission,
  next: (change?: SubmissionChange) => Promise<AcceptedSubmission>,
) => unknown;

/**
 * Middleware around each handler that runs in this process. It returns the job's result: that of `next`, or another. What
 * it throws fails the attempt as if the handler had thrown it. `next` can be called once.
 */
export type RunMiddleware = (context: TaskContext<unknown>, next: () => Promise<unknown>) => unknown;

/** What `q.use()` takes: something around enqueueing, around running, or both. */
export interface Middleware {
  readonly enqueue?: EnqueueMiddleware | undefined;
  readonly run?: RunMiddleware | undefined;
}
