import { Codecs } from "../codecs/codecs.ts";
import { type Codec, type CodecOption, checkedCodec } from "../core/codec.ts";
import { defaults, namedPriorities } from "../core/defaults.ts";
import { type Duration, milliseconds } from "../core/duration.ts";
import { QueuackError } from "../core/errors.ts";
import type { Backpressure, OnLimit, Retention } from "../core/queue-settings.ts";
import type { RetryPolicy } from "../core/retry.ts";
import { retryPolicy } from "../core/retry-options.ts";
import type { DeclarativeRetry, JobOptions } from "../core/task.ts";

/** Bounds on waiting jobs, as a user writes them. */
export type BackpressureOptions = { readonly [Key in keyof Backpressure]?: Backpressure[Key] | undefined };

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
  readonly retry?: DeclarativeRetry | undefined;
  /** How long an attempt may take where the task does not say. */
  readonly timeout?: Duration | undefined;
  /** Bounds on waiting jobs, for each queue without settings of its own. */
  readonly backpressure?: BackpressureOptions | undefined;
  /** How long final jobs are kept, for each queue without settings of its own. */
  readonly retention?:
    | { readonly completed?: Duration | undefined; readonly discarded?: Duration | undefined }
    | undefined;
  /** Largest input or result, bytes of its stored form. */
  readonly payloadLimit?: number | undefined;
  /** How inputs and results are written where the task does not say; `"json"` by default. */
  readonly codec?: CodecOption | undefined;
  /** More codecs, to read what was written with them. */
  readonly codecs?: readonly Codec[] | undefined;
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
  /** What payloads are written and read with. */
  readonly codecs: Codecs;
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
  "codec",
  "codecs",
] satisfies (keyof SettingOptions)[]);

/** Reads and checks the settings of a connection. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
export function settings(options: SettingOptions): Settings {
  const { durability = defaults.durability, retry, timeout, backpressure = {}, retention = {} } = options;
  if (durability !== "full" && durability !== "relaxed") {
    throw invalid(`durability is ${shown(durability)}.`, 'Give "full" or "relaxed".');
  }
  if (retry !== undefined) refuseOther(retry, "retry");
  refuseOther(retention, "retention", ["completed", "discarded"]);
  return {
    durability,
    tenant: name(options.tenant ?? defaults.tenant, "tenant"),
    queue: name(options.queue ?? defaults.queue, "queue"),
    priority: priority(options.priority ?? defaults.priority),
    maxAttempts: maxAttempts(retry?.maxAttempts ?? defaults.maxAttempts),
    retry: retry && storedRetry(retry),
    timeoutMs: timeout === undefined ? undefined : positive(milliseconds(timeout, "timeout"), "timeout"),
    backpressure: checkedBackpressure(backpressure, defaults.backpressure),
    retention: {
      completedMs: milliseconds(retention.completed ?? defaults.retention.completedMs, "retention.completed"),
      discardedMs: milliseconds(retention.discarded ?? defaults.retention.discardedMs, "retention.discarded"),
    },
    payloadLimit: wholeNumber(options.payloadLimit ?? defaults.payloadLimit, "payloadLimit", 1, 1_073_741_824),
    codecs: codecs(options.codec ?? "json", options.codecs ?? []),
  };
}

/** Refuses options that nobody knows, with those that somebody does. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
export function refuseUnknown(options: object, more: readonly string[], where: string): void {
  refuseOther(options, where, [...knownOptions, ...more]);
}

/** Refuses what is no group of options, and a group with other names than the known ones. @throws {QueuackError} */
export function refuseOther(group: object, what: string, known?: readonly string[]): void {
  if (typeof group !== "object" || group === null || Array.isArray(group)) {
    throw invalid(
      `${what} is ${shown(group)}.`,
      `Give an object${known === undefined ? "" : ` with ${known.join(", ")}`}.`,
    );
  }
  const other = known && Object.keys(group).find((key) => !known.includes(key));
  if (other !== undefined)
    throw invalid(`${what} knows no option ${JSON.stringify(other)}.`, `Give one of ${known?.join(", ")}.`);
}

