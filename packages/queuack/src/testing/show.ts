import { inspect } from "node:util";

/** A matcher as Jest and Vitest make them (`expect.any(String)`). */
export interface Matcher {
  asymmetricMatch(actual: unknown): boolean;
  toAsymmetricMatcher?(): string;
}

/** Whether a value is such a matcher: known by its method, for no runner is imported here. */
export function isMatcher(value: unknown): value is Matcher {
  return typeof (value as Partial<Matcher> | null)?.asymmetricMatch === "function";
}

/** A value as a failed assertion shows it, on one line; what is long is cut. */
export function show(value: unknown): string {
  return inspect(legible(value), {
    depth: 6,
    breakLength: Number.POSITIVE_INFINITY,
    maxStringLength: 200,
    maxArrayLength: 20,
  });
}

/** The value with its matchers as they call themselves, such as `Any<String>`. */
function legible(value: unknown): unknown {
  if (isMatcher(value)) return { [inspect.custom]: () => value.toAsymmetricMatcher?.() ?? String(value) };
  if (Array.isArray(value)) return value.map(legible);
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, legible(part)]));
}
