import { types } from "node:util";
import { DefaultDeserializer, DefaultSerializer } from "node:v8";
import type { Codec } from "../core/codec.ts";
import { QueuackError } from "../core/errors.ts";
import { notStorable } from "../core/payload.ts";

const hint = "Functions, symbols and instances of classes can't be stored: give data.";

/**
 * The codec for what JSON can't hold: `Date`, `Map`, `Set`, `BigInt`, `RegExp`, `Error`, typed arrays, buffers, NaN,
 * `undefined` in lists, cycles. Structured clone in V8's own format, which every later Node reads.
 * Refuses functions, symbols and instances of classes, which would come back as something else.
 */
export const structured: Codec = {
  name: "structured",
  encode(value, what) {
    try {
      check(value, what, [], new Set());
      const serializer = new DefaultSerializer();
      serializer.writeHeader();
      serializer.writeValue(value);
      return serializer.releaseBuffer();
    } catch (cause) {
      if (cause instanceof QueuackError) throw cause;
      const why = cause instanceof RangeError ? "is nested too deeply" : `can't be stored: ${(cause as Error).message}`;
      throw notStorable(what, [], why, { cause, hint });
    }
  },
  decode(stored) {
    if (typeof stored === "string") throw new TypeError("It is text where bytes are expected.");
    const deserializer = new Reader(stored);
    deserializer.readHeader();
    return deserializer.readValue();
  },
};

/** Gives every typed array memory of its own, where Node's would let them all see the whole stored text. */
class Reader extends DefaultDeserializer {
  _readHostObject(): unknown {
    const read = (DefaultDeserializer.prototype as unknown as { _readHostObject(): ArrayBufferView })._readHostObject;
    const view = read.call(this);
    if (Buffer.isBuffer(view)) return Buffer.from(view);
    if (!(view instanceof DataView)) return (view as Uint8Array).slice();
    return new DataView(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
  }
}

/** Walks down with the keys so far, so that what is refused can be named; V8 itself would not say where it stands. */
function check(value: unknown, what: string, keys: (string | number)[], seen: Set<object>): void {
  if (typeof value === "function" || typeof value === "symbol") {
    throw notStorable(what, keys, `is a ${typeof value}`, { hint });
  }
  if (typeof value !== "object" || value === null || seen.has(value)) return;
  seen.add(value);
  if (types.isMap(value)) {
    let i = 0;
    for (const [key, member] of value) {
      step(key, `keys()[${i}]`);
      step(member, `values()[${i++}]`);
    }
  } else if (types.isSet(value)) {
    let i = 0;
    for (const member of value) step(member, `values()[${i++}]`);
  } else if (Array.isArray(value)) value.forEach(step);
  else if (isPlain(value)) for (const key of Object.keys(value)) step((value as Record<string, unknown>)[key], key);
  else if (!isNative(value)) {
    const { name = "a class" } = Object.getPrototypeOf(value).constructor ?? {};
    throw notStorable(what, keys, `is an instance of ${name}`, { hint });
  }

  function step(member: unknown, key: string | number): void {
    keys.push(key);
    check(member, what, keys, seen);
    keys.pop();
  }
}

/** Whether it is a plain object, of this realm or of another one: its prototype has none itself. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || (Object.getPrototypeOf(prototype) === null && !types.isProxy(value));
}

/** Whether it is an object that V8 knows how to write and to make again. */
function isNative(value: object): boolean {
  return (
    types.isDate(value) ||
    types.isRegExp(value) ||
    types.isNativeError(value) ||
    types.isBoxedPrimitive(value) ||
    types.isArrayBuffer(value) ||
    types.isArrayBufferView(value)
  );
}
