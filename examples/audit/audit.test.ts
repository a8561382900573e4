// Runs the built program, as `npm start` does, on made-up packages.
import { type ChildProcess, spawn } from "node:child_process";
import { appendFile, mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect } from "queuack";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const program = fileURLToPath(new URL("../dist/audit/main.js", import.meta.url));
// The audit follows the defaults, whatever this process was told.
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("QUEUACK_")));

let root: string;
let log: string;
let running: ChildProcess | undefined;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "queuack-audit-"));
  log = join(root, "keep.log");
});

afterEach(async () => {
  running?.kill("SIGKILL");
  await rm(root, { recursive: true, force: true });
});

test("finds scoped, nested, linked and broken packages, and says what they are", async () => {
  await make("node_modules/plain/package.json", { version: "1.0.0", license: "MIT" });
  await make("node_modules/plain/index.js", "one\ntwo\nthree");
  await make("node_modules/plain/picture.bin", Buffer.from([1, 0, 10, 10, 10]));
  await make("node_modules/plain/lib/deep.js", "one\n");
  await make("node_modules/plain/node_modules/nested/package.json", { version: "2.0.0", licenses: [{ type: "ISC" }] });
  await make("node_modules/@scope/old/package.json", { version: "3.0.0", license: { type: "BSD" } });
  await make("node_modules/broken/package.json", "{ this is no JSON");
  await make("node_modules/broken/LICENSE", "Permission is hereby granted, free of\ncharge, to any person");
  await make("node_modules/bare/index.js", "");
  await make("node_modules/.cache/not-a-package/package.json", {});
  await make("workspace/package.json", { version: "0.0.0" });
  await symlink(join(root, "workspace"), join(root, "node_modules/workspace"), "junction");

  const { code, output } = await audit();

  expect(code).toBe(0);
  expect(output).toContain("5 packages (1 linked workspaces left out): 0 done before, 5 to go, 8 at a time.");
  expect(output).toMatch(/^MIT +1$/m);
  expect(output).toMatch(/^ISC +1$/m);
  expect(output).toMatch(/^BSD +1$/m);
  expect(output).toMatch(/^MIT \(by its text\) +1$/m);
  expect(output).toMatch(/^none found +1$/m);
  // package.json, index.js with its unfinished last line, deep.js; the binary file has no lines.
  expect(output).toMatch(/^plain 1\.0\.0 +\d+ B +4 +5$/m);
  expect(output).toMatch(/^plain › nested 2\.0\.0 /m);
  expect(output).toMatch(/^broken unknown /m);
  expect(output).toContain("Failures: 0");
  expect(output).toMatch(/\d+ jobs\/s: 5 jobs in /);
});

test("tries a package that can't be read five times, then tells of it and goes on", async () => {
  await make("node_modules/good/package.json", { version: "1.0.0", license: "MIT" });
  // No user can read a folder as a file, not even root.
  await mkdir(join(root, "node_modules/bad/package.json"), { recursive: true });

  const { code, output } = await audit();

  expect(code).toBe(1);
  expect(output).toContain("1 packages audited");
  expect(output).toContain("Retries: 4, in 1 jobs");
  expect(output).toContain("Failures: 1");
  expect(output).toMatch(/^bad unknown +5 +EISDIR/m);
  expect((await lines()).map((line) => line.split(" ").slice(0, 2).join(" ")).sort()).toEqual([
    "done node_modules/good@1.0.0",
    ...Array(5).fill("failed node_modules/bad@unknown"),
  ]);
});

