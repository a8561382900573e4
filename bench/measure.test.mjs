import { expect, test } from "vitest";
import { inTurns, median, medianRatio, percentile, rounded } from "./measure.mjs";

test("the median is the middle value, or the mean of the two in the middle", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([10, 9, 1, 2])).toBe(5.5);
  expect(median([])).toBeNaN();
});

test("a percentile is the smallest value below which that part of them lies", () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect(percentile(values, 0.5)).toBe(50);
  expect(percentile(values, 0.99)).toBe(99);
  expect(percentile(values, 1)).toBe(100);
  expect(percentile([7], 0)).toBe(7);
});

test("a ratio is the median of the turns' ratios, not the ratio of the medians", () => {
  expect(medianRatio([10, 100, 1_000], [10, 200, 100])).toBe(1);
});

test("digits that mean nothing are left out", () => {
  expect(rounded(123_456.789)).toBe(123_500);
  expect(rounded(0.012_345_6, 3)).toBe(0.0123);
});

test("sides are measured in turns, every other turn backwards", async () => {
  /** @type {string[]} */
  const order = [];
  const side = (/** @type {string} */ name) => async () => order.push(name);
  /** @type {string[]} */
  const told = [];
  const figures = await inTurns({ a: side("a"), b: side("b"), c: side("c") }, 3, ({ turn, side: name, figure }) => {
    told.push(`${turn}${name}${figure}`);
  });
  expect(order.join("")).toBe("abccbaabc");
  expect(figures).toEqual({ a: [1, 6, 7], b: [2, 5, 8], c: [3, 4, 9] });
  expect(told).toEqual(["0a1", "0b2", "0c3", "1c4", "1b5", "1a6", "2a7", "2b8", "2c9"]);
});
