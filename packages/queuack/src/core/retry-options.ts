import { defaults } from "./defaults.ts";
import { milliseconds } from "./duration.ts";
import { QueuackError } from "./errors.ts";
import { backoffKinds, type RetryPolicy } from "./retry.ts";
import type { RetryOptions } from "./task.ts";

const jitters = ["none", "equal", "full"];

/**
 * The declarative part of what a user says about retries; what is left out follows `base`.
 * @param what names the options in errors, such as `retry of task resize`
 * @throws {QueuackError} `QUEUACK_INVALID_OPTION`
 */
export function retryPolicy(options: RetryOptions, what: string, base: RetryPolicy = defaults.retry): RetryPolicy {
  const { backoff, delay, cap, factor = base.factor, jitter = base.jitter } = options;
  if (typeof backoff === "string" && !backoffKinds.includes(backoff)) {
    throw invalid(
      `backoff in the ${what} is ${JSON.stringify(backoff)}.`,
      `Give one of ${backoffKinds.join(", ")}, or a function.`,
    );
  }
  if (!(Number.isFinite(factor) && factor > 0))
    throw invalid(`factor in the ${what} is ${factor}.`, "Give a number above 0.");
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
