import { QueuackError } from "../core/errors.ts";
import type { SettingOptions } from "./settings.ts";

/** The variables that set what `connect()` was not told, with what each of them means. */
const variables = {
  QUEUACK_DURABILITY: (text: string) => ({ durability: text as "full" }),
  QUEUACK_TENANT: (text: string) => ({ tenant: text }),
  QUEUACK_QUEUE: (text: string) => ({ queue: text }),
  QUEUACK_PRIORITY: (text: string) => ({ priority: /^\d+$/.test(text) ? Number(text) : (text as "normal") }),
  QUEUACK_MAX_ATTEMPTS: (text: string) => ({ retry: { maxAttempts: number(text) } }),
  QUEUACK_TIMEOUT: (text: string) => ({ timeout: duration(text) }),
  QUEUACK_WARN_AT: (text: string) => ({ backpressure: { warnAt: number(text) } }),
  QUEUACK_LIMIT: (text: string) => ({ backpressure: { limit: number(text) } }),
  QUEUACK_ON_LIMIT: (text: string) => ({ backpressure: { onLimit: text as "wait" } }),
  QUEUACK_RETENTION_COMPLETED: (text: string) => ({ retention: { completed: duration(text) } }),
  QUEUACK_RETENTION_DISCARDED: (text: string) => ({ retention: { discarded: duration(text) } }),
  QUEUACK_PAYLOAD_LIMIT: (text: string) => ({ payloadLimit: number(text) }),
} satisfies Record<string, (text: string) => SettingOptions>;

/** Variables that others read: the URL that the CLI and `connect()` without one use. */
const others = ["QUEUACK_URL"];

/**
 * What the environment says; what is given to `connect()` goes before it.
 * @throws {QueuackError} `QUEUACK_INVALID_OPTION` for a variable that begins with `QUEUACK_` and that nobody knows
 */
export function environmentOptions(environment: Readonly<Record<string, string | undefined>>): SettingOptions {
  let options: SettingOptions = {};
  for (const [key, text] of Object.entries(environment)) {
    if (!key.startsWith("QUEUACK_") || text === undefined || others.includes(key)) continue;
    if (!(key in variables)) {
      throw new QueuackError("QUEUACK_INVALID_OPTION", {
        message: `The environment sets ${key}, which Queuack does not know.`,
        hint: `Give one of ${[...others, ...Object.keys(variables)].join(", ")}.`,
      });
    }
    options = merge(options, variables[key as keyof typeof variables](text));
  }
  return options;
}

/** The options of the first, overridden by those of the second, groups merged. */
export function merge(below: SettingOptions, above: SettingOptions): SettingOptions {
  return {
    ...below,
    ...Object.fromEntries(Object.entries(above).filter(([, value]) => value !== undefined)),
    ...(below.retry || above.retry ? { retry: { ...below.retry, ...above.retry } } : {}),
    ...(below.backpressure || above.backpressure
      ? { backpressure: { ...below.backpressure, ...above.backpressure } }
      : {}),
    ...(below.retention || above.retention ? { retention: { ...below.retention, ...above.retention } } : {}),
  };
}

function number(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

function duration(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text;
}
