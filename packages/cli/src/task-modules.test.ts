import { task } from "queuack";
import { afterAll, expect, test } from "vitest";
import { Workplace } from "./fixtures/workplace.ts";
import { loadTasks, tasksOf } from "./task-modules.ts";

const place = new Workplace();
afterAll(() => place.clear());

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
  place.write("size.ts", "export enum Size { Small = 3 }\n");
  place.write(
    "tasks.ts",
    'import { task } from "queuack";\nimport { Size } from "./size";\nexport const a = task({ name: "a", run: () => Size.Small });\n',
  );
  place.write("tasks.mjs", 'import { task } from "queuack";\nexport default task({ name: "b", run: () => 1 });\n');
  place.write("tasks.cjs", 'module.exports = { c: { name: "c", options: { name: "c", run: () => 1 } } };\n');
  const tasks = await loadTasks(["tasks.ts", "./tasks.mjs", place.path("tasks.cjs")], place.folder);
  expect(tasks.map(({ name }) => name)).toEqual(["a", "b", "c"]);
});

test("errors name the module", async () => {
  place.write("empty.mjs", "export const task = 1;\n");
  place.write("broken.mjs", 'throw new Error("no database");\n');
  place.write("one.mjs", 'export const a = { name: "a", options: { run: () => 1 } };\n');
  place.write("two.mjs", 'export const b = { name: "a", options: { run: () => 2 } };\n');
  const load = (...paths: string[]) => loadTasks(paths, place.folder);
  await expect(load("empty.mjs")).rejects.toThrow("The module empty.mjs exports no task.");
  await expect(load("broken.mjs")).rejects.toThrow("The module broken.mjs could not be loaded: no database");
  await expect(load("nowhere.ts")).rejects.toMatchObject({ message: "There is no module nowhere.ts.", exitCode: 3 });
  await expect(load(".")).rejects.toThrow(". is a folder.");
  await expect(load("one.mjs", "two.mjs")).rejects.toThrow("named a, in one.mjs and two.mjs");
});
