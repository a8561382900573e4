import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { jsonArgument, parseJson } from "./json-text.ts";

const faults: readonly (readonly [text: string, found: string])[] = [
  ['{"a":1', "it ends too early at line 1, column 7"],
  ["", "it ends too early at line 1, column 1"],
  ["{a:1}", 'unexpected "a" at line 1, column 2'],
  ['{"a":1,}', 'unexpected "}" at line 1, column 8'],
  ['{\n  "a": [1, 2,\n  tru]\n}', 'unexpected "t" at line 3, column 3'],
  ['"one\ntwo"', 'unexpected "\\n" at line 1, column 5'],
  ['"\\x"', 'unexpected "\\\\" at line 1, column 2'],
  ["[1] 2", 'unexpected "2" at line 1, column 5'],
  ["01", 'unexpected "1" at line 1, column 2'],
  ["hello", 'unexpected "h" at line 1, column 1'],
  ["[😀]", 'unexpected "😀" at line 1, column 2'],
];

test.each(faults)("%j is not JSON", (text, found) => {
  expect(() => parseJson(text, "input")).toThrow(`The input is not JSON: ${found}.`);
});

test("brackets without end are no stack overflow", () => {
  expect(() => parseJson("[".repeat(200_000), "input")).toThrow("The input is not JSON");
});

test("a byte order mark is no fault", () => {
  expect(parseJson('\uFEFF{"a":1}', "input")).toEqual({ a: 1 });
});

test("standard input is read to its end, and named in errors", async () => {
  const stdin = (text: string) => Readable.from([Buffer.from(text.slice(0, 3)), Buffer.from(text.slice(3))]);
  expect(await jsonArgument("-", "input", stdin('{"a":1}'))).toEqual({ a: 1 });
  await expect(jsonArgument("-", "input", stdin("{"))).rejects.toThrow("The input (standard input) is not JSON");
});

test("a missing file is exit code 3", async () => {
  await expect(jsonArgument("@nowhere.json", "input", process.stdin)).rejects.toMatchObject({ exitCode: 3 });
});
