import { serialize } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { QueuackError } from "../core/errors.ts";
import { structured } from "./structured.ts";

const there = (value: unknown) => structured.decode(structured.encode(value, "input"));

describe("what comes back is what was given", () => {
  test("whatever structured clone keeps", () => {
    const anything = fc.anything({
      withDate: true,
      withMap: true,
      withSet: true,
      withBigInt: true,
      withTypedArray: true,
      withSparseArray: true,
      withNullPrototype: false,
    });
    fc.assert(
      fc.property(anything, (value) => {
        expect(there(value)).toEqual(structuredClone(value));
      }),
    );
  });

  test.each<[string, unknown]>([
    ["a Date", new Date(5)],
    ["an invalid Date", new Date(Number.NaN)],
    ["a Map with objects as keys", new Map([[{ a: 1 }, new Map([[1, 2n]])]])],
    ["a Set", new Set([new Set(["a"]), null])],
    ["BigInt", [2n ** 70n, -1n]],
    ["numbers that JSON loses", [Number.NaN, Number.POSITIVE_INFINITY, -0]],
    ["undefined", [undefined, { a: undefined }]],
    ["typed arrays", [new Uint8Array([1, 2]), new Float64Array([0.1]), new BigInt64Array([-5n]), new Int16Array()]],
    ["an ArrayBuffer", new Uint8Array([1, 2, 3]).buffer],
    ["a RegExp", /a+/giu],
    ["boxed primitives", [Object(1n), Object("x"), Object(true)]],
    ["objects of another realm", runInNewContext("({ a: [1, new Map([[1, new Date(0)]])] })")],
  ])("%s", (_, value) => {
    const back = there(value);
    expect(back).toStrictEqual(structuredClone(value));
    expect(Object.prototype.toString.call(back)).toBe(Object.prototype.toString.call(value));
  });

  test("a Buffer, as a Buffer", () => {
    expect(there([Buffer.from("text")])).toStrictEqual([Buffer.from("text")]);
  });

  test("an object without a prototype, as a plain one", () => {
    expect(there(Object.assign(Object.create(null), { a: 1 }))).toEqual({ a: 1 });
  });

  test("cycles, and the same object twice", () => {
    const loop: Record<string, unknown> = { name: "loop", list: [] };
    loop.self = loop;
    (loop.list as unknown[]).push(loop, new Map([[loop, new Set([loop])]]));
    const back = there(loop) as typeof loop;
    expect(back.self).toBe(back);
    expect((back.list as unknown[])[0]).toBe(back);
    expect((back.list as Map<unknown, Set<unknown>>[])[1]?.get(back)?.has(back)).toBe(true);
  });

  test("an Error with its message and stack", () => {
    const error = new TypeError("boom");
    expect(there(error)).toBeInstanceOf(TypeError);
    expect(there(error)).toMatchObject({ message: "boom", stack: error.stack });
  });

  test("a view on a larger buffer comes back alone, with memory of its own", () => {
    const part = new Uint8Array(new ArrayBuffer(1_000), 10, 3).fill(7);
    const view = new DataView(new ArrayBuffer(50), 8, 2);
    const stored = structured.encode({ part, view, after: "secret" }, "input") as Uint8Array;
    expect(stored.length).toBeLessThan(100);
    const back = structured.decode(stored) as { part: Uint8Array; view: DataView };
    expect([...back.part]).toEqual([7, 7, 7]);
    expect([back.part.buffer.byteLength, back.view.buffer.byteLength, back.view.byteLength]).toEqual([3, 2, 2]);
  });

  test("what Node itself wrote can be read", () => {
    expect(structured.decode(serialize(new Map([["a", new Uint8Array([1])]])))).toEqual(
      new Map([["a", new Uint8Array([1])]]),
    );
  });
});

describe("what would come back as something else is refused, with its path", () => {
  class Account {
    balance = 5;
  }
  test.each<[string, unknown, string]>([
    ["a function", () => 1, "input is a function."],
    ["a symbol in a list", [1, Symbol("x")], "input[1] is a symbol."],
    ["a function in a Map", { m: new Map([["k", { f: () => 1 }]]) }, "input.m.values()[0].f is a function."],
    ["a symbol as a key of a Map", new Map([[Symbol("k"), 1]]), "input.keys()[0] is a symbol."],
    ["a function in a Set", new Set([1, () => 1]), "input.values()[1] is a function."],
    ["an instance of a class", { a: [new Account()] }, "input.a[0] is an instance of Account."],
    ["a URL", new URL("http://localhost"), "input is an instance of URL."],
    ["a promise", { p: Promise.resolve() }, "input.p is an instance of Promise."],
    ["a WeakMap", new WeakMap(), "input is an instance of WeakMap."],
    ["a proxy", new Proxy({ a: 1 }, {}), "input is an instance of Object."],
    ["a SharedArrayBuffer", [new SharedArrayBuffer(1)], "input[0] is an instance of SharedArrayBuffer."],
  ])("%s", (_, value, message) => {
    let error: QueuackError | undefined;
    try {
      structured.encode(value, "input");
    } catch (caught) {
      error = caught as QueuackError;
    }
    expect(error?.code).toBe("QUEUACK_NOT_STORABLE");
    expect(error?.message.startsWith(`${message} `), error?.message).toBe(true);
  });

  test("a getter that throws, and what is nested too deeply", () => {
    const hostile = {
      get a() {
        throw new Error("no");
      },
    };
    expect(() => structured.encode(hostile, "input")).toThrow(/^input can't be stored: no\./);
    let deep: unknown[] = [];
    for (let i = 0; i < 200_000; i++) deep = [deep];
    expect(() => structured.encode(deep, "input")).toThrow(/^input is nested too deeply\./);
  });
});
