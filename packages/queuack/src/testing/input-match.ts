import { isDeepStrictEqual } from "node:util";
import { isMatcher, show } from "./show.ts";

/** A value of which only some parts are given: those are compared, the rest may be anything. */
export type PartialDeep<Value> = Value extends string | number | boolean | bigint | null | undefined | Date
  ? Value
  : Value extends readonly (infer Item)[]
    ? readonly PartialDeep<Item>[]
    : { readonly [Key in keyof Value]?: PartialDeep<Value[Key]> | undefined };

/** What a job's input should be: a part of it, or a function that says. */
export type ExpectedInput<Sent> = PartialDeep<Sent> | ((input: Sent) => boolean);

/**
 * Where a value differs from what is expected of it, one line for each place; empty where it fits. Of objects only the
 * given keys are compared, at any depth; lists must have the same length. What is expected is compared as it would be
 * stored, so a `Date` fits its text. Matchers of Jest and Vitest (`expect.any(String)`) may stand anywhere.
 * @param what names the value, such as `input`
 */
export function differences(actual: unknown, expected: unknown, what: string): string[] {
  if (isMatcher(expected)) {
    return expected.asymmetricMatch(actual) ? [] : [`${what} is ${show(actual)}, expected ${show(expected)}`];
  }
  // What a codec keeps whole is compared as a whole.
  if (isDeepStrictEqual(actual, expected)) return [];
  const { toJSON } = (expected ?? {}) as { toJSON?: unknown };
  if (typeof toJSON === "function") return differences(actual, toJSON.call(expected), what);
  if (expected instanceof Map || expected instanceof Set) {
    return [`${what} is ${show(actual)}, expected ${show(expected)}`];
  }
  if (typeof expected !== "object" || expected === null || typeof actual !== "object" || actual === null) {
    return Object.is(actual, expected) ? [] : [`${what} is ${show(actual)}, expected ${show(expected)}`];
  }
  if (Array.isArray(expected) || Array.isArray(actual)) {
    if (!Array.isArray(expected) || !Array.isArray(actual)) {
      return [`${what} is ${show(actual)}, expected ${show(expected)}`];
    }
    if (actual.length !== expected.length) {
      return [`${what} has ${actual.length} items, expected ${expected.length}: ${show(actual)}`];
    }
    return expected.flatMap((item, i) => differences(actual[i], item, `${what}[${i}]`));
  }
  return Object.entries(expected).flatMap(([key, value]) =>
    differences((actual as Record<string, unknown>)[key], value, `${what}.${key}`),
  );
}
