import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { milliseconds } from "./duration.ts";

describe("a duration", () => {
  test.each([
    ["500ms", 500],
    ["30s", 30_000],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["7d", 604_800_000],
    ["1w", 604_800_000],
  ])("%s is %d milliseconds", (text, ms) => {
    expect(milliseconds(text, "delay")).toBe(ms);
  });

  test.each([
    ["1h 30m", 5_400_000],
    ["1h30m", 5_400_000],
    ["1d 2h 3m 4s 5ms", 93_784_005],
    ["1.5h", 5_400_000],
    ["0.25s", 250],
    ["  10 s  ", 10_000],
    ["0s", 0],
  ])("%j adds up to %d milliseconds", (text, ms) => {
    expect(milliseconds(text, "delay")).toBe(ms);
  });

  test("a number is milliseconds", () => {
    expect(milliseconds(1_234, "delay")).toBe(1_234);
    expect(milliseconds(0, "delay")).toBe(0);
  });

  test("is always whole milliseconds, since no store keeps fractions", () => {
    expect(milliseconds(1.6, "delay")).toBe(2);
    expect(milliseconds("0.4ms", "delay")).toBe(0);
  });

  test.each([
    "",
    "   ",
    "soon",
    "5",
    "5 minutes",
    "5m and a bit",
    "-5m",
    "1e3ms",
    ".5s",
    "5M",
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    null,
    undefined,
    {},
    true,
    5n,
    Symbol("soon"),
  ])("%s is refused in a typed error that names the option and shows how it is written", (nonsense) => {
    expect(() => milliseconds(nonsense as string, "retention.completed")).toThrow(
      expect.objectContaining({
        code: "QUEUACK_INVALID_OPTION",
        message: expect.stringMatching(/^retention\.completed is .*"5m"/s),
      }),
    );
  });

  test("sums of whole units are exact", () => {
    const unit = fc.constantFrom(["ms", 1], ["s", 1e3], ["m", 6e4], ["h", 36e5], ["d", 864e5], ["w", 6048e5] as const);
    const parts = fc.array(fc.tuple(fc.nat(1_000), unit), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(parts, fc.constantFrom("", " "), (list, between) => {
        const text = list.map(([n, [name]]) => `${n}${name}`).join(between);
        const sum = list.reduce((total, [n, [, factor]]) => total + n * Number(factor), 0);
        expect(milliseconds(text, "delay")).toBe(sum);
      }),
    );
  });
});
