import { QueuackError } from "./errors.ts";
import type { Payload } from "./job.ts";

/**
 * The stored form of a value: JSON text, or `null` for `undefined`.
 * Refuses what would come back as something else: functions, symbols, BigInt, cycles, NaN, Map, Set and other
 * instances without `toJSON`. A `Date` is stored as its ISO text.
 * @param what names the value in errors, such as `input`
 * @throws {QueuackError} `QUEUACK_NOT_STORABLE` with the path; `QUEUACK_PAYLOAD_TOO_LARGE`
 */
export function encodePayload(value: unknown, what: string, limit: number): Payload {
  if (value === undefined) return null;
  check(value, what, [], []);
  const text = JSON.stringify(value);
  if (text.length > limit || (text.length * 3 > limit && utf8Length(text) > limit)) {
    throw new QueuackError("QUEUACK_PAYLOAD_TOO_LARGE", {
      message: `${what} takes more than ${limit} bytes.`,
      details: { limit },
    });
  }
  return text;
}

/** The value of a stored payload; `undefined` for `null`. */
export function decodePayload(payload: Payload): unknown {
  return payload === null ? undefined : JSON.parse(payload);
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
      throw refused(what, keys, `is ${value}, which JSON can't hold`);
    case "object":
      break;
    default:
      throw refused(what, keys, `is a ${typeof value}`);
  }
  if (value === null) return;
  if (ancestors.includes(value)) throw refused(what, keys, "contains itself");
  if (typeof (value as { toJSON?: unknown }).toJSON === "function") return;
  ancestors.push(value);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      keys.push(i);
      if (value[i] === undefined) throw refused(what, keys, "is undefined, which would come back as null");
      check(value[i], what, keys, ancestors);
      keys.pop();
    }
  } else {
    const prototype = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) {
      throw refused(what, keys, `is an instance of ${prototype.constructor?.name ?? "a class"}`);
    }
    for (const key of Object.keys(value)) {
      keys.push(key);
      check((value as Record<string, unknown>)[key], what, keys, ancestors);
      keys.pop();
    }
  }
  ancestors.pop();
}

function refused(what: string, keys: readonly (string | number)[], why: string): QueuackError {
  const path = what + keys.map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`)).join("");
  return new QueuackError("QUEUACK_NOT_STORABLE", { message: `${path} ${why}.`, details: { path } });
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
