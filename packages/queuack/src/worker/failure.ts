import { milliseconds } from "../core/duration.ts";
import { errorRecord } from "../core/error-record.ts";
import { NonRetryableError, QueuackError, RetryAfter } from "../core/errors.ts";
import type { ClaimedJob } from "../core/job.ts";
import type { ErrorRecord, Outcome } from "../core/outcome.ts";
import { type AfterFailure, afterFailure } from "../core/retry.ts";
import type { RegisteredTask } from "./registered-task.ts";
import type { OnTrouble } from "./trouble.ts";

/** What a handler returned can't be used: final, since another attempt would repeat its effects and return the same. */
export class InvalidResult extends QueuackError {
  constructor(message: string, cause?: unknown) {
    super("QUEUACK_INVALID_RESULT", { message, cause });
  }
}

/** A failed attempt whose fate is to be decided. */
export interface Failure {
  readonly job: ClaimedJob;
  readonly task: RegisteredTask;
  readonly outcome: Outcome;
  /** What the handler threw, or the error that stands for its timeout. */
  readonly thrown: unknown;
  /** Another attempt is pointless, whatever the policy says. */
  readonly final?: boolean | undefined;
  readonly random: () => number;
  readonly trouble: OnTrouble;
}

/**
 * Decides what becomes of a failed attempt, with the functions that the user gave. A promise only where `retryIf` is
 * asynchronous.
 *
 * If `retryIf` or a backoff function itself throws, or answers with nonsense, the declarative policy decides as if the
 * function weren't there: the attempts are bounded anyway, a crash is retried by the same policy, and a bug in a
 * predicate should not empty a queue into the dead letter queue. The bug is told as trouble.
 */
export function decideFailure(failure: Failure): AfterFailure | Promise<AfterFailure> {
  const { task, thrown, job } = failure;
  const final = failure.final === true || isNamed(thrown, NonRetryableError, "NonRetryableError");
  // On the last attempt nobody needs to ask.
  if (final || job.attempt >= job.maxAttempts) return decided(failure, true);
  if (task.retryIf === undefined) return decided(failure, false);
  const mistaken = (error: unknown) => {
    tellMistake(failure, `retryIf of task ${task.name} threw; the retry policy decides.`, error);
    return decided(failure, false);
  };
  try {
    const worth = task.retryIf(thrown);
    if (!isThenable(worth)) return decided(failure, worth === false);
    return Promise.resolve(worth).then((answer) => decided(failure, answer === false), mistaken);
  } catch (error) {
    return mistaken(error);
  }
}

/** What the policy alone says: for when nobody can wait for the user's functions. */
export function decideByPolicy({ job, task, outcome, thrown, random }: Failure): AfterFailure {
  const policy = job.retry ?? task.policy;
  const { attempt, maxAttempts } = job;
  return afterFailure({ attempt, maxAttempts, policy, outcome, error: safeErrorRecord(thrown) }, random());
}

/** Anything that was thrown as a record, even if it defends itself. */
export function safeErrorRecord(thrown: unknown): ErrorRecord {
  try {
    return errorRecord(thrown);
  } catch {
    // An error whose own properties throw or lie (a proxy, a message that is no string) still deserves a record.
    return { name: "Error", message: "The handler threw an error that can't be read." };
  }
}

/** Whether a handler threw only because its signal aborted, for this reason. */
export function isAbort(thrown: unknown, reason: Error | undefined): boolean {
  return thrown === reason || safeErrorRecord(thrown).name === "AbortError";
}

/** Whether a value can be awaited. May throw where the value's own `then` does. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    value !== null &&
    (typeof value === "object" || typeof value === "function") &&
    typeof (value as { then?: unknown }).then === "function"
  );
}

function decided(failure: Failure, final: boolean): AfterFailure {
  const { job, task, outcome, thrown, random } = failure;
  const error = safeErrorRecord(thrown);
  const policy = job.retry ?? task.policy;
  const delayMs = final ? undefined : wantedDelay(failure);
  return afterFailure(
    { attempt: job.attempt, maxAttempts: job.maxAttempts, policy, outcome, error, delayMs, final },
    random(),
  );
}

/** The delay that user code asks for. */
function wantedDelay(failure: Failure): number | undefined {
  const { job, task, thrown } = failure;
  try {
    if (isNamed(thrown, RetryAfter, "RetryAfter"))
      return milliseconds((thrown as RetryAfter).delay, "RetryAfter delay");
    if (task.backoff === undefined) return undefined;
    return milliseconds(task.backoff(job.attempt, thrown) as number | string, `backoff of task ${task.name}`);
  } catch (error) {
    tellMistake(failure, `The delay that task ${task.name} chose can't be used; the retry policy decides.`, error);
    return undefined;
  }
}

/** By name as well, because a task module may have been loaded with a copy of Queuack of its own. */
function isNamed(thrown: unknown, type: abstract new (...args: never) => Error, name: string): boolean {
  return thrown instanceof type || (thrown instanceof Error && safeErrorRecord(thrown).name === name);
}

function tellMistake({ job, trouble }: Failure, message: string, error: unknown): void {
  trouble({ during: "retry-policy", message, error, jobs: [job.id] });
}
