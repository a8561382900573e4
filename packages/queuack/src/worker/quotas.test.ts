import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { creditsAfter, divideSlots, Quotas, queuePlan } from "./quotas.ts";

/** Lets a worker claim again and again; `free` slots each time, from queues that hold so much. */
function simulate(params: {
  weights: Record<string, number>;
  rounds: number;
  free: (round: number) => number;
  backlog: (queue: string, round: number) => number;
}): Record<string, number> {
  const quotas = new Quotas(queuePlan(params.weights, []));
  const total: Record<string, number> = Object.fromEntries(Object.keys(params.weights).map((queue) => [queue, 0]));
  for (let round = 0; round < params.rounds; round++) {
    const left = new Map(Object.keys(params.weights).map((queue) => [queue, params.backlog(queue, round)]));
    let room = params.free(round);
    const jobs: { queue: string }[] = [];
    const take = (queue: string, most: number) => {
      const n = Math.min(most, room, left.get(queue) ?? 0);
      left.set(queue, (left.get(queue) ?? 0) - n);
      room -= n;
      total[queue] = (total[queue] ?? 0) + n;
      for (let i = 0; i < n; i++) jobs.push({ queue });
    };
    const asked = quotas.next(room);
    for (const { queue, quota } of asked) take(queue, quota);
    for (const { queue } of asked) take(queue, Number.POSITIVE_INFINITY);
    quotas.took(jobs);
  }
  return total;
}

describe("division by weight", () => {
  test("one free slot at a time still gives every queue its share", () => {
    const total = simulate({ weights: { a: 5, b: 3, c: 1 }, rounds: 900, free: () => 1, backlog: () => 1_000 });
    expect(total).toEqual({ a: 500, b: 300, c: 100 });
  });

  test("a light queue beside a heavy one gets its turn", () => {
    const total = simulate({ weights: { a: 1_000, b: 1 }, rounds: 2_002, free: () => 1, backlog: () => 10 });
    expect(total.b).toBe(2);
  });

  test("what an empty queue leaves is shared by the others' weights", () => {
    const total = simulate({
      weights: { a: 100, b: 50, c: 25 },
      rounds: 3_000,
      free: () => 1,
      backlog: (queue) => (queue === "a" ? 0 : 100),
    });
    expect(total.a).toBe(0);
    expect(Math.abs((total.b as number) - 2_000)).toBeLessThanOrEqual(2);
  });

  test("an empty queue hoards no turns", () => {
    const quiet = { weights: { a: 1, b: 1 }, rounds: 1_100, free: () => 1 };
    const total = simulate({ ...quiet, backlog: (queue, round) => (queue === "a" && round < 1_000 ? 0 : 100) });
    expect(Math.abs((total.a as number) - 50)).toBeLessThanOrEqual(1);
  });

  test("shares converge whatever the weights and however many slots are free", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 }),
        (weights, sizes) => {
          const byName = Object.fromEntries(weights.map((weight, i) => [`q${i}`, weight]));
          const rounds = 400;
          const free = (round: number) => sizes[round % sizes.length] as number;
          const total = simulate({ weights: byName, rounds, free, backlog: () => 1_000 });
          const slots = Array.from({ length: rounds }, (_, i) => free(i)).reduce((a, b) => a + b, 0);
          const sum = weights.reduce((a, b) => a + b, 0);
          for (const [i, weight] of weights.entries()) {
            expect(Math.abs((total[`q${i}`] as number) - (slots * weight) / sum)).toBeLessThan(weights.length + 1);
          }
        },
      ),
    );
  });

  test("quotas fill the free slots exactly, and credits sum to zero", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 100 }), fc.nat(20)), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 0, max: 50 }),
        (queues, free) => {
          const weights = queues.map(([weight]) => weight);
          const credits = weights.map(() => 0);
          const { quotas } = divideSlots(weights, credits, free);
          expect(quotas.reduce((a, b) => a + b, 0)).toBe(free);
          const taken = queues.map(([, backlog], i) => Math.min(backlog, quotas[i] as number));
          const after = creditsAfter(weights, credits, quotas, taken);
          expect(after.reduce((a, b) => a + b, 0)).toBeCloseTo(0, 6);
        },
      ),
    );
  });
});

describe("queuePlan", () => {
  test("names in a list are in strict order: the first gets all it can use", () => {
    const quotas = new Quotas(queuePlan(["urgent", "default"], []));
    expect(quotas.next(7)).toEqual([
      { queue: "urgent", quota: 7 },
      { queue: "default", quota: 0 },
    ]);
  });

  test("without the option, the implied queues share equally", () => {
    expect(queuePlan(undefined, ["default", "mail", "mail"])).toEqual({
      kind: "weighted",
      queues: ["default", "mail"],
      weights: [1, 1],
    });
  });

  test.each([
    ["no queue", []],
    ["no queue by weight", {}],
    ["an empty name", [""]],
    ["a name twice", ["a", "a"]],
    ["a zero weight", { a: 0 }],
    ["a negative weight", { a: -1 }],
    ["an endless weight", { a: Number.POSITIVE_INFINITY }],
  ])("refuses %s", (_, option) => {
    expect(() => queuePlan(option as readonly string[], [])).toThrow(
      expect.objectContaining({ code: "QUEUACK_INVALID_OPTION" }),
    );
  });
});
