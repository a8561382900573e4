import { describe, expect, test } from "vitest";
import { type ErrorCode, errorCatalogue, NonRetryableError, QueuackError, RetryAfter } from "./errors.ts";

describe("the catalogue of errors", () => {
  test.each(Object.entries(errorCatalogue))("%s says what to do next", (code, hint) => {
    expect(code).toMatch(/^QUEUACK_[A-Z]+(_[A-Z]+)*$/);
    expect(hint).toMatch(/^[A-Z].*\.$/s);
    const error = new QueuackError(code as ErrorCode, { message: "It happened." });
    expect(error.hint).toBe(hint);
    expect(error.message).toBe(`It happened. ${hint}`);
  });
});

describe("an error of Queuack", () => {
  test("bears a stable code, a hint of the case, facts and the cause", () => {
    const cause = new Error("disk");
    const error = new QueuackError("QUEUACK_STORE_FAILED", {
      message: "It can't be opened.",
      hint: "Free some space.",
      cause,
      details: { path: "jobs.db" },
    });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: "QueuackError",
      code: "QUEUACK_STORE_FAILED",
      message: "It can't be opened. Free some space.",
      hint: "Free some space.",
      cause,
      details: { path: "jobs.db" },
    });
  });

  test("has no cause where there is none", () => {
    const error = new QueuackError("QUEUACK_CLOSED", { message: "Closed." });
    expect("cause" in error).toBe(false);
    expect(error.details).toEqual({});
  });
});

describe("what a handler throws to say more than that it failed", () => {
  test("NonRetryableError bears message and cause", () => {
    const error = new NonRetryableError("no such customer", { cause: 404 });
    expect(error).toMatchObject({ name: "NonRetryableError", message: "no such customer", cause: 404 });
  });

  test("RetryAfter bears the delay", () => {
    expect(new RetryAfter("10m")).toMatchObject({
      name: "RetryAfter",
      delay: "10m",
      message: "asked to be retried after 10m",
    });
    expect(new RetryAfter(5, "busy", { cause: 503 })).toMatchObject({ delay: 5, message: "busy", cause: 503 });
  });
});
