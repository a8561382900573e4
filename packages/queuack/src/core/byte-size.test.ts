import { expect, test } from "vitest";
import { bytes } from "./byte-size.ts";

test.each([
  [1, 1],
  [1.5, 2],
  ["100b", 100],
  ["64kb", 65_536],
  ["256MB", 268_435_456],
  [" 1.5 gb ", 1_610_612_736],
])("%j is %d bytes", (size, expected) => {
  expect(bytes(size, "size")).toBe(expected);
});

test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, "", "256", "256 m", "mb", "-1mb", "0mb", null, {}])(
  "%j is no size, and the error names what it is for",
  (size) => {
    expect(() => bytes(size as string, "memoryLimit")).toThrow(
      expect.objectContaining({
        code: "QUEUACK_INVALID_OPTION",
        message: expect.stringMatching(/^memoryLimit is .*"256mb"/),
      }),
    );
  },
);
