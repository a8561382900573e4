import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { errorRecord } from "./error-record.ts";

describe("what is kept of an error", () => {
  test("name, message, stack and a code that is text", () => {
    const error = Object.assign(new TypeError("no such file"), { code: "ENOENT" });
    expect(errorRecord(error)).toEqual({
      name: "TypeError",
      message: "no such file",
      stack: error.stack,
      code: "ENOENT",
    });
    expect(errorRecord(Object.assign(new Error("old"), { code: 42 })).code).toBeUndefined();
  });

  test("the stack of its cause, below its own", () => {
    const cause = new RangeError("the root of it");
    const { stack } = errorRecord(new Error("outside", { cause }));
    expect(stack).toContain("Error: outside");
    expect(stack).toContain(`[cause]: ${cause.stack}`);
  });

  test("an error of another realm is an error", () => {
    expect(errorRecord(runInNewContext("new TypeError('from afar')"))).toMatchObject({
      name: "TypeError",
      message: "from afar",
      stack: expect.stringContaining("TypeError: from afar"),
    });
  });

  test("is bounded against abuse", () => {
    const huge = "x".repeat(1_000_000);
    expect(errorRecord(new Error(huge)).message).toHaveLength(8_192);
    expect(errorRecord(new Error(huge)).stack).toHaveLength(8_192);
    expect(errorRecord(huge).message).toHaveLength(8_192);
    expect(errorRecord({ huge }).message).toHaveLength(8_192);
  });
});

describe("whatever else is thrown deserves a record, too", () => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;

  test.each<[string, unknown, string]>([
    ["text", "out of paper", "out of paper"],
    ["a number", 42, "42"],
    ["an object", { status: 503 }, '{"status":503}'],
    ["null", null, "null"],
    ["nothing", undefined, "undefined"],
    ["a symbol", Symbol("stop"), "Symbol(stop)"],
    ["a BigInt", 5n, "[object BigInt]"],
    ["a cycle", cycle, "[object Object]"],
  ])("%s", (_, thrown, message) => {
    expect(errorRecord(thrown)).toEqual({ name: "Error", message });
  });

  test("an error whose name and message are no text", () => {
    const odd = Object.assign(new Error("x"), { name: 5, message: { reason: "none" } });
    expect(errorRecord(odd)).toMatchObject({ name: "Error", message: '{"reason":"none"}' });
    expect(errorRecord(Object.assign(new Error("x"), { message: undefined, stack: undefined }))).toMatchObject({
      name: "Error",
      message: "undefined",
      stack: undefined,
    });
  });
});
