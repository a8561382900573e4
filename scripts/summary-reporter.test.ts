import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** Runs vitest over one file of its own and answers what the reporter counted. */
function countsOf(source: string): unknown {
  const folder = mkdtempSync(join(tmpdir(), "queuack-reporter-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "a.test.js"), source);
  const counts = join(folder, "counts.json");
  const args = ["run", "--globals", `--root=${folder}`, `--reporter=${path("summary-reporter.mjs")}`];
  spawnSync(process.execPath, [path("../node_modules/vitest/vitest.mjs"), ...args], {
    env: { ...process.env, SUMMARY_COUNTS_FILE: counts },
  });
  return JSON.parse(readFileSync(counts, "utf8"));
}

test("every test is counted once, and a broken hook as failed", () => {
  const counts = countsOf(`
    test("passes", () => {});
    test("fails", () => { expect(1).toBe(2); });
    test.skip("skipped", () => {});
    describe("hook", () => { beforeAll(() => { throw new Error("broken"); }); test("never runs", () => {}); });
  `);
  expect(counts).toEqual({ passed: 1, failed: 2, skipped: 2, finished: true });
});

test("a file that can't be loaded is a failure", () => {
  expect(countsOf(`import "./nowhere.js"; test("never", () => {});`)).toEqual({
    passed: 0,
    failed: 1,
    skipped: 0,
    finished: true,
  });
});

test("an error that no test caught is a failure", () => {
  const counts = countsOf(`
    test("leaves a rejection behind", () => { void Promise.reject(new Error("late")); });
  `);
  expect(counts).toEqual({ passed: 1, failed: 1, skipped: 0, finished: true });
});
