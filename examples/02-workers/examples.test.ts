// Runs every built example; what each prints is what the comment at its top says.
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const source = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const built = (name: string) => fileURLToPath(new URL(`../dist/02-workers/${name}.js`, import.meta.url));
// The examples follow the defaults, whatever this process was told.
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("QUEUACK_")));

const examples = readdirSync(source("."))
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
  .map((file) => file.slice(0, -".ts".length));

test.each(examples)("%s prints what it says", async (name) => {
  const [, announced = ""] =
    /^\/\/ Prints:\n((?:\/\/ {3}.*\n)+)/m.exec(readFileSync(source(`${name}.ts`), "utf8")) ?? [];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [built(name)], { env });
  expect(stdout).toBe(announced.replaceAll(/^\/\/ {3}/gm, ""));
  expect(stderr).toBe("");
});
