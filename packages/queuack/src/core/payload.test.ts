import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodePayload, encodePayload } from "./payload.ts";

const roomy = 1_000_000;
const encode = (value: unknown, limit = roomy) => encodePayload(value, "input", limit);
const there = (value: unknown) => decodePayload(encode(value));

function nested(depth: number): unknown {
  let value: unknown = [];
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

describe("what comes back is what was given", () => {
  test("any JSON value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(there(value)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test("nothing at all: undefined is stored as null and comes back as undefined", () => {
    expect(encode(undefined)).toBeNull();
    expect(there(undefined)).toBeUndefined();
    expect(there(null)).toBeNull();
  });

  test("a property that is undefined is absent", () => {
    expect(there({ a: 1, b: undefined })).toEqual({ a: 1 });
    expect(encode({ a: 1, b: undefined })).toBe('{"a":1}');
  });

  test("a Date is stored as its ISO text", () => {
    expect(there({ at: new Date(0) })).toEqual({ at: "1970-01-01T00:00:00.000Z" });
  });

  test("a class of the user's own that says how it is stored", () => {
    const money = { toJSON: () => ({ cents: 5 }) };
    expect(there([money])).toEqual([{ cents: 5 }]);
  });

  test("plain objects without a prototype, or from another realm", () => {
    expect(there(Object.assign(Object.create(null), { a: 1 }))).toEqual({ a: 1 });
    expect(there(runInNewContext("({ a: [1, { b: 2 }] })"))).toEqual({ a: [1, { b: 2 }] });
  });

  test("the same object twice beside each other is no cycle", () => {
    const shared = { n: 1 };
    expect(there({ a: shared, b: [shared, shared] })).toEqual({ a: { n: 1 }, b: [{ n: 1 }, { n: 1 }] });
  });
});

describe("what would come back as something else is refused, with its path", () => {
  class Account {
    balance = 5;
  }
  const cycle: Record<string, unknown> = { name: "loop" };
  cycle.self = { again: cycle };
  const sparse = [1, 2, 3];
  delete sparse[1];

  test.each<[string, unknown, string, string]>([
    ["a function", { on: () => 1 }, "input.on", "is a function"],
    ["a symbol", { list: [Symbol("x")] }, "input.list[0]", "is a symbol"],
    ["a BigInt", { deep: { id: 5n } }, "input.deep.id", "is a bigint"],
    ["NaN", [0, Number.NaN], "input[1]", "is NaN"],
    ["Infinity", { a: [{ b: Number.POSITIVE_INFINITY }] }, "input.a[0].b", "is Infinity"],
    ["a Map", { m: new Map() }, "input.m", "is an instance of Map"],
    ["a Set", { s: new Set() }, "input.s", "is an instance of Set"],
    ["bytes", { bytes: new Uint8Array(2) }, "input.bytes", "is an instance of Uint8Array"],
    ["a RegExp", /x/, "input", "is an instance of RegExp"],
    ["an Error", { e: new TypeError("x") }, "input.e", "is an instance of TypeError"],
    ["a class instance", { account: new Account() }, "input.account", "is an instance of Account"],
    ["a promise that was not awaited", Promise.resolve(1), "input", "is an instance of Promise"],
    ["a cycle", cycle, "input.self.again", "contains itself"],
    ["undefined in a list", [1, undefined], "input[1]", "would come back as null"],
    ["a hole in a list", sparse, "input[1]", "would come back as null"],
    ["an invalid Date", { when: [new Date(Number.NaN)] }, "input.when[0]", "invalid Date"],
    ["a toJSON that answers with a BigInt", { a: { toJSON: () => 5n } }, "input.a", "is a bigint"],
    ["a toJSON that answers with NaN", { a: { toJSON: () => Number.NaN } }, "input.a", "is NaN"],
    ["a toJSON that answers with nothing", { toJSON: () => undefined }, "input", "undefined"],
    [
      "a toJSON that throws",
      {
        a: {
          toJSON: () => {
            throw new Error("no way");
          },
        },
      },
      "input.a",
      "no way",
    ],
    [
      "a getter that throws",
      {
        get a() {
          throw new Error("shut");
        },
      },
      "input.a",
      "shut",
    ],
  ])("%s", (_, value, path, why) => {
    expect(() => encode(value)).toThrow(
      expect.objectContaining({
        code: "QUEUACK_NOT_STORABLE",
        message: expect.stringContaining(`${path} `),
        details: { path },
      }),
    );
    expect(() => encode(value)).toThrow(why);
  });

  test("what is nested beyond all measure", () => {
    expect(there(nested(500))).toEqual(nested(500));
    expect(() => encode(nested(100_000))).toThrow(
      expect.objectContaining({ code: "QUEUACK_NOT_STORABLE", message: expect.stringMatching(/^input.*deep/) }),
    );
  });

  test("the error names what was asked to be stored", () => {
    expect(() => encodePayload([5n], "result", roomy)).toThrow("result[0] is a bigint");
  });
});

describe("the size limit", () => {
  test.each([
    ["ASCII", "aaaa", 4],
    ["two bytes each", "éééé", 8],
    ["three bytes each", "€€", 6],
    ["four bytes each", "🦆🦆", 8],
  ])("counts UTF-8 bytes of the stored form: %s", (_, text, bytes) => {
    const stored = bytes + 2;
    expect(encode(text, stored)).toBe(JSON.stringify(text));
    expect(() => encode(text, stored - 1)).toThrow(
      expect.objectContaining({
        code: "QUEUACK_PAYLOAD_TOO_LARGE",
        message: expect.stringContaining(`more than ${stored - 1} bytes`),
        details: { limit: stored - 1 },
      }),
    );
  });

  test("agrees with the encoder for any text", () => {
    // One of each length, half a pair of surrogates, and what JSON escapes.
    const unit = fc.constantFrom("a", "é", "€", "🦆", "\ud83e", "\u0000", '"');
    fc.assert(
      fc.property(fc.string({ unit }), (text) => {
        const bytes = new TextEncoder().encode(JSON.stringify(text)).length;
        expect(encode(text, bytes)).not.toBeNull();
        expect(() => encode(text, bytes - 1)).toThrow("bytes");
      }),
    );
  });
});
