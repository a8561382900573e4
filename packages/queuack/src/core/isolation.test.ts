import { describe, expect, test } from "vitest";
import { task } from "./task.ts";

const run = () => 1;
const module = "file:///app/tasks.js";

describe("task() and where it runs", () => {
  test.each([
    {},
    { isolation: "inline" },
    { isolation: "inline", module },
    { isolation: "thread", module },
    { isolation: "process", module: new URL(module), export: "resize", memoryLimit: "256mb" },
    { isolation: "process", module: "/app/tasks.ts", memoryLimit: 16 * 1_048_576 },
    { isolation: "process", module: "C:\\app\\tasks.ts" },
  ] as const)("takes %j", (options) => {
    expect(task({ name: "resize", run, ...options }).options).toMatchObject(options);
  });

  test.each([
    [{ isolation: "fork", module }, /isolation of task resize is "fork".*inline, thread, process/],
    [{ isolation: "process" }, /doesn't say where it lives.*module: import\.meta\.url; a closure can't be isolated/],
    [{ isolation: "thread", module: "./tasks.js" }, /module of task resize is "\.\/tasks\.js".*import\.meta\.url/],
    [{ isolation: "thread", module: "data:text/javascript,1" }, /absolute path/],
    [{ isolation: "thread", module, export: "" }, /export of task resize/],
    [{ memoryLimit: "256mb" }, /runs inline, where memoryLimit can't be kept/],
    [{ isolation: "inline", module, memoryLimit: 1 }, /runs inline/],
    [{ isolation: "thread", module, memoryLimit: "15mb" }, /at least 16mb/],
  ])("refuses %j", (options, message) => {
    expect(() => task({ name: "resize", run, ...(options as object) })).toThrow(
      expect.objectContaining({ code: "QUEUACK_INVALID_TASK", message: expect.stringMatching(message) }),
    );
  });

  test("refuses a memoryLimit that is no size", () => {
    expect(() => task({ name: "resize", run, isolation: "thread", module, memoryLimit: "much" })).toThrow(
      expect.objectContaining({ message: expect.stringContaining("memoryLimit of task resize") }),
    );
  });
});
