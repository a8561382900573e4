import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

/** Runs a script of this folder on the built library; what it printed. A finding makes it fail, with all it said. */
async function run(script: string, ...args: string[]): Promise<string> {
  const file = fileURLToPath(new URL(script, import.meta.url));
  return await new Promise((resolve, reject) => {
    execFile(process.execPath, [file, ...args], (error, stdout, stderr) => {
      if (error) reject(new Error(`${stdout}\n${stderr}`, { cause: error }));
      else resolve(stdout);
    });
  });
}

test("eight processes on one file: none fails, waits for a second, or starves", { timeout: 60_000 }, async () => {
  expect(await run("main.mjs", "--seconds", "4")).toMatch(/^passed/m);
});

test("a job starts at once, in this process and in another; who waits costs nothing", { timeout: 60_000 }, async () => {
  expect(await run("latency.mjs", "--jobs", "50")).toMatch(/^start elsewhere: /m);
});
