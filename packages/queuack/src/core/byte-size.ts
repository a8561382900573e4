import { QueuackError } from "./errors.ts";

/** A number of bytes, or a number with a unit such as `"64kb"`, `"256mb"`, `"1gb"` (powers of 1,024). */
export type ByteSize = number | string;

const units: Readonly<Record<string, number>> = { b: 1, kb: 1_024, mb: 1_048_576, gb: 1_073_741_824 };

/**
 * Whole bytes of a size.
 * @param name what the size is for, named in the error
 * @throws {QueuackError} `QUEUACK_INVALID_OPTION` when it is not above zero, endless or not understood
 */
export function bytes(size: ByteSize, name: string): number {
  const amount = typeof size === "number" ? size : parsed(size);
  if (amount > 0 && amount <= Number.MAX_SAFE_INTEGER) return Math.ceil(amount);
  throw new QueuackError("QUEUACK_INVALID_OPTION", {
    message: `${name} is ${typeof size === "string" ? JSON.stringify(size) : String(size)}, which is no size.`,
    hint: 'Give bytes as a number, or a number with a unit: "64kb", "256mb", "1gb".',
  });
}

function parsed(size: unknown): number {
  const [, number, unit = ""] = (typeof size === "string" && /^\s*(\d+(?:\.\d+)?)\s*([kmg]?b)\s*$/i.exec(size)) || [];
  return Number(number) * (units[unit.toLowerCase()] ?? Number.NaN);
}
