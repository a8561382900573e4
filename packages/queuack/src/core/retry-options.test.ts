import { describe, expect, test } from "vitest";
import { defaults } from "./defaults.ts";
import type { RetryPolicy } from "./retry.ts";
import { retryPolicy } from "./retry-options.ts";
import type { RetryOptions } from "./task.ts";

const read = (options: RetryOptions, base?: RetryPolicy) => retryPolicy(options, "retry options of task resize", base);

describe("the retry policy of a task", () => {
  test("follows the defaults where the user says nothing", () => {
    expect(read({})).toEqual(defaults.retry);
    expect(read({ maxAttempts: 7, retryIf: () => true, delay: undefined, jitter: undefined })).toEqual(defaults.retry);
  });

  test("takes what the user says, in durations for people", () => {
    expect(read({ backoff: "linear", delay: "2s", cap: "5m", factor: 3, jitter: "none" })).toEqual({
      backoff: "linear",
      baseMs: 2_000,
      capMs: 300_000,
      factor: 3,
      jitter: "none",
    });
  });

  test("stands on the policy of the connection", () => {
    const base: RetryPolicy = { backoff: "fixed", baseMs: 7, capMs: 8, factor: 9, jitter: "equal" };
    expect(read({ delay: "1s" }, base)).toEqual({ ...base, baseMs: 1_000 });
  });

  test("keeps a declarative shape beside a backoff function, for the crash that no function survives", () => {
    expect(read({ backoff: () => "1s", delay: "3s" })).toEqual({ ...defaults.retry, baseMs: 3_000 });
  });

  test.each<[string, unknown, RegExp]>([
    ["a backoff that nobody knows", { backoff: "quadratic" }, /backoff .* is "quadratic".*fixed, linear, exponential/],
    ["a backoff that is no word and no function", { backoff: 5 }, /backoff .* is 5.*or a function/],
    ["a factor of zero", { factor: 0 }, /factor .* is 0.*above 0/],
    ["a factor that is no number", { factor: "2" }, /factor .* is "2".*above 0/],
    ["a jitter that nobody knows", { jitter: "some" }, /jitter .* is "some".*none, equal, full/],
    ["a delay that is no duration", { delay: "soon" }, /delay in the retry .* is "soon"/],
    ["a cap that is no duration", { cap: -1 }, /cap in the retry .* is -1/],
    ["a word that belongs to another queue's library", { type: "fixed" }, /"type".*backoff, delay, cap/],
  ])("refuses %s", (_, options, message) => {
    expect(() => read(options as RetryOptions)).toThrow(
      expect.objectContaining({ code: "QUEUACK_INVALID_OPTION", message: expect.stringMatching(message) }),
    );
    expect(() => read(options as RetryOptions)).toThrow("retry options of task resize");
  });
});
