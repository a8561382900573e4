import { expect, test } from "vitest";
import { task } from "../core/task.ts";
import { type WorkerOptions, workerSettings } from "./options.ts";

const definition = task({ name: "greet", run: () => "hello" });
// Misspelt on purpose: what the compiler refuses in TypeScript must be refused in JavaScript too.
const misspelt = { tasks: [definition], concurency: 5 } as WorkerOptions;

test.each<[string, WorkerOptions, string, RegExp]>([
  ["no task", { tasks: [] }, "QUEUACK_INVALID_OPTION", /no tasks/],
  ["two tasks of one name", { tasks: [definition, definition] }, "QUEUACK_INVALID_TASK", /greet/],
  ["half a slot", { tasks: [definition], concurrency: 0.5 }, "QUEUACK_INVALID_OPTION", /0\.5/],
  [
    "a heartbeat too slow for the lease",
    { tasks: [definition], lease: "10s", heartbeat: "6s" },
    "QUEUACK_INVALID_OPTION",
    /6000 ms/,
  ],
  ["an odd grace", { tasks: [definition], shutdownGrace: "soon" }, "QUEUACK_INVALID_OPTION", /soon/],
  ["an option that nobody knows", misspelt, "QUEUACK_INVALID_OPTION", /"concurency".*concurrency/],
])("refuses %s", (_, options, code, message) => {
  expect(() => workerSettings(options)).toThrow(
    expect.objectContaining({ code, message: expect.stringMatching(message) }),
  );
});
