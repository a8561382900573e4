import { createHash } from "node:crypto";
import { milliseconds } from "../core/duration.ts";
import { type JobState, jobStates, waitingStates } from "../core/job-state.ts";
import type { UniqueOptions } from "../core/task.ts";
import { conflictReplies, liveStates, type Uniqueness } from "../core/unique.ts";
import { invalid, oneOf, positive, refuseOther, shown, textList } from "./settings.ts";

/** What makes jobs of one template unique, worked out once; the key needs each job's input. */
export interface UniqueTemplate extends Omit<Uniqueness, "key"> {
  /** Where the key begins: tenant, queue and task. */
  readonly scope: readonly string[];
  /** Paths into the input; `undefined`: all of it. */
  readonly by: readonly (readonly string[])[] | undefined;
}

/** Reads the option. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
export function uniqueTemplate(option: UniqueOptions | boolean, scope: readonly string[]): UniqueTemplate | undefined {
  if (option === false) return undefined;
  const options = option === true ? {} : option;
  refuseOther(options, "unique", ["by", "period", "states", "onConflict"]);
  const { by, period, onConflict = "ignore" } = options;
  textList(by, "unique.by");
  if (by?.some((path) => path === ""))
    throw invalid(`unique.by is ${shown(by)}.`, 'Give fields of the input, such as "user.id".');
  if (!conflictReplies.includes(onConflict)) {
    throw invalid(`unique.onConflict is ${shown(onConflict)}.`, `Give one of ${conflictReplies.join(", ")}.`);
  }
  return {
    scope,
    by: by?.map((path) => path.split(".")),
    periodMs: period === undefined ? undefined : positive(milliseconds(period, "unique.period"), "unique.period"),
    states: uniqueStates(options.states, period !== undefined),
    onConflict,
  };
}

/** The uniqueness of a job with this input. */
export function uniqueness({ scope, by, ...rest }: UniqueTemplate, input: unknown): Uniqueness {
  const chosen = by === undefined ? input : by.map((path) => at(input, path));
  const hash = createHash("sha256").update(JSON.stringify([...scope, chosen], sorted) ?? "");
  return { ...rest, key: hash.digest("base64url").slice(0, 32) };
}

/** Where a job must be while it waits, whatever else is asked for: otherwise two of a kind could wait side by side. */
function uniqueStates(given: readonly JobState[] | undefined, hasPeriod: boolean): readonly JobState[] {
  // Once in a period means that the job that is over counts as well.
  if (given === undefined) return hasPeriod ? [...liveStates, "completed"] : liveStates;
  textList(given, "unique.states");
  oneOf(given, jobStates, "unique.states");
  const missing = waitingStates.filter((state) => !given.includes(state));
  if (missing.length === 0) return given;
  throw invalid(
    `unique.states lacks ${missing.join(", ")}.`,
    `Give ${waitingStates.join(", ")}, and what else should count: running, completed, discarded, cancelled.`,
  );
}

function at(input: unknown, path: readonly string[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** Lets equal values have equal text: keys in order, and what JSON can't hold by something that stands for it. */
function sorted(_: string, value: unknown): unknown {
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Map || value instanceof Set) return [value.constructor.name, ...value];
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
