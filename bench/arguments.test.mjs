import { expect, test } from "vitest";
import { benchArguments, UsageError } from "./arguments.mjs";

const known = ["enqueue", "flow"];

test("names and options are read, each name once", () => {
  expect(benchArguments(["flow", "--json", "enqueue", "flow"], known)).toEqual({
    names: ["flow", "enqueue"],
    json: true,
    quick: false,
  });
  expect(benchArguments(["--quick"], known)).toEqual({ names: [], json: false, quick: true });
});

test("an unknown name or option is refused, with those that are known", () => {
  expect(() => benchArguments(["enqueue", "flew"], known)).toThrow(UsageError);
  expect(() => benchArguments(["flew"], known)).toThrow('no bench "flew". Give some of enqueue, flow.');
  expect(() => benchArguments(["flow", "--jsonl"], known)).toThrow(UsageError);
  expect(() => benchArguments(["flow", "--json=1"], known)).toThrow("--json and --quick");
});