/** The bounds of a queue, checked; what is left out follows `base`. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
export function checkedBackpressure(bounds: BackpressureOptions, base: Backpressure): Backpressure {
  refuseOther(bounds, "backpressure", ["warnAt", "limit", "onLimit"]);
  const { warnAt = base.warnAt, limit = base.limit, onLimit = base.onLimit } = bounds;
  wholeNumber(limit, "backpressure.limit", 1, Number.MAX_SAFE_INTEGER);
  wholeNumber(warnAt, "backpressure.warnAt", 1, Number.MAX_SAFE_INTEGER);
  const ways: readonly OnLimit[] = ["refuse", "wait"];
  if (!ways.includes(onLimit)) {
    throw invalid(`backpressure.onLimit is ${shown(onLimit)}.`, 'Give "refuse" or "wait".');
  }
  return { warnAt: Math.min(warnAt, limit), limit, onLimit };
}

/** A priority as a number. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
export function priority(given: NonNullable<JobOptions["priority"]>): number {
  const value = typeof given === "string" ? namedPriorities[given] : given;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 100) return value;
  throw invalid(`priority is ${shown(given)}.`, 'Give a whole number from 0 to 100, or "low", "normal" or "high".');
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

/** A point in time, milliseconds since the epoch. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
export function time(given: Date | number, what: string): number {
  const ms = given instanceof Date ? given.getTime() : given;
  // What is beyond the range of dates is no time.
  if (typeof ms === "number" && Number.isFinite(new Date(ms).getTime())) return Math.round(ms);
  throw invalid(
    `${what} is ${given instanceof Date ? "an invalid Date" : shown(given)}.`,
    "Give a valid Date, or milliseconds since the epoch.",
  );
}

/** The name of a queue or tenant, checked. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
export function name(value: string, what: string): string {
  if (typeof value === "string" && /^[^\s\p{Cc}]{1,200}$/u.test(value)) return value;
  throw invalid(`${what} is ${shown(value)}.`, "Give 1 to 200 characters without white space.");
}

/** What a job shares limits and turns by, checked. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
export function groupKey(value: string): string {
  if (typeof value === "string" && /^[^\p{Cc}]{1,200}$/u.test(value) && value !== "*") return value;
  throw invalid(`group is ${shown(value)}.`, 'Give a text of 1 to 200 characters, and not "*".');
}

/** A whole number within bounds. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
export function wholeNumber(value: number, what: string, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw invalid(`${what} is ${shown(value)}.`, `Give a whole number from ${least} to ${most}.`);
}

function codecs(own: CodecOption, others: readonly Codec[]): Codecs {
  if (!Array.isArray(others)) throw invalid(`codecs is ${shown(others)}.`, "Give a list of codecs.");
  others.forEach((codec, i) => {
    checkedCodec(codec, `codecs[${i}]`);
  });
  return new Codecs(checkedCodec(own, "codec"), others);
}

/** A retry policy that is worth storing with every job; `undefined` where only the number of attempts is given. */
function storedRetry(retry: DeclarativeRetry): RetryPolicy | undefined {
  const policy = retryPolicy(retry, "retry options of connect()", defaults.retry, "connection");
  const { maxAttempts: _, ...shape } = retry;
  return Object.values(shape).some((value) => value !== undefined) ? policy : undefined;
}

/** Refuses what is neither absent nor a list of texts. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
export function textList(list: readonly string[] | undefined, what: string): void {
  if (list === undefined || (Array.isArray(list) && list.every((item) => typeof item === "string"))) return;
  throw invalid(`${what} is ${shown(list)}.`, "Give a list of texts.");
}

/** Refuses a list with other words than the known ones. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
export function oneOf(list: readonly string[] | undefined, known: readonly string[], what: string): void {
  const other = list?.find((word) => !known.includes(word));
  if (other !== undefined) throw invalid(`${what} holds ${shown(other)}.`, `Give some of ${known.join(", ")}.`);
}

/** A value as an error shows it. */
export function shown(value: unknown): string {
  if (typeof value === "function") return "a function";
  const text =
    typeof value === "number" ? String(value) : typeof value === "bigint" ? `${value}n` : JSON.stringify(value);
  return (text ?? String(value)).slice(0, 200);
}

/** The error for an option that is wrong. */
export function invalid(message: string, hint: string): QueuackError {
  return new QueuackError("QUEUACK_INVALID_OPTION", { message, hint });
}
