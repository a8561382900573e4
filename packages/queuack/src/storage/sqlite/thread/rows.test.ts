import fc from "fast-check";
import { expect, test } from "vitest";
import { packed, unpacked } from "./rows.ts";

const crossed = (value: unknown): unknown => unpacked(structuredClone(packed(value)));

test("whatever crosses comes back as it was", () => {
  const cell = fc.oneof(fc.constant(null), fc.constant(undefined), fc.integer(), fc.string(), fc.constantFrom("a", 1));
  const row = fc.oneof(
    fc.record({ id: fc.string(), task: fc.constant("t"), input: cell }),
    fc.record({ id: fc.string(), task: fc.constant("t"), input: cell, delayMs: fc.nat() }, { requiredKeys: ["id"] }),
  );
  const value = fc.record({ jobs: fc.array(row, { maxLength: 12 }), ids: fc.array(fc.string()), limit: cell });
  fc.assert(
    fc.property(fc.oneof(value, cell, fc.array(row)), (one) => {
      const back = crossed(one);
      expect(back).toEqual(one);
      expect(JSON.stringify(sorted(back))).toBe(JSON.stringify(sorted(one)));
    }),
  );
});

test("what all rows have in common crosses once", () => {
  const retry = { backoff: "fixed" };
  const { value, lists } = packed({
    jobs: Array.from({ length: 5 }, (_, n) => ({ id: `j${n}`, retry, n: 1 })),
    limit: 9,
  });
  expect(value).toEqual({ limit: 9 });
  expect(lists).toEqual([
    ["jobs", [{ count: 5, same: { retry, n: 1 }, columns: [["id", ["j0", "j1", "j2", "j3", "j4"]]] }]],
  ]);
});

test("short lists, lists of other things and holes cross as they are", () => {
  const value = { few: [{ a: 1 }], ids: ["a", "b", "c", "d", "e"], some: [null, { a: 1 }, null, { a: 2 }, null] };
  expect(packed(value)).toEqual({ value, lists: [] });
});

/** With the keys of every object in one order: in which one they come back says nothing. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value ?? null;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sorted(one)]),
  );
}
