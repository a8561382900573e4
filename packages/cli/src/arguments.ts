import { InvalidArgumentError } from "commander";
import type { JobState, Outcome } from "queuack";
import { durationMs } from "./duration.ts";

/** The states of a job, repeated here so that `--help` need not load the library. */
export const states = [
  "scheduled",
  "pending",
  "available",
  "running",
  "retryable",
  "completed",
  "discarded",
  "cancelled",
  "skipped",
  "upstream_failed",
] as const satisfies readonly JobState[];

const outcomes = [
  "succeeded",
  "cached",
  "failed",
  "timed_out",
  "crashed",
  "expired",
  "discarded",
  "cancelled",
] as const satisfies readonly Outcome[];

/** A repeatable option, each use one value. */
export function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}

/** A repeatable option, each use one or several values with commas between them. */
export function list(value: string, previous: readonly string[] = []): string[] {
  const items = value.split(",").map((item) => item.trim());
  if (items.some((item) => item === "")) throw new InvalidArgumentError("A name between the commas is empty.");
  return [...previous, ...items];
}

/** States, with commas between them. */
export function stateList(value: string, previous: readonly JobState[] = []): JobState[] {
  return [...previous, ...among(value, states)];
}

/** Outcomes, with commas between them. */
export function outcomeList(value: string, previous: readonly Outcome[] = []): Outcome[] {
  return [...previous, ...among(value, outcomes)];
}

/** A duration with its unit, as it was written. */
export function duration(value: string): string {
  if (durationMs(value) !== null) return value;
  throw new InvalidArgumentError('Give a number with a unit: 500ms, 30s, 5m, 2h, 7d, "1h 30m".');
}

/** A whole number of at least 1. */
export function count(value: string): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && Number.isSafeInteger(number) && number >= 1) return number;
  throw new InvalidArgumentError("Give a whole number from 1.");
}

/** A whole number of at least 0. */
export function countOrNone(value: string): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && Number.isSafeInteger(number)) return number;
  throw new InvalidArgumentError("Give a whole number from 0.");
}

/** A number above 0. */
export function weight(value: string): number {
  if (/^\d+(\.\d+)?$/.test(value) && Number(value) > 0) return Number(value);
  throw new InvalidArgumentError("Give a number above 0, such as 2 or 0.5.");
}

/** So many within a duration: `100/1m`. */
export function rate(value: string): { readonly limit: number; readonly per: string } {
  const [, limit, per] = /^(\d+)\/(.+)$/.exec(value) ?? [];
  if (per !== undefined && Number(limit) >= 1 && Number.isSafeInteger(Number(limit)) && durationMs(per)) {
    return { limit: Number(limit), per };
  }
  throw new InvalidArgumentError("Give how many may start within a duration: 100/1m, 5/1s.");
}

/** A number from 0 to 100 or a name. */
export function priority(value: string): number | "low" | "normal" | "high" {
  if (value === "low" || value === "normal" || value === "high") return value;
  if (/^\d+$/.test(value) && Number(value) <= 100) return Number(value);
  throw new InvalidArgumentError("Give a whole number from 0 to 100, or low, normal, high.");
}

/** A point in time, as ISO 8601; local time where it names no zone. */
export function moment(value: string): Date {
  const date = new Date(value);
  // Date takes "5" for a month of 2001.
  if (/^\d{4}-\d{2}-\d{2}/.test(value) && !Number.isNaN(date.getTime())) return date;
  throw new InvalidArgumentError("Give a time such as 2026-11-21T18:00:00Z, or without Z for local time.");
}

/** Queues in strict order (`a,b`) or with weights (`urgent=100,default=50`). */
export function queuePlan(value: string): string[] | Record<string, number> {
  const items = list(value);
  if (!items.some((item) => item.includes("="))) return items;
  const weights: Record<string, number> = {};
  for (const item of items) {
    const [, queue, weight] = /^(.+)=(\d+(?:\.\d+)?)$/.exec(item) ?? [];
    if (queue === undefined || !(Number(weight) > 0)) {
      throw new InvalidArgumentError(`${JSON.stringify(item)} has no weight above 0: urgent=100,default=50.`);
    }
    weights[queue] = Number(weight);
  }
  return weights;
}

function among<Name extends string>(value: string, known: readonly Name[]): Name[] {
  return list(value).map((item) => {
    if ((known as readonly string[]).includes(item)) return item as Name;
    throw new InvalidArgumentError(`Give one or more of ${known.join(", ")}, with commas between them.`);
  });
}
