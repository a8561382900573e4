import { QueuackError } from "../core/errors.ts";
import { type SettingOptions, settings } from "./settings.ts";

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
 * @throws {QueuackError} `QUEUACK_INVALID_OPTION` for a variable that is wrong, and for one that begins with `QUEUACK_`
 *   and that nobody knows
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
    const own = variables[key as keyof typeof variables](text);
    refuseWrong(key, text, own);
    options = merge(options, own);
  }
  return options;
}

/** Sees to it that an error names the variable: whoever reads it never wrote the option. */
function refuseWrong(key: string, text: string, options: SettingOptions): void {
  try {
    settings(options);
  } catch (cause) {
    throw new QueuackError("QUEUACK_INVALID_OPTION", {
      message: `The environment sets ${key}=${text}, which can't be.`,
      hint: (cause as QueuackError).hint,
      cause,
    });
  }
}

const groups = ["retry", "backpressure", "retention"] as const;

/** The options of the first, overridden by those of the second that are not `undefined`, groups merged. */
export function merge(below: SettingOptions, above: SettingOptions): SettingOptions {
  const merged: Record<string, unknown> = { ...below, ...defined(above) };
  for (const group of groups) {
    const [lower, upper] = [below[group], above[group]];
    if (isObject(lower) && isObject(upper)) merged[group] = { ...lower, ...defined(upper) };
  }
  return merged;
}

function defined(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function number(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

function duration(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text;
}
