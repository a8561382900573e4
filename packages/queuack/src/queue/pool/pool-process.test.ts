import { expect, test } from "vitest";
import { restartDelayMs } from "./pool-process.ts";

test("the wait before a restart doubles up to half a minute", () => {
  expect([0, 1, 2, 3, 9, 10, 1_000].map(restartDelayMs)).toEqual([100, 100, 200, 400, 25_600, 30_000, 30_000]);
});
