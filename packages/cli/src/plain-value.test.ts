import { expect, test } from "vitest";
import { jsonText, plainValue } from "./plain-value.ts";

const loop: Record<string, unknown> = { n: 1 };
loop.self = loop;

test.each<[string, unknown, unknown]>([
  ["JSON stays as it is", { a: [1, "b", null, true], c: undefined }, { a: [1, "b", null, true] }],
  ["dates", [new Date(0)], ["1970-01-01T00:00:00.000Z"]],
  ["an invalid date", new Date(Number.NaN), null],
  [
    "big and odd numbers",
    [2n ** 64n, Object(5n), Number.NaN, -1 / 0],
    ["18446744073709551616", "5", "NaN", "-Infinity"],
  ],
  ["a Map in a Map", new Map([[{ k: 1n }, new Map([["a", 1]])]]), [[{ k: "1" }, [["a", 1]]]]],
  ["a Set", new Set([1, new Set([2n])]), [1, ["2"]]],
  [
    "bytes",
    [Buffer.from("hi"), new Uint8Array([104, 105]).buffer, new DataView(new ArrayBuffer(1))],
    ["aGk=", "aGk=", "AA=="],
  ],
  ["other typed arrays", [new Float32Array([0.5]), new BigInt64Array([1n])], [[0.5], ["1"]]],
  ["a RegExp and an Error", [/a/g, new TypeError("boom")], ["/a/g", { name: "TypeError", message: "boom" }]],
  ["a cycle", loop, { n: 1, self: "[Circular]" }],
  ["undefined in a list", [undefined], [null]],
])("%s", (_, value, shown) => {
  expect(JSON.parse(jsonText(value) as string)).toEqual(shown);
});

test("nothing is nothing, and the same twice is no cycle", () => {
  expect(jsonText(undefined)).toBeUndefined();
  const shared = { a: 1 };
  expect(plainValue([shared, shared])).toEqual([shared, shared]);
});
