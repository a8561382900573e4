import type { ConnectOptions, WorkerOptions } from "queuack";
import { durationMs } from "./duration.ts";

/** How results are printed. */
export type Format = "table" | "json" | "yaml";

/** The formats, by name. */
const formats: readonly Format[] = ["table", "json", "yaml"];

/** What `queuack.config.*` may hold: what `connect()` may be told, and what concerns the command line. */
export interface Configuration
  extends Pick<
    ConnectOptions,
    | "durability"
    | "tenant"
    | "queue"
    | "priority"
    | "retry"
    | "timeout"
    | "backpressure"
    | "retention"
    | "payloadLimit"
    | "codec"
    | "codecs"
  > {
  /** The queue to open; a file's path is relative to the configuration file. */
  readonly url?: string | undefined;
  readonly output?: Format | undefined;
  /** Modules that export tasks, relative to the configuration file. */
  readonly modules?: readonly string[] | undefined;
  /** Options of `queuack worker`. */
  readonly worker?: Pick<WorkerOptions, "concurrency" | "queues" | "lease" | "heartbeat" | "shutdownGrace"> | undefined;
  /** What concerns the broker process; not read here. */
  readonly server?: Readonly<Record<string, unknown>> | undefined;
}

/** Says what a value should be; `null` when it is that. */
type Check = (value: unknown) => string | null;
type Shape = { readonly [key: string]: Check | Shape };

const expects =
  (expected: string, holds: (value: unknown) => boolean): Check =>
  (value) =>
    holds(value) ? null : expected;

const isName = (value: unknown) => typeof value === "string" && /^[^\s\p{Cc}]{1,200}$/u.test(value);
const isWhole = (value: unknown, least: number) => Number.isSafeInteger(value) && (value as number) >= least;
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

// The library checks the rest; a file of JSON or YAML can only name one of the two that are built in.
const isCodec = (value: unknown) => isRecord(value) && typeof value.encode === "function";

const text = expects("a text", (value) => typeof value === "string" && value.trim() !== "");
const name = expects("1 to 200 characters without white space", isName);
const positive = expects("a whole number from 1", (value) => isWhole(value, 1));
const duration = expects(
  'milliseconds as a number, or a number with a unit: "500ms", "30s", "5m", "2h", "7d"',
  (value) => (typeof value === "number" && value >= 0) || (typeof value === "string" && durationMs(value) !== null),
);
const oneOf = (...values: readonly string[]) =>
  expects(values.map((value) => JSON.stringify(value)).join(" or "), (value) => values.includes(value as string));
const priority = expects(
  'a whole number from 0 to 100, or "low", "normal" or "high"',
  (value) => (isWhole(value, 0) && (value as number) <= 100) || ["low", "normal", "high"].includes(value as string),
);
const queues = expects(
  'names in strict order, ["urgent", "default"], or with weights, { urgent: 100, default: 50 }',
  (value) =>
    (Array.isArray(value) && value.length > 0 && value.every(isName)) ||
    (isRecord(value) && Object.values(value).every((weight) => typeof weight === "number" && weight > 0)),
);

const shape = {
  url: text,
  output: oneOf(...formats),
  modules: expects(
    "a list of paths",
    (value) => Array.isArray(value) && value.every((path) => typeof path === "string"),
  ),
  durability: oneOf("full", "relaxed"),
  tenant: name,
  queue: name,
  priority,
  retry: {
    maxAttempts: positive,
    backoff: expects(
      '"fixed", "linear", "exponential" or "polynomial"',
      (value) =>
        typeof value === "function" || ["fixed", "linear", "exponential", "polynomial"].includes(value as string),
    ),
    delay: duration,
    cap: duration,
    factor: expects("a number above 0", (value) => typeof value === "number" && value > 0),
    jitter: oneOf("none", "equal", "full"),
  },
  timeout: duration,
  backpressure: { warnAt: positive, limit: positive, onLimit: oneOf("refuse", "wait") },
  retention: { completed: duration, discarded: duration },
  payloadLimit: positive,
  codec: expects(
    '"json", "structured", or a codec',
    (value) => ["json", "structured"].includes(value as string) || isCodec(value),
  ),
  codecs: expects("a list of codecs", (value) => Array.isArray(value) && value.every(isCodec)),
  worker: { concurrency: positive, queues, lease: duration, heartbeat: duration, shutdownGrace: duration },
  server: expects("a group of settings", isRecord),
} as const satisfies { readonly [Key in keyof Required<Configuration>]: Check | Shape };

/** What is wrong with the content of a configuration file, by key; empty when it is a `Configuration`. */
export function problemsOf(content: unknown): string[] {
  return isRecord(content)
    ? groupProblems(content, shape, "")
    : [`The file should hold settings, not ${show(content)}.`];
}

function groupProblems(group: Readonly<Record<string, unknown>>, known: Shape, path: string): string[] {
  return Object.entries(group).flatMap(([key, value]) => {
    const full = path + key;
    const check = Object.hasOwn(known, key) ? known[key] : undefined;
    if (check === undefined) return [unknownKey(full, key, Object.keys(known))];
    if (value === undefined) return [];
    if (typeof check !== "function") {
      if (isRecord(value)) return groupProblems(value, check, `${full}.`);
      return [`${full} is ${show(value)}; give a group of ${Object.keys(check).join(", ")}.`];
    }
    const expected = check(value);
    return expected === null ? [] : [`${full} is ${show(value)}; give ${expected}.`];
  });
}

function unknownKey(full: string, key: string, known: readonly string[]): string {
  const near = known.find((candidate) => distance(candidate.toLowerCase(), key.toLowerCase()) <= 2);
  return `${full} is not a setting; ${near === undefined ? `the settings here are ${known.join(", ")}` : `did you mean ${near}?`}`;
}

/** How many letters must be added, taken or changed to make one word of the other (Levenshtein). */
function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(changed, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    above = row;
  }
  return above[b.length] ?? 0;
}

function show(value: unknown): string {
  const json = typeof value === "function" ? "a function" : (JSON.stringify(value) ?? String(value));
  return json.length > 60 ? `${json.slice(0, 60)}…` : json;
}