describe("interrupted in the middle", () => {
  const huge = ["node_modules/m1/data", "node_modules/m2/data"];

  /** Twenty small packages, two that take both slots for as long as it likes, ten that wait behind them. */
  beforeEach(async () => {
    const small = Array.from({ length: 20 }, (_, i) => `a${i}`);
    const behind = Array.from({ length: 10 }, (_, i) => `z${i}`);
    for (const name of [...small, "m1", "m2", ...behind]) {
      await make(`node_modules/${name}/package.json`, { version: "1.0.0", license: "MIT" });
    }
    for (const file of huge) {
      await make(file, "");
      // Takes no room on a file system that knows holes, and at least ten seconds to read.
      await truncate(join(root, file), 2 ** 34);
    }
  });

  /** Lets the two end. */
  async function free() {
    for (const file of huge) await truncate(join(root, file), 10);
  }

  test("by kill -9, it finishes the rest and repeats no finished job", async () => {
    const killed = await audit(["--concurrency", "2"], [["20/32", (child) => child.kill("SIGKILL")]]);
    expect(killed.code).toBeNull();
    expect(await lines()).toHaveLength(20);
    await free();

    const next = await audit(["--concurrency", "2"]);
    expect(next.code).toBe(0);
    expect(next.output).toContain("32 packages: 20 done before, 12 to go, 2 at a time.");
    expect(next.output).toContain("32 packages audited");
    expect(next.output).toContain("Retries: 2, in 2 jobs");
    const ends = await lines();
    expect(ends).toHaveLength(32);
    expect(new Set(ends).size).toBe(32);

    const last = await audit();
    expect(last.code).toBe(0);
    expect(last.output).toContain("All is done: 32 packages were audited before.");
    expect(await lines()).toEqual(ends);

    const fresh = await audit(["--fresh"]);
    expect(fresh.output).toContain("32 packages: 0 done before, 32 to go");
    expect(new Set(await lines()).size).toBe(64);
  });

  test("by kill -9 between a handler's end and its commit, the line is not repeated", async () => {
    await audit(["--concurrency", "2"], [["20/32", (child) => child.kill("SIGKILL")]]);
    await free();
    // What a kill a little later would have left: the lines of the two, without the commit of their ends.
    const q = await connect(join(root, ".queuack/audit.db"));
    const { items } = await q.jobs.list({ states: ["running"] });
    await q.close();
    const names = items.map(({ id, input }) => `done ${(input as { path: string }).path}@1.0.0 ${id}`);
    expect(names).toHaveLength(2);
    await appendFile(log, names.map((name) => `${name}\n`).join(""));

    const next = await audit();
    expect(next.output).toContain("32 packages: 20 done before, 12 to go");
    expect(await lines()).toHaveLength(32);
    expect(new Set(await lines()).size).toBe(32);
  });

  test("by kill -9, it forgets what was removed meanwhile, and takes it up when it is back", async () => {
    await audit(["--concurrency", "2"], [["20/32", (child) => child.kill("SIGKILL")]]);
    await free();
    await rm(join(root, "node_modules/z0"), { recursive: true });
    const without = await audit();
    expect(without.code).toBe(0);
    expect(without.output).toContain("31 packages: 20 done before, 11 to go");
    await make("node_modules/z0/package.json", { version: "1.0.0", license: "MIT" });
    const back = await audit();
    expect(back.code).toBe(0);
    expect(back.output).toContain("32 packages: 31 done before, 1 to go");
    expect(back.output).toContain("32 packages audited");
  });

  // Windows has no SIGTERM: there it would be a kill.
  test.skipIf(process.platform === "win32")("by SIGTERM, it lets running jobs end and says how to go on", async () => {
    const stopped = await audit(
      ["--concurrency", "2"],
      [
        ["20/32", (child) => child.kill("SIGTERM")],
        ["Stopping:", free],
      ],
    );
    expect(stopped.code).toBe(143);
    expect(stopped.output).toContain("Stopped: 22 of 32 packages are done. To go on: npm start");
    const next = await audit();
    expect(next.output).toContain("32 packages: 22 done before, 10 to go");
    expect(next.output).toContain("Retries: 0, in 0 jobs");
    expect(await lines()).toHaveLength(32);
    expect(new Set(await lines()).size).toBe(32);
  });
});

/** Makes a file below the root, and the folders above it. */
async function make(path: string, contents: string | Buffer | object): Promise<void> {
  const file = join(root, path);
  await mkdir(dirname(file), { recursive: true });
  const raw = typeof contents === "string" || Buffer.isBuffer(contents);
  await writeFile(file, raw ? contents : JSON.stringify(contents));
}

/** Runs the audit to its end; does each step as soon as its text is printed. */
async function audit(
  args: readonly string[] = [],
  steps: readonly (readonly [text: string, action: (child: ChildProcess) => unknown])[] = [],
): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [program, "--root", root, "--keep-log", log, ...args], { env });
  running = child;
  const open = [...steps];
  const actions: unknown[] = [];
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      while (open[0] !== undefined && output.includes(open[0][0])) actions.push(open.shift()?.[1](child));
    });
  }
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  await Promise.all(actions);
  return { code, output };
}

/** The lines of the log. */
async function lines(): Promise<string[]> {
  return (await readFile(log, "utf8")).split("\n").filter((line) => line !== "");
}
