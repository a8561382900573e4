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

test("kill -9 of workers and enqueuers loses no job and repeats no result", { timeout: 120_000 }, async () => {
  expect(await run("main.mjs", "--short")).toMatch(/^passed/m);
});

test("a killed worker's job runs elsewhere within a second or so", { timeout: 60_000 }, async () => {
  expect(await run("notice.mjs", "--rounds", "3")).toMatch(/^notice: /m);
});

test("kills at full limits: never more leases than a limit, and every slot comes back", {
  timeout: 120_000,
}, async () => {
  expect(await run("limits.mjs", "--kills", "5")).toMatch(/^passed/m);
});
