// Runs every built example; what each prints is what the comment at its top says. Two pages in docs/ quote them.
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
// The examples follow the defaults, whatever this process was told.
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("QUEUACK_")));

const sources = new Map(
  readdirSync(path("."))
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
    .map((file) => [file.slice(0, -".ts".length), readFileSync(path(file), "utf8")]),
);

test("there are two", () => {
  expect(sources.size).toBe(2);
});

test.each([...sources])("%s prints what it says", async (name, source) => {
  const [, announced = ""] = /^\/\/ Prints:\n((?:\/\/ {3}.*\n)+)/m.exec(source) ?? [];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [path(`../dist/04-flow/${name}.js`)], { env });
  expect(stdout).toBe(announced.replaceAll(/^\/\/ {3}/gm, ""));
  expect(stderr).toBe("");
});

test.each([
  ["limits", "limits"],
  ["uniqueness", "unique"],
])("docs/%s.md quotes %s.ts", (page, name) => {
  const text = readFileSync(path(`../../docs/${page}.md`), "utf8");
  const blocks = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code as string);
  expect(blocks.length).toBeGreaterThan(0);
  for (const block of blocks) expect(sources.get(name)?.includes(block), block).toBe(true);
});
