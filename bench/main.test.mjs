import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test, vi } from "vitest";

const main = fileURLToPath(new URL("main.mjs", import.meta.url));

/** Starts the ruler with a temporary folder of its own. @param {string[]} args */
function start(...args) {
  const folder = mkdtempSync(join(tmpdir(), "queuack-bench-test-"));
  const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, TMPDIR: folder, TMP: folder } });
  onTestFinished(() => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  const ended = once(child, "close").then(([code]) => ({ code, stdout, stderr, left: readdirSync(folder) }));
  return { child, ended, folder };
}

test("two benches print what was promised, one figure a line, and leave nothing behind", {
  timeout: 120_000,
}, async () => {
  const { code, stdout, left, stderr } = await start("floor", "enqueue", "--quick", "--json").ended;
  expect({ code, left }, stderr).toEqual({ code: 0, left: [] });
  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const named = (/** @type {string} */ name) => lines.filter(({ bench }) => bench === name);
  expect(new Set(named("floor").map((line) => line.case))).toEqual(
    new Set([
      "enqueue-many",
      "enqueue-concurrent-100",
      "enqueue-single",
      "drain-1000",
      "drain-100",
      "flow-1000",
      "flow-100",
    ]),
  );
  expect(named("enqueue").map((line) => `${line.case} ${line.system}`)).toEqual(
    ["single", "concurrent-100", "many", "many-1000"].flatMap((name) => [`${name} floor`, `${name} queuack`]),
  );
  for (const line of lines.filter(({ missing }) => missing === undefined)) {
    expect(line).toMatchObject({
      durability: "full",
      unit: "jobs/s",
      conditions: { node: process.version, quick: true },
    });
    expect(line.value).toBeGreaterThan(0);
    expect(line.samples).toHaveLength(line.conditions.reps);
    expect(line.conditions.jobs).toBeGreaterThan(0);
  }
  for (const { floor, ratio } of named("enqueue").filter(({ system }) => system === "queuack")) {
    expect(floor).toBeGreaterThan(0);
    expect(ratio).toBeGreaterThan(0);
  }
});

// The first measures in its own process, the second in others.
test.each(["flow", "management"])("a run of %s that is interrupted removes what it made", async (name) => {
  const { child, ended, folder } = start(name, "--json", "--quick");
  const files = () => readdirSync(folder, { recursive: true });
  await vi.waitFor(() => expect(files().filter((file) => String(file).endsWith(".db"))).toHaveLength(1), 20_000);
  child.kill("SIGINT");
  const { code, left } = await ended;
  expect({ code, left }).toEqual({ code: 130, left: [] });
});

test("without a name it lists the benches; an unknown one is refused", async () => {
  const [list, refused] = await Promise.all([start().ended, start("floor", "nothing").ended]);
  expect(list.code).toBe(0);
  expect(list.stdout).toMatch(/^flow {2,}jobs per second/m);
  expect(refused.code).toBe(2);
  expect(refused.stdout).toBe("");
  expect(refused.stderr).toContain('no bench "nothing"');
});
