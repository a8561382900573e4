import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { task } from "../../core/task.ts";
import { IsolatedHouse, stray } from "./fixtures/isolated-house.ts";

let folder: string;
let place: IsolatedHouse;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "queuack-modules-"));
  place = await IsolatedHouse.open();
});
afterEach(async () => {
  await place.house.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the task `t` of a module with this text. */
async function run(file: string, text: string) {
  const path = join(folder, file);
  writeFileSync(path, text);
  const t = task({ name: "t", isolation: "process", module: pathToFileURL(path), run: stray });
  await place.house.worker({ tasks: [t] }).start();
  return await place.house.finished(await place.house.add("t", undefined, { maxAttempts: 1 }));
}

// By shape, since nothing can be imported from a temporary folder.
const body = 'name: "t", options: { run: () => ';

test.each([
  ["plain.mjs", `export const t = { ${body} "esm" } };`, '"esm"'],
  ["plain.cjs", `module.exports.t = { ${body} "cjs" } };`, '"cjs"'],
  ["erasable.ts", `const word: string = "ts"; export const t = { ${body} word } };`, '"ts"'],
  ["enum.mts", `enum Side { Two = 2 } export const t = { ${body} Side.Two } };`, "2"],
])("%s is loaded", async (file, text, result) => {
  expect(await run(file, text)).toMatchObject({ result });
});

test("TypeScript may import without an ending", async () => {
  writeFileSync(join(folder, "other.ts"), "export const n: number = 3;");
  expect(await run("main.ts", `import { n } from "./other"; export const t = { ${body} n } };`)).toMatchObject({
    result: "3",
  });
});

test("a module that fails to load fails the attempt with its own error, and the next attempt loads it anew", async () => {
  const path = join(folder, "broken.mjs");
  const { outcome, error } = await run("broken.mjs", 'throw new RangeError("not today");');
  expect([outcome, error?.name, error?.message]).toEqual(["failed", "RangeError", "not today"]);
  writeFileSync(path, `export const t = { ${body} "mended" } };`);
  const again = await place.house.finished(await place.house.add("t", undefined, { maxAttempts: 1 }));
  expect(again).toMatchObject({ result: '"mended"' });
});
