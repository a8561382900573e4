import { describe, expect, test } from "vitest";
import { task } from "./task.ts";

const run = () => 1;

describe("task()", () => {
  test("answers with a definition that bears its name and its options", () => {
    const resize = task({ name: "resize", run, timeout: "2m", queue: "images" });
    expect(resize.name).toBe("resize");
    expect(resize.options).toMatchObject({ name: "resize", run, timeout: "2m", queue: "images" });
  });

  test.each(["resize", "images/resize.v2", "größe", "a".repeat(200)])("takes the name %s", (name) => {
    expect(task({ name, run }).name).toBe(name);
  });

  test.each([undefined, null, 5, {}, "", " ", "two words", "tab\t", "line\n", "\u0000", "a".repeat(201)])(
    "refuses the name %j",
    (name) => {
      expect(() => task({ name: name as string, run })).toThrow(
        expect.objectContaining({
          code: "QUEUACK_INVALID_TASK",
          message: expect.stringContaining("1 to 200 characters"),
        }),
      );
    },
  );

  test("refuses a task without a handler, by name", () => {
    expect(() => task({ name: "idle" } as never)).toThrow(
      expect.objectContaining({
        code: "QUEUACK_INVALID_TASK",
        message: expect.stringContaining("Task idle has no run function."),
      }),
    );
  });

  test("refuses no options at all", () => {
    expect(() => task(undefined as never)).toThrow(expect.objectContaining({ code: "QUEUACK_INVALID_TASK" }));
  });

  test("refuses an option that nobody knows, with those that somebody does", () => {
    expect(() => task({ name: "resize", run, retries: 5 } as never)).toThrow(
      expect.objectContaining({
        code: "QUEUACK_INVALID_TASK",
        message: expect.stringMatching(/Task resize .*"retries".*retry, timeout/),
      }),
    );
  });

  test.each([
    ["no options", 5, "no group of options"],
    ["no key", { ttl: "1h" }, "no key function"],
    ["an option that nobody knows", { key: run, ttl: "1h", tll: 1 }, "tll"],
    ["a version that is no text", { key: run, ttl: "1h", version: 2 }, "version"],
    ["no time to live", { key: run, ttl: 0 }, "no time"],
  ])("refuses a cache with %s", (_, cache, why) => {
    expect(() => task({ name: "resize", run, cache } as never)).toThrow(
      expect.objectContaining({ code: "QUEUACK_INVALID_TASK", message: expect.stringContaining(why) }),
    );
  });

  test.each([
    ["no options", 5, "no group of options"],
    ["no size", { wait: 0 }, "size"],
    ["no room", { size: 0, wait: 0 }, "size"],
    ["too much room", { size: 10_001, wait: 0 }, "size"],
    ["a by that is no function", { size: 5, wait: 0, by: "tenant" }, "by"],
    ["an option that nobody knows", { size: 5, wait: 0, most: 7 }, "most"],
  ])("refuses a chunk with %s", (_, chunk, why) => {
    expect(() => task({ name: "resize", run, chunk } as never)).toThrow(
      expect.objectContaining({ code: "QUEUACK_INVALID_TASK", message: expect.stringContaining(why) }),
    );
  });

  test.each([undefined, "soon", -1])("refuses a chunk with the wait %s", (wait) => {
    expect(() => task({ name: "resize", run, chunk: { size: 5, wait } } as never)).toThrow(
      expect.objectContaining({ code: "QUEUACK_INVALID_OPTION" }),
    );
  });

  test.each([undefined, "soon", -1])("refuses a cache with the ttl %s", (ttl) => {
    expect(() => task({ name: "resize", run, cache: { key: run, ttl } } as never)).toThrow(
      expect.objectContaining({ code: "QUEUACK_INVALID_OPTION" }),
    );
  });

  test("refuses an input that is no schema", () => {
    expect(() => task({ name: "resize", run, input: { path: "string" } } as never)).toThrow(
      expect.objectContaining({
        code: "QUEUACK_INVALID_TASK",
        message: expect.stringMatching(/input of task resize .*Standard Schema/),
      }),
    );
  });
});
