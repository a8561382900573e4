import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { isolatedTask, isolationSettings } from "./isolation-options.ts";

test("the options are completed from the defaults", () => {
  expect(isolationSettings()).toEqual({
    idleMs: 300_000,
    maxRuns: 1_000,
    maxMemory: 1_073_741_824,
    killGraceMs: 5_000,
  });
  expect(isolationSettings({ idle: "1m", maxRuns: 1, maxMemory: "64mb", killGrace: 0 })).toEqual({
    idleMs: 60_000,
    maxRuns: 1,
    maxMemory: 67_108_864,
    killGraceMs: 0,
  });
});

test.each([{ maxRun: 5 }, { maxRuns: 0 }, { maxRuns: 1.5 }, { idle: "long" }, { killGrace: -1 }, { maxMemory: 0 }])(
  "refuses %j",
  (options) => {
    expect(() => isolationSettings(options as object)).toThrow(
      expect.objectContaining({ code: "QUEUACK_INVALID_OPTION" }),
    );
  },
);

test("a module may be a URL or a path; one that isn't there is refused before a job needs it", () => {
  const url = import.meta.url;
  const expected = { kind: "thread", module: url, export: undefined, memoryLimit: undefined };
  for (const module of [url, new URL(url), fileURLToPath(url)]) {
    expect(isolatedTask("resize", { isolation: "thread", module })).toEqual(expected);
  }
  expect(isolatedTask("resize", { module: url })).toBeUndefined();
  expect(() => isolatedTask("resize", { isolation: "thread", module: "/nowhere/tasks.js" })).toThrow(
    expect.objectContaining({
      code: "QUEUACK_INVALID_TASK",
      message: expect.stringContaining("There is no module /nowhere/tasks.js, where task resize"),
    }),
  );
});
