import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { task } from "../core/task.ts";
import { loadTasks, tasksOf } from "./load-tasks.ts";

const folder = mkdtempSync(join(tmpdir(), "queuack-modules-"));
mkdirSync(join(folder, "node_modules"));
// The modules import the library as users' do.
symlinkSync(
  fileURLToPath(new URL("../../../queuack", import.meta.url)),
  join(folder, "node_modules", "queuack"),
  "junction",
);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
const load = (...paths: string[]) => loadTasks(paths, folder);

const resize = task({ name: "resize", run: () => 1 });
const mail = task({ name: "mail", run: () => 2 });

test("tasks are found as named exports, default, arrays and by name in the default, each once", () => {
  expect(tasksOf({ resize, default: [mail, resize], other: 5 })).toEqual([resize, mail]);
  expect(tasksOf({ default: { resize, mail } })).toEqual([resize, mail]);
  expect(tasksOf({ default: resize })).toEqual([resize]);
  expect(tasksOf({ all: [mail], nothing: null, run: () => 1, name: { name: "x" } })).toEqual([mail]);
});

test("TypeScript, ES modules and CommonJS are loaded", async () => {
  // An enum and an import without its ending: what Node alone would not take.
  write("size.ts", "export enum Size { Small = 3 }\n");
  write(
    "tasks.ts",
    'import { task } from "queuack";\nimport { Size } from "./size";\nexport const a = task({ name: "a", run: () => Size.Small });\n',
  );
  write("tasks.mjs", 'import { task } from "queuack";\nexport default task({ name: "b", run: () => 1 });\n');
  write("tasks.cjs", 'module.exports = { c: { name: "c", options: { name: "c", run: () => 1 } } };\n');
  const tasks = await load("tasks.ts", "./tasks.mjs", join(folder, "tasks.cjs"));
  expect(tasks.map(({ name }) => name)).toEqual(["a", "b", "c"]);
});

test("errors name the module", async () => {
  write("empty.mjs", "export const task = 1;\n");
  write("broken.mjs", 'throw new Error("no database");\n');
  write("one.mjs", 'export const a = { name: "a", options: { run: () => 1 } };\n');
  write("two.mjs", 'export const b = { name: "a", options: { run: () => 2 } };\n');
  await expect(load("empty.mjs")).rejects.toThrow("The module empty.mjs exports no task.");
  await expect(load("broken.mjs")).rejects.toThrow("The module broken.mjs could not be loaded: no database");
  await expect(load("nowhere.ts")).rejects.toMatchObject({
    code: "QUEUACK_UNKNOWN_MODULE",
    message: expect.stringContaining("There is no module nowhere.ts."),
  });
  await expect(load(".")).rejects.toThrow(". is a folder.");
  await expect(load("one.mjs", "two.mjs")).rejects.toThrow("named a, in one.mjs and two.mjs");
});
