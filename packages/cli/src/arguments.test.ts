import { jobStates } from "queuack";
import { expect, test } from "vitest";
import {
  count,
  countOrNone,
  duration,
  list,
  moment,
  priority,
  queuePlan,
  rate,
  stateList,
  states,
  weight,
} from "./arguments.ts";
import { durationMs, humanDuration, humanMoment } from "./duration.ts";
import { jobQuery } from "./job-filter.ts";

test("the states are those of the library", () => {
  expect(states).toEqual(jobStates);
});

test("states may be separated by commas and repeated; an unknown one is named with those that are known", () => {
  expect(stateList("completed", stateList("running, retryable"))).toEqual(["running", "retryable", "completed"]);
  expect(() => stateList("done")).toThrow("scheduled, pending, available");
  expect(() => list("a,,b")).toThrow("empty");
});

test("durations need a unit", () => {
  expect(duration("1h 30m")).toBe("1h 30m");
  for (const wrong of ["30", "soon", "-5s", "", "5 minutes"]) expect(() => duration(wrong)).toThrow("unit");
  expect([durationMs("1.5s"), durationMs("1h 30m"), durationMs("2w")]).toEqual([1_500, 5_400_000, 1_209_600_000]);
});

test("numbers, priorities and times are checked", () => {
  expect([count("8"), priority("90"), priority("high")]).toEqual([8, 90, "high"]);
  for (const wrong of ["0", "1.5", "x", "1e3"]) expect(() => count(wrong)).toThrow("whole number");
  expect(() => priority("101")).toThrow("0 to 100");
  expect(moment("2026-11-21T18:00:00Z").getTime()).toBe(Date.UTC(2026, 10, 21, 18));
  for (const wrong of ["5", "tomorrow", "2026-13-01"]) expect(() => moment(wrong)).toThrow("2026-11-21T18:00:00Z");
});

test("limits: a number that may be 0, a weight above it, and so many within a span", () => {
  expect([countOrNone("0"), weight("0.5"), weight("3")]).toEqual([0, 0.5, 3]);
  expect([rate("100/1m"), rate("1/1h 30m")]).toEqual([
    { limit: 100, per: "1m" },
    { limit: 1, per: "1h 30m" },
  ]);
  for (const wrong of ["-1", "1.5", ""]) expect(() => countOrNone(wrong)).toThrow("whole number from 0");
  for (const wrong of ["0", "-1", "", "1e3", "many"]) expect(() => weight(wrong)).toThrow("above 0");
  for (const wrong of ["100", "0/1m", "1/0s", "1/m", "1.5/1m", "/1m"]) expect(() => rate(wrong)).toThrow("100/1m");
});

test("queues are strict or weighted", () => {
  expect(queuePlan("urgent,default")).toEqual(["urgent", "default"]);
  expect(queuePlan("urgent=100,default=50")).toEqual({ urgent: 100, default: 50 });
  for (const wrong of ["urgent=100,default", "urgent=0", "urgent=x"]) expect(() => queuePlan(wrong)).toThrow("weight");
});

test("spans and moments are told in two units at most", () => {
  const spans = [0, 850, 12_000, 200_000, 3_600_000, 18_120_000, 259_200_000, 90_061_000];
  expect(spans.map(humanDuration)).toEqual(["0ms", "850ms", "12s", "3m 20s", "1h", "5h 2m", "3d", "1d 1h"]);
  expect([humanMoment(1_000, 6_000), humanMoment(new Date(66_000), 6_000)]).toEqual(["5s ago", "in 1m"]);
});

test("a filter without flags is none; an age becomes a time", () => {
  expect(jobQuery({})).toBeNull();
  expect(jobQuery({ queue: ["mail"], olderThan: "1m" }, 100_000)).toMatchObject({
    queues: ["mail"],
    createdBefore: 40_000,
  });
});
