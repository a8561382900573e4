import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

/** Runs the script of this folder on the built library; what it printed. A finding makes it fail, with all it said. */
async function run(...args: string[]): Promise<string> {
  const file = fileURLToPath(new URL("main.mjs", import.meta.url));
  return await new Promise((resolve, reject) => {
    execFile(process.execPath, [file, ...args], (error, stdout, stderr) => {
      if (error) reject(new Error(`${stdout}\n${stderr}`, { cause: error }));
      else resolve(stdout);
    });
  });
}

test("isolated, spinning handlers keep their leases and deadly ones die alone", { timeout: 120_000 }, async () => {
  expect(await run("--short")).toMatch(/^passed/m);
});
