const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Milliseconds of a duration such as `30s` or `1h 30m`; `null` when it is none. A bare number is none: 30 what? */
export function durationMs(text: string): number | null {
  if (!/^\s*(\d+(\.\d+)?\s*(ms|s|m|h|d|w)\s*)+$/.test(text)) return null;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)/g)) {
    total += Number(amount) * (units[unit ?? ""] ?? Number.NaN);
  }
  return Math.round(total);
}

/** A span of time for people, in its one or two largest units: `850ms`, `12s`, `3m 20s`, `5h 2m`, `3d`. */
export function humanDuration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))}ms`;
  const seconds = Math.round(ms / 1_000);
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ] as const;
  const first = parts.findIndex(([amount]) => amount > 0);
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount}${unit}`)
    .join(" ");
}

/** How long ago a time was, or how far ahead it is: `5m ago`, `in 2h`. */
export function humanMoment(time: Date | number, now = Date.now()): string {
  const ms = now - Number(time);
  return ms < 0 ? `in ${humanDuration(-ms)}` : `${humanDuration(ms)} ago`;
}
