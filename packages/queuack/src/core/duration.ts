import { QueuackError } from "./errors.ts";

/** A span of time: milliseconds, or a number with a unit such as `"500ms"`, `"30s"`, `"5m"`, `"2h"`, `"7d"`, `"1w"`. */
export type Duration = number | string;

const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** The longest that a duration may be, milliseconds: a hundred thousand years, so that whatever it leads to is a date. */
const longest = 100_000 * 365 * 86_400_000;

/**
 * Whole milliseconds of a duration.
 * @param name what the duration is for, named in the error
 * @throws {QueuackError} `QUEUACK_INVALID_OPTION` when it is negative, endless or not understood
 */
export function milliseconds(duration: Duration, name: string): number {
  if (typeof duration === "number" && duration >= 0 && duration <= longest) return Math.round(duration);
  if (typeof duration === "string") {
    let total = 0;
    let rest = duration.trim();
    while (rest !== "") {
      const part = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)\s*/.exec(rest);
      if (!part) break;
      total += Number(part[1]) * (units[part[2] ?? ""] ?? Number.NaN);
      rest = rest.slice(part[0].length);
    }
    if (rest === "" && duration.trim() !== "" && total <= longest) return Math.round(total);
  }
  throw new QueuackError("QUEUACK_INVALID_OPTION", {
    message: `${name} is ${typeof duration === "string" ? JSON.stringify(duration) : String(duration)}, which is not a duration.`,
    hint: 'Give milliseconds as a number, or a number with a unit: "500ms", "30s", "5m", "2h", "7d", "1h 30m".',
  });
}
