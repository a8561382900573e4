import { readFile } from "node:fs/promises";
import { CliError, exitCodes } from "./errors.ts";

/**
 * The value of JSON text, or of what `@file` or `-` (standard input) hold.
 * @param what names it in errors, such as `input`
 * @throws {CliError} exit code 2 where it is not JSON, with line and column; 3 where there is no such file
 */
export async function jsonArgument(given: string, what: string, stdin: AsyncIterable<Buffer>): Promise<unknown> {
  if (given === "-") return parseJson(await textOf(stdin), `${what} (standard input)`);
  if (!given.startsWith("@")) return parseJson(given, what);
  const file = given.slice(1);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    const code = missing ? exitCodes.notFound : exitCodes.failure;
    throw new CliError(code, `The file ${file} can't be read.`, { hint: "Give a JSON file after the @.", cause });
  }
  return parseJson(text, `${what} (${file})`);
}

/** The value of JSON text. @throws {CliError} exit code 2, with line, column and what stands there */
export function parseJson(text: string, what: string): unknown {
  const json = text.replace(/^\uFEFF/, "");
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new CliError(exitCodes.usage, `The ${what} is not JSON: ${faultText(json) ?? (cause as Error).message}.`, {
      hint: `A text needs quotes of its own, and the shell takes one pair away: '"hello"', '{"width":300}'. Or give @file, or - for standard input.`,
      code: "QUEUACK_INVALID_INPUT",
    });
  }
}

const tokens = {
  space: /[ \t\r\n]*/y,
  // A string up to its end or to what can't stand in it. JSON forbids fewer control characters than Unicode knows.
  text: /"(?:[^"\\\p{Cc}]|[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/uy,
  quote: /"/y,
  number: /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y,
  word: /true|false|null/y,
};

/** What is wrong with text that is not JSON, and where; `null` where it is nested too deeply to say. */
function faultText(json: string): string | null {
  let at: number;
  try {
    at = faultOf(json);
  } catch {
    // The scanner calls itself for every bracket, and the stack has an end.
    return null;
  }
  const before = json.slice(0, at).split("\n");
  const found =
    at >= json.length ? "it ends too early" : `unexpected ${JSON.stringify([...json.slice(at, at + 2)][0])}`;
  return `${found} at line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

/** Where text stops being JSON: the number of its first character that can't stand there. */
function faultOf(json: string): number {
  let at = 0;
  const take = (token: RegExp): boolean => {
    token.lastIndex = at;
    const match = token.exec(json);
    if (match !== null) at += match[0].length;
    return match !== null;
  };
  const skip = (character: string): boolean => {
    take(tokens.space);
    if (json[at] !== character) return false;
    at++;
    take(tokens.space);
    return true;
  };
  const members = (end: string, member: () => boolean): boolean => {
    if (skip(end)) return true;
    do if (!member()) return false;
    while (skip(","));
    return skip(end);
  };
  const text = () => take(tokens.text) && take(tokens.quote);
  const value = (): boolean => {
    take(tokens.space);
    if (skip("{")) return members("}", () => text() && skip(":") && value());
    if (skip("[")) return members("]", value);
    return text() || take(tokens.number) || take(tokens.word);
  };
  if (value()) take(tokens.space);
  return at;
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
