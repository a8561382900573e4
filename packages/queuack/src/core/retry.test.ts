import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaults } from "./defaults.ts";
import { afterFailure, backoffDelay, backoffKinds, defaultRetryPolicy, type RetryPolicy } from "./retry.ts";

const plain: RetryPolicy = { backoff: "fixed", baseMs: 1_000, capMs: 60_000, factor: 2, jitter: "none" };
const delays = (policy: Partial<RetryPolicy>) =>
  [1, 2, 3, 4, 5].map((failed) => backoffDelay({ ...plain, ...policy }, failed, 0.5));

const anyPolicy: fc.Arbitrary<RetryPolicy> = fc.record({
  backoff: fc.constantFrom(...backoffKinds),
  baseMs: fc.nat(10_000_000),
  capMs: fc.nat(100_000_000),
  factor: fc.double({ min: 1, max: 50, noNaN: true }),
  jitter: fc.constantFrom("none", "equal", "full"),
});
const anyRandom = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const anyFailed = fc.integer({ min: 1, max: 10_000 });

describe("the delay before the next attempt", () => {
  test.each<[string, Partial<RetryPolicy>, number[]]>([
    ["fixed stays", { backoff: "fixed" }, [1_000, 1_000, 1_000, 1_000, 1_000]],
    ["linear grows by the first delay", { backoff: "linear" }, [1_000, 2_000, 3_000, 4_000, 5_000]],
    ["exponential doubles", { backoff: "exponential" }, [1_000, 2_000, 4_000, 8_000, 16_000]],
    ["exponential by another factor", { backoff: "exponential", factor: 3 }, [1_000, 3_000, 9_000, 27_000, 60_000]],
    ["polynomial is a power of the attempt", { backoff: "polynomial" }, [1_000, 4_000, 9_000, 16_000, 25_000]],
    ["never above the cap", { backoff: "exponential", capMs: 5_000 }, [1_000, 2_000, 4_000, 5_000, 5_000]],
    ["no delay stays no delay", { backoff: "exponential", baseMs: 0 }, [0, 0, 0, 0, 0]],
    ["equal jitter draws from the upper half", { jitter: "equal" }, [750, 750, 750, 750, 750]],
    ["full jitter draws from all of it", { jitter: "full" }, [500, 500, 500, 500, 500]],
  ])("%s", (_, policy, expected) => {
    expect(delays(policy)).toEqual(expected);
  });

  test("is a whole number of milliseconds within the cap, whatever the policy and the attempt", () => {
    fc.assert(
      fc.property(anyPolicy, anyFailed, anyRandom, (policy, failed, random) => {
        const delay = backoffDelay(policy, failed, random);
        expect(Number.isInteger(delay)).toBe(true);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThanOrEqual(policy.capMs);
      }),
    );
  });

  test("never shrinks from one attempt to the next for the same draw", () => {
    fc.assert(
      fc.property(anyPolicy, anyFailed, anyRandom, (policy, failed, random) => {
        expect(backoffDelay(policy, failed + 1, random)).toBeGreaterThanOrEqual(backoffDelay(policy, failed, random));
      }),
    );
  });

  test("full jitter lies within 0 and the delay, equal jitter within its upper half", () => {
    fc.assert(
      fc.property(anyPolicy, anyFailed, anyRandom, (policy, failed, random) => {
        const whole = backoffDelay({ ...policy, jitter: "none" }, failed, random);
        const equal = backoffDelay({ ...policy, jitter: "equal" }, failed, random);
        const full = backoffDelay({ ...policy, jitter: "full" }, failed, random);
        expect(full).toBeLessThanOrEqual(whole);
        expect(equal).toBeLessThanOrEqual(whole);
        expect(equal).toBeGreaterThanOrEqual(Math.floor(whole / 2));
      }),
    );
  });

  test("doubles from a second to an hour by default, spread over its whole length", () => {
    expect(defaultRetryPolicy).toEqual({
      backoff: "exponential",
      baseMs: 1_000,
      capMs: 3_600_000,
      factor: 2,
      jitter: "full",
    });
    expect(defaults.maxAttempts).toBe(3);
  });
});

describe("after a failure", () => {
  const failed = {
    attempt: 1,
    maxAttempts: 3,
    policy: plain,
    outcome: "failed" as const,
    error: { name: "Error", message: "boom" },
  };
  const kept = { outcome: "failed", error: { name: "Error", message: "boom" } };

  test("another attempt follows, after the delay of the job's policy", () => {
    expect(afterFailure({ ...failed, attempt: 2, policy: { ...plain, backoff: "linear" } }, 0.5)).toEqual({
      to: "retryable",
      delayMs: 2_000,
      ...kept,
    });
  });

  test("a job without a policy follows the default one", () => {
    expect(afterFailure({ ...failed, policy: null }, 0.5)).toEqual({ to: "retryable", delayMs: 500, ...kept });
  });

  test.each([3, 4])("the last attempt ends in the dead letter queue (attempt %d of 3)", (attempt) => {
    expect(afterFailure({ ...failed, attempt }, 0)).toEqual({ to: "discarded", ...kept });
  });

  test("so does one after which another is pointless", () => {
    expect(afterFailure({ ...failed, final: true, delayMs: 5 }, 0)).toEqual({ to: "discarded", ...kept });
  });

  test("a delay that the user's code asks for is taken as it is, above the cap and without jitter", () => {
    const policy: RetryPolicy = { ...plain, capMs: 10, jitter: "full" };
    expect(afterFailure({ ...failed, policy, delayMs: 90_000 }, 0)).toMatchObject({ delayMs: 90_000 });
    expect(afterFailure({ ...failed, policy, delayMs: 0 }, 0.9)).toMatchObject({ delayMs: 0 });
  });

  test("no job is ever attempted more often than its maximum", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(40), anyRandom, (maxAttempts, attempt, random) => {
        const { to } = afterFailure({ ...failed, maxAttempts, attempt }, random);
        expect(to).toBe(attempt < maxAttempts ? "retryable" : "discarded");
      }),
    );
  });
});
