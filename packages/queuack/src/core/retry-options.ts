import { defaults } from "./defaults.ts";
import { milliseconds } from "./duration.ts";
import { QueuackError } from "./errors.ts";
import { type BackoffKind, backoffKinds, type RetryPolicy } from "./retry.ts";
import type { RetryOptions } from "./task.ts";

const jitters = ["none", "equal", "full"];

const shape: readonly string[] = ["backoff", "delay", "cap", "factor", "jitter"] satisfies (keyof RetryOptions)[];

/** Where retries are spoken of, and what may be said there beside the shape. Functions run where the task is. */
const places: Readonly<Record<"task" | "connection" | "job", readonly string[]>> = {
  task: ["maxAttempts", "retryIf"],
  connection: ["maxAttempts"],
  job: [],
};

/**
 * The declarative part of what a user says about retries; what is left out follows `base`.
 * @param what names the options in errors, such as `retry of task resize`
 * @param place where it is said: only a task may bring functions, since they run where the task is
 * @throws {QueuackError} `QUEUACK_INVALID_OPTION`
 */
export function retryPolicy(
  options: RetryOptions,
  what: string,
  base: RetryPolicy = defaults.retry,
  place: keyof typeof places = "task",
): RetryPolicy {
  const known = [...shape, ...places[place]];
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw invalid(`The ${what} know no ${JSON.stringify(unknown)}.`, `Give one of ${known.join(", ")}.`);
  }
  const { backoff, delay, cap, factor = base.factor, jitter = base.jitter } = options;
  const isFunction = place === "task" && typeof backoff === "function";
  if (backoff !== undefined && !isFunction && !backoffKinds.includes(backoff as BackoffKind)) {
    throw invalid(
      `backoff in the ${what} is ${typeof backoff === "function" ? "a function" : JSON.stringify(backoff)}.`,
      `Give one of ${backoffKinds.join(", ")}${place === "task" ? ", or a function" : "; functions belong to the task"}.`,
    );
  }
  if (!(Number.isFinite(factor) && factor > 0)) {
    throw invalid(`factor in the ${what} is ${JSON.stringify(factor)}.`, "Give a number above 0.");
  }
  if (!jitters.includes(jitter)) {
    throw invalid(`jitter in the ${what} is ${JSON.stringify(jitter)}.`, `Give one of ${jitters.join(", ")}.`);
  }
  return {
    backoff: typeof backoff === "string" ? backoff : base.backoff,
    baseMs: delay === undefined ? base.baseMs : milliseconds(delay, `delay in the ${what}`),
    capMs: cap === undefined ? base.capMs : milliseconds(cap, `cap in the ${what}`),
    factor,
    jitter,
  };
}

function invalid(message: string, hint: string): QueuackError {
  return new QueuackError("QUEUACK_INVALID_OPTION", { message, hint });
}
