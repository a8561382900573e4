import { defaults, namedPriorities } from "../core/defaults.ts";
import { type Duration, milliseconds } from "../core/duration.ts";
import { QueuackError } from "../core/errors.ts";
import type { Backpressure, OnLimit, Retention } from "../core/queue-settings.ts";
import type { RetryPolicy } from "../core/retry.ts";
import { retryPolicy } from "../core/retry-options.ts";
import type { JobOptions, RetryOptions } from "../core/task.ts";

/** What a user may set for a connection; everything has a default in `core/defaults.ts`. */
export interface SettingOptions {
  /** `full`: an acknowledged job survives a power cut; `relaxed`: a killed process. */
  readonly durability?: "full" | "relaxed" | undefined;
  /** The namespace of what this connection enqueues and asks for. */
  readonly tenant?: string | undefined;
  /** The queue of a job whose task names none. */
  readonly queue?: string | undefined;
  readonly priority?: JobOptions["priority"];
  /** How failed attempts are retried where the task does not say. */
  readonly retry?: Omit<RetryOptions, "retryIf"> | undefined;
  /** How long an attempt may take where the task does not say. */
  readonly timeout?: Duration | undefined;
  /** Bounds on waiting jobs, for each queue without settings of its own. */
  readonly backpressure?: Partial<Backpressure> | undefined;
  /** How long final jobs are kept, for each queue without settings of its own. */
  readonly retention?:
    | { readonly completed?: Duration | undefined; readonly discarded?: Duration | undefined }
    | undefined;
  /** Largest input or result, bytes of its stored form. */
  readonly payloadLimit?: number | undefined;
}

/** The settings of a connection, checked and complete. */
export interface Settings {
  readonly durability: "full" | "relaxed";
  readonly tenant: string;
  readonly queue: string;
  readonly priority: number;
  readonly maxAttempts: number;
  /** `undefined`: the built-in policy, which need not be stored with every job. */
  readonly retry: RetryPolicy | undefined;
  readonly timeoutMs: number | undefined;
  readonly backpressure: Backpressure;
  readonly retention: Retention;
  readonly payloadLimit: number;
}

const knownOptions = new Set<string>([
  "durability",
  "tenant",
  "queue",
  "priority",
  "retry",
  "timeout",
  "backpressure",
  "retention",
  "payloadLimit",
] satisfies (keyof SettingOptions)[]);

/** Reads and checks the settings of a connection. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
export function settings(options: SettingOptions): Settings {
  const { durability = defaults.durability, retry, timeout, backpressure = {}, retention = {} } = options;
  if (durability !== "full" && durability !== "relaxed") {
    throw invalid(`durability is ${JSON.stringify(durability)}.`, 'Give "full" or "relaxed".');
  }
  return {
    durability,
    tenant: name(options.tenant ?? defaults.tenant, "tenant"),
    queue: name(options.queue ?? defaults.queue, "queue"),
    priority: priority(options.priority ?? defaults.priority),
    maxAttempts: maxAttempts(retry?.maxAttempts ?? defaults.maxAttempts),
    retry: retry === undefined ? undefined : retryPolicy(retry, "retry options of connect()"),
    timeoutMs: timeout === undefined ? undefined : positive(milliseconds(timeout, "timeout"), "timeout"),
    backpressure: checkedBackpressure({ ...defaults.backpressure, ...defined(backpressure) }),
    retention: {
      completedMs: milliseconds(retention.completed ?? defaults.retention.completedMs, "retention.completed"),
      discardedMs: milliseconds(retention.discarded ?? defaults.retention.discardedMs, "retention.discarded"),
    },
    payloadLimit: wholeNumber(options.payloadLimit ?? defaults.payloadLimit, "payloadLimit", 1, 1_073_741_824),
  };
}

/** Refuses options that nobody knows, with the nearest that somebody does. @throws {QueuackError} */
export function refuseUnknown(options: object, more: readonly string[], where: string): void {
  const known = [...knownOptions, ...more];
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    throw invalid(`${where} knows no option ${JSON.stringify(key)}.`, `Give one of ${known.join(", ")}.`);
  }
}

/** The bounds of a queue, checked. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
export function checkedBackpressure(bounds: Backpressure): Backpressure {
  const { warnAt, limit, onLimit } = bounds;
  wholeNumber(limit, "backpressure.limit", 1, Number.MAX_SAFE_INTEGER);
  wholeNumber(warnAt, "backpressure.warnAt", 1, Number.MAX_SAFE_INTEGER);
  const ways: readonly OnLimit[] = ["refuse", "wait"];
  if (!ways.includes(onLimit)) {
    throw invalid(`backpressure.onLimit is ${JSON.stringify(onLimit)}.`, 'Give "refuse" or "wait".');
  }
  return { warnAt: Math.min(warnAt, limit), limit, onLimit };
}

/** A priority as a number. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
export function priority(given: NonNullable<JobOptions["priority"]>): number {
  const value = typeof given === "string" ? namedPriorities[given] : given;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 100) return value;
  throw invalid(
    `priority is ${JSON.stringify(given)}.`,
    'Give a whole number from 0 to 100, or "low", "normal" or "high".',
  );
}

/** A number of attempts, checked. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
export function maxAttempts(value: number): number {
  return wholeNumber(value, "maxAttempts", 1, 10_000);
}

/** A duration above zero. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
export function positive(ms: number, what: string): number {
  if (ms > 0) return ms;
  throw invalid(`${what} is ${ms}.`, "Give a duration above zero.");
}

/** The name of a queue or tenant, checked. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
export function name(value: string, what: string): string {
  if (typeof value === "string" && /^[^\s\p{Cc}]{1,200}$/u.test(value)) return value;
  throw invalid(`${what} is ${JSON.stringify(value)}.`, "Give 1 to 200 characters without white space.");
}

function wholeNumber(value: number, what: string, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw invalid(`${what} is ${JSON.stringify(value)}.`, `Give a whole number from ${least} to ${most}.`);
}

function defined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

function invalid(message: string, hint: string): QueuackError {
  return new QueuackError("QUEUACK_INVALID_OPTION", { message, hint });
}
