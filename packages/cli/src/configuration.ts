import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, extname, join, resolve } from "node:path";
import { loadModule } from "queuack/modules";
import { type Configuration, problemsOf } from "./configuration-shape.ts";
import { CliError, exitCodes } from "./errors.ts";
import { parseJson } from "./json-text.ts";

/** A configuration file, read and checked. */
export interface ConfigurationFile {
  /** Its absolute path. */
  readonly path: string;
  /** Where it lies: its relative paths start here. */
  readonly folder: string;
  readonly content: Configuration;
}

const endings = ["ts", "mts", "js", "mjs", "cjs", "json", "yaml", "yml"];

/** What each variable of the environment sets; the library reads them itself, and they go before the file. */
const variables: Readonly<Record<string, readonly [string, string?]>> = {
  QUEUACK_DURABILITY: ["durability"],
  QUEUACK_TENANT: ["tenant"],
  QUEUACK_QUEUE: ["queue"],
  QUEUACK_PRIORITY: ["priority"],
  QUEUACK_MAX_ATTEMPTS: ["retry", "maxAttempts"],
  QUEUACK_TIMEOUT: ["timeout"],
  QUEUACK_WARN_AT: ["backpressure", "warnAt"],
  QUEUACK_LIMIT: ["backpressure", "limit"],
  QUEUACK_ON_LIMIT: ["backpressure", "onLimit"],
  QUEUACK_RETENTION_COMPLETED: ["retention", "completed"],
  QUEUACK_RETENTION_DISCARDED: ["retention", "discarded"],
  QUEUACK_PAYLOAD_LIMIT: ["payloadLimit"],
};

/** The variables that the command line knows, for its help. */
export const variableNames: readonly string[] = ["QUEUACK_URL", ...Object.keys(variables)];

/**
 * The nearest `queuack.config.*` of a folder or those above it, up to the repository's root or the home directory;
 * `null` when there is none.
 * @throws {CliError} `QUEUACK_INVALID_CONFIG` where one folder holds two
 */
export function findConfiguration(folder: string): string | null {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const found = endings.map((ending) => join(at, `queuack.config.${ending}`)).filter((path) => existsSync(path));
    if (found.length > 1) {
      throw invalid(`${at} holds ${found.map((path) => basename(path)).join(" and ")}.`, "Keep one of them.");
    }
    if (found[0] !== undefined) return found[0];
    if (at === dirname(at) || at === homedir() || existsSync(join(at, ".git"))) return null;
  }
}

/**
 * Reads and checks a configuration file.
 * @throws {CliError} `QUEUACK_INVALID_CONFIG` with file and key; exit code 3 where there is no such file
 */
export async function readConfiguration(file: string): Promise<ConfigurationFile> {
  const path = resolve(file);
  if (!existsSync(path)) {
    throw new CliError(exitCodes.notFound, `There is no configuration file ${file}.`, {
      code: "QUEUACK_INVALID_CONFIG",
    });
  }
  const content = await contentOf(path);
  const [first, ...more] = problemsOf(content);
  if (first !== undefined)
    throw invalid(`${path}: ${[first, ...more].join("\n  ")}`, "Mend the file; see queuack --help.");
  return { path, folder: dirname(path), content: content as Configuration };
}

/** A file's settings without what the environment sets, and with a file's URL relative to it made absolute. */
export function belowEnvironment(
  { folder, content }: ConfigurationFile,
  environment: Readonly<Record<string, string | undefined>>,
): Configuration {
  const left = copyOfGroups(content as Readonly<Record<string, unknown>>);
  for (const [variable, [group, key]] of Object.entries(variables)) {
    if (environment[variable] === undefined) continue;
    if (key === undefined) delete left[group];
    else delete (left[group] as Record<string, unknown> | undefined)?.[key];
  }
  const { url, ...rest } = left as Configuration;
  return url === undefined ? rest : { ...rest, url: absoluteUrl(url, folder) };
}

/** The file that a URL names: `null` for `:memory:` and what is no SQLite file. */
export function fileOfUrl(url: string): string | null {
  const path = url.replace(/^sqlite:(\/\/(?=\/))?/i, "");
  // One letter before the colon is a drive of Windows.
  return path === ":memory:" || /^[a-z][a-z0-9+.-]+:/i.test(path) ? null : path;
}

function absoluteUrl(url: string, folder: string): string {
  const file = fileOfUrl(url);
  return file === null ? url : resolve(folder, file);
}

async function contentOf(path: string): Promise<unknown> {
  try {
    const ending = extname(path);
    if (ending === ".json") return parseJson(await readFile(path, "utf8"), "file");
    if (ending === ".yaml" || ending === ".yml") {
      const { parse } = await import("yaml");
      // An empty file, or one of comments, sets nothing.
      return parse(await readFile(path, "utf8")) ?? {};
    }
    const exports = await loadModule(path);
    if (exports.default === undefined) throw new Error("It has no default export: export default { url: … }.");
    return exports.default;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw invalid(`${path} could not be read: ${message.trim()}`, "Mend the file where the message points.", cause);
  }
}

/** A copy deep enough to take keys out. */
function copyOfGroups(content: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const copied = (value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : value;
  return Object.fromEntries(Object.entries(content).map(([key, value]) => [key, copied(value)]));
}

function invalid(message: string, hint: string, cause?: unknown): CliError {
  return new CliError(exitCodes.usage, message, { hint, code: "QUEUACK_INVALID_CONFIG", cause });
}
