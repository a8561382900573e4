import { describe, expect, test } from "vitest";
import { Allowance, recordedAt, type Starts } from "./allowance.ts";
import { type LimitRule, type LimitScope, rulesFor, tenantWeight, weightOf } from "./limit.ts";

let id = 0;
const rule = (scope: LimitScope, over: Partial<LimitRule> = {}): LimitRule => ({
  id: ++id,
  tenant: "t",
  scope,
  concurrency: null,
  rate: null,
  weight: null,
  ...over,
});

const allowance = (running: number, starts: readonly Starts[] = [], now = 1_000_000) =>
  new Allowance({ running: () => running, starts: () => starts }, now);

describe("Allowance", () => {
  test("slots are what the limit leaves beside those that run; what is taken counts", () => {
    const rules = [rule({ queue: "q" }, { concurrency: 3 })];
    const allowed = allowance(1);
    expect(allowed.hasRoom(rules, "")).toBe(true);
    allowed.take(rules, "");
    allowed.take(rules, "other group");
    expect(allowed.hasRoom(rules, "")).toBe(false);
    expect(allowed.full(rules, "")).toMatchObject([{ by: "concurrency", until: null }]);
    expect(allowed.started()).toEqual([]);
  });

  test("a rule for every group counts each by itself", () => {
    const rules = [rule({ group: "*" }, { concurrency: 1 })];
    const allowed = allowance(0);
    allowed.take(rules, "a");
    expect(["a", "b", ""].map((group) => allowed.hasRoom(rules, group))).toEqual([false, true, true]);
  });

  test("starts count until they are a period old, and say when there is room again", () => {
    const rate = { limit: 2, periodMs: 1_000 };
    const rules = [rule({ task: "x" }, { rate })];
    const starts = (...ats: number[]) => ats.map((at) => ({ at, n: 1 }));
    expect(allowance(0, starts(999_000, 999_500)).hasRoom(rules, "")).toBe(true);
    const full = allowance(0, starts(999_001, 999_500));
    expect(full.hasRoom(rules, "")).toBe(false);
    expect(full.full(rules, "")).toMatchObject([{ by: "rate", until: 1_000_001 }]);
    const taking = allowance(0, starts(999_500));
    taking.take(rules, "");
    expect(taking.full(rules, "")).toMatchObject([{ by: "rate", until: 1_000_500 }]);
    expect(taking.started()).toMatchObject([{ rule: rules[0], group: null, n: 1 }]);
  });

  test("a start is recorded no earlier than it was, and at most a 256th of the period later", () => {
    for (const periodMs of [1, 7, 1_000, 60_000, 86_400_000]) {
      for (const now of [1_000_000_000_001, 1_000_000_000_002, 1_000_000_123_456]) {
        const at = recordedAt(now, { limit: 1, periodMs });
        expect(at - now).toBeGreaterThanOrEqual(0);
        expect(at - now).toBeLessThan(Math.max(1, periodMs / 256));
      }
    }
  });
});

describe("rules", () => {
  const every = rule({ group: "*" }, { concurrency: 1, rate: { limit: 1, periodMs: 1 } });
  const acme = rule({ group: "acme" }, { concurrency: 5 });
  const whole = rule({}, { concurrency: 9, weight: 4 });

  test("what is set for one group goes before what is set for each, field by field", () => {
    expect(rulesFor([every, acme, whole], "acme")).toEqual([{ ...every, concurrency: null }, acme, whole]);
    expect(rulesFor([every, acme, whole], "globex")).toEqual([every, whole]);
    expect(rulesFor([every, acme, whole], "")).toEqual([whole]);
  });

  test("the narrowest rule says the weight of a group", () => {
    const rules = [
      rule({ group: "*" }, { weight: 2 }),
      rule({ group: "*", task: "x" }, { weight: 3 }),
      rule({ group: "acme" }, { weight: 5 }),
    ];
    expect(["globex", "acme", ""].map((group) => weightOf(rules, group))).toEqual([3, 5, 1]);
    expect([tenantWeight([whole], "t"), tenantWeight([whole], "u")]).toEqual([4, 1]);
  });
});
