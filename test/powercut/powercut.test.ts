import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const main = fileURLToPath(new URL("main.mjs", import.meta.url));

/** The short mode: a few hundred images instead of thousands. */
function cutPower(...flags: string[]): { output: string; code: number | null } {
  const { stdout, stderr, status } = spawnSync(process.execPath, [main, "--images", "150", ...flags], {
    encoding: "utf8",
  });
  return { output: stdout + stderr, code: status };
}

test("what was acknowledged is there after a power cut at any moment", { timeout: 120_000 }, ({ skip }) => {
  const { output, code } = cutPower();
  console.log(output);
  const reason = /^skipped: 1 test \((.*)\)$/m.exec(output)?.[1];
  if (reason !== undefined) skip(reason);
  expect({ output, code }).toMatchObject({ code: 0 });
});

test("the same images lose jobs where commits are not synchronous", { timeout: 120_000 }, ({ skip }) => {
  const { output, code } = cutPower("--synchronous", "NORMAL", "--expect-losses");
  const reason = /^skipped: 1 test \((.*)\)$/m.exec(output)?.[1];
  if (reason !== undefined) skip(reason);
  expect({ output, code }).toMatchObject({ code: 0 });
});
