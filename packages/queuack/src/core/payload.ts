import { QueuackError } from "./errors.ts";
import type { Payload } from "./job.ts";

/**
 * The stored form of a value: JSON text, or `null` for `undefined`.
 * Refuses what would come back as something else: functions, symbols, BigInt, cycles, NaN, invalid dates, Map, Set and
 * other instances without `toJSON`. A `Date` is stored as its ISO text.
 * @param what names the value in errors, such as `input`
 * @throws {QueuackError} `QUEUACK_NOT_STORABLE` with the path; `QUEUACK_PAYLOAD_TOO_LARGE`
 */
export function encodePayload(value: unknown, what: string, limit: number): Payload {
  if (value === undefined) return null;
  return withinLimit(stored(value, what), what, limit);
}

/** The text itself, where its UTF-8 takes at most `limit` bytes. @throws {QueuackError} `QUEUACK_PAYLOAD_TOO_LARGE` */
export function withinLimit(text: string, what: string, limit: number): string {
  if (text.length > limit || (text.length * 3 > limit && utf8Length(text) > limit)) {
    throw new QueuackError("QUEUACK_PAYLOAD_TOO_LARGE", {
      message: `${what} takes more than ${limit} bytes.`,
      details: { limit },
    });
  }
  return text;
}

/** The value of a payload that is JSON; `undefined` for `null`. What another codec wrote is for `Codecs` to read. */
export function decodePayload(payload: Payload): unknown {
  return payload === null ? undefined : JSON.parse(payload);
}

function stored(value: unknown, what: string): string {
  const keys: (string | number)[] = [];
  try {
    if (!isSurelyStorable(value)) check(value, what, keys, []);
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof QueuackError) throw error;
    if (error instanceof RangeError) throw notStorable(what, [], "is nested too deeply", { cause: error });
    // A getter or a toJSON of the user's own.
    const why = `can't be read: ${error instanceof Error ? error.message : String(error)}`;
    throw notStorable(what, keys, why, { cause: error });
  }
}

/** How deep `isSurelyStorable` looks. */
const plainDepth = 8;

/** Whether nothing can be wrong with a value: found out in a fraction of the time that finding the fault takes. */
function isSurelyStorable(value: unknown): boolean {
  try {
    return isPlain(value, plainDepth);
  } catch {
    // A getter of the user's own: the long way finds out where.
    return false;
  }
}

/** Whether a value consists of plain objects, lists, texts, finite numbers and the like, and is not nested deeply. */
function isPlain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value);
    case "object":
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if (depth === 0 || (value as { toJSON?: unknown }).toJSON !== undefined) return false;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!isPlain(value[i], depth - 1)) return false;
    return true;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  for (const key in value) if (!isPlain((value as Record<string, unknown>)[key], depth - 1)) return false;
  return true;
}

/** Walks down with the keys so far, so that a path is spelled only for a value that is refused. */
function check(value: unknown, what: string, keys: (string | number)[], ancestors: object[]): void {
  switch (typeof value) {
    case "string":
    case "boolean":
    // As a property, undefined is simply absent, which JSON.stringify does as well.
    case "undefined":
      return;
    case "number":
      if (Number.isFinite(value)) return;
      throw notStorable(what, keys, `is ${value}, which JSON can't hold`);
    case "object":
      break;
    default:
      throw notStorable(what, keys, `is a ${typeof value}`);
  }
  if (value === null) return;
  if (ancestors.includes(value)) throw notStorable(what, keys, "contains itself");
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === "function") {
    if (value instanceof Date && Number.isNaN(value.getTime())) throw notStorable(what, keys, "is an invalid Date");
    const made: unknown = toJSON.call(value, String(keys.at(-1) ?? ""));
    if (made === undefined) throw notStorable(what, keys, "is stored as undefined by its toJSON");
    // JSON.stringify asks what comes of a toJSON for no other one.
    if (made === null || typeof made !== "object") return check(made, what, keys, ancestors);
    ancestors.push(value);
    members(made, what, keys, ancestors);
    ancestors.pop();
    return;
  }
  ancestors.push(value);
  members(value, what, keys, ancestors);
  ancestors.pop();
}

function members(value: object, what: string, keys: (string | number)[], ancestors: object[]): void {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      keys.push(i);
      if (value[i] === undefined) throw notStorable(what, keys, "is undefined, which would come back as null");
      check(value[i], what, keys, ancestors);
      keys.pop();
    }
  } else {
    const prototype = Object.getPrototypeOf(value);
    // The prototype of plain objects has none itself, in every realm.
    if (prototype !== Object.prototype && prototype !== null && Object.getPrototypeOf(prototype) !== null) {
      throw notStorable(what, keys, `is an instance of ${prototype.constructor?.name ?? "a class"}`);
    }
    for (const key of Object.keys(value)) {
      keys.push(key);
      check((value as Record<string, unknown>)[key], what, keys, ancestors);
      keys.pop();
    }
  }
}

/** The error for a part of a value that can't be stored: `input.a[0] is a function.` */
export function notStorable(
  what: string,
  keys: readonly (string | number)[],
  why: string,
  options: { readonly cause?: unknown; readonly hint?: string } = {},
): QueuackError {
  const path = what + keys.map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`)).join("");
  return new QueuackError("QUEUACK_NOT_STORABLE", { message: `${path} ${why}.`, details: { path }, ...options });
}

function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7ff) bytes += unit >= 0xd800 && unit < 0xe000 ? 1 : 2;
    else if (unit > 0x7f) bytes += 1;
  }
  return bytes;
}
