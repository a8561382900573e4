// Runs every built example; what each prints is what the comment at its top says. The pages of docs/ quote them.
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
// The examples follow the defaults, whatever this process was told.
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("QUEUACK_")));

/** The folders of short programs, with how many there are in each. */
const folders: Readonly<Record<string, number>> = {
  "01-basics": 10,
  "02-workers": 13,
  "03-conveniences": 7,
  "04-flow": 2,
};

/** The programs of a folder, by name. */
function programs(folder: string): Map<string, string> {
  const files = readdirSync(path(folder)).filter((file) => file.endsWith(".ts"));
  return new Map(files.map((file) => [file.slice(0, -".ts".length), readFileSync(path(`${folder}/${file}`), "utf8")]));
}

describe.each(Object.entries(folders))("%s", (folder, count) => {
  const sources = programs(folder);

  test(`has ${count} programs`, () => {
    expect(sources.size).toBe(count);
  });

  test.each([...sources])("%s prints what it says", async (name, source) => {
    const [, announced = ""] = /^\/\/ Prints:\n((?:\/\/ {3}.*\n)+)/m.exec(source) ?? [];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [path(`dist/${folder}/${name}.js`)], {
      env,
    });
    expect(stdout).toBe(announced.replaceAll(/^\/\/ {3}/gm, ""));
    expect(stderr).toBe("");
  });
});

test.each([
  ["codecs", "03-conveniences"],
  ["middleware", "03-conveniences"],
  ["scripts", "03-conveniences"],
  ["limits", "04-flow"],
  ["uniqueness", "04-flow"],
  ["transactions", "02-workers"],
])("docs/%s.md quotes programs of %s", (page, folder) => {
  const text = readFileSync(path(`../docs/${page}.md`), "utf8");
  const blocks = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code as string);
  expect(blocks.length).toBeGreaterThan(0);
  // A quotation may lie deeper in the program than on the page.
  const flush = (code: string) => code.replaceAll(/^ +/gm, "");
  const sources = [...programs(folder).values()].map(flush);
  for (const block of blocks)
    expect(
      sources.some((source) => source.includes(flush(block))),
      block,
    ).toBe(true);
});
