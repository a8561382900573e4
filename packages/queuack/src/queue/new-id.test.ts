import { expect, test, vi } from "vitest";
import { newId } from "./new-id.ts";

test("ids are UUIDs of version 7, bear the time, and grow", () => {
  const before = Date.now();
  const ids = Array.from({ length: 5_000 }, newId);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(ids).toEqual([...new Set(ids)].sort());
  const time = Number.parseInt((ids[0] as string).replace("-", "").slice(0, 12), 16);
  expect(time).toBeGreaterThanOrEqual(before);
  expect(time).toBeLessThanOrEqual(Date.now());
});

test("they grow although the clock steps back, and go on with it when it has caught up", () => {
  const start = Date.now() + 60_000;
  const clock = vi.spyOn(Date, "now");
  try {
    const ids = [start, start - 3_600_000, start - 1, start, start + 1].map((now) => {
      clock.mockReturnValue(now);
      return newId();
    });
    expect(ids).toEqual([...new Set(ids)].sort());
    const times = ids.map((id) => Number.parseInt(id.replace("-", "").slice(0, 12), 16) - start);
    expect(times).toEqual([0, 0, 0, 0, 1]);
  } finally {
    clock.mockRestore();
  }
});

test("the random part is drawn anew for each", () => {
  const tails = Array.from({ length: 5_000 }, () => newId().slice(-8));
  // Of 5,000 numbers of 32 bits two are the same once in 340 times, four never.
  expect(new Set(tails).size).toBeGreaterThan(4_997);
});
