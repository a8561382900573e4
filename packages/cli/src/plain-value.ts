/**
 * A value as JSON can show it, for what a codec such as `structured` has brought: BigInt, NaN and infinities as text, Map
 * as a list of pairs, Set and typed arrays as lists, bytes as base64, `[Circular]` where it contains itself.
 */
export function plainValue(value: unknown): unknown {
  return plain(value, []);
}

/** The JSON text of a value; `undefined` where there is none. */
export function jsonText(value: unknown, indent?: number): string | undefined {
  return JSON.stringify(plainValue(value), null, indent);
}

function plain(value: unknown, above: readonly object[]): unknown {
  if (typeof value === "bigint" || (typeof value === "number" && !Number.isFinite(value))) return String(value);
  if (typeof value !== "object" || value === null) return value;
  if (above.includes(value)) return "[Circular]";
  const below = [...above, value];
  const list = (items: Iterable<unknown>) => Array.from(items, (item) => plain(item, below));
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString("base64");
  if (value instanceof Uint8Array || value instanceof DataView) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
  }
  if (Array.isArray(value) || value instanceof Set || value instanceof Map || ArrayBuffer.isView(value)) {
    return list(value as Iterable<unknown>);
  }
  if (value instanceof RegExp || value instanceof BigInt) return String(value);
  if (value instanceof Error) return { name: value.name, message: value.message };
  if (typeof (value as { toJSON?: unknown }).toJSON === "function") return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member, below)]));
}
