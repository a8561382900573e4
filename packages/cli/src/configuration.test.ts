import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { connect, QueuackError } from "queuack";
import { afterAll, beforeEach, expect, test } from "vitest";
import { belowEnvironment, fileOfUrl, findConfiguration, readConfiguration, variableNames } from "./configuration.ts";
import { type Configuration, problemsOf } from "./configuration-shape.ts";
import { makeProgram } from "./program.ts";

const root = mkdtempSync(join(tmpdir(), "queuack-configuration-"));
let folder = root;
let made = 0;

beforeEach(() => {
  folder = join(root, String(made++));
  mkdirSync(join(folder, ".git"), { recursive: true });
});
afterAll(() => rmSync(root, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

test("the variables are those of the library, and the help names each", async () => {
  process.env.QUEUACK_NOPE = "1";
  const refused = await connect(":memory:").catch((error: unknown) => error);
  delete process.env.QUEUACK_NOPE;
  expect(refused).toBeInstanceOf(QueuackError);
  const known = (refused as QueuackError).hint.match(/QUEUACK_[A-Z_]+/g) ?? [];
  expect([...variableNames].sort()).toEqual([...known].sort());

  let help = "";
  const program = makeProgram().configureOutput({ writeOut: (text) => (help += text) });
  program.outputHelp();
  for (const name of known) expect(help).toContain(name);
});

test("the nearest file counts, up to the repository's root", () => {
  const below = join(folder, "a", "b");
  mkdirSync(below, { recursive: true });
  expect(findConfiguration(below)).toBeNull();
  const upper = write("queuack.config.json", "{}");
  expect(findConfiguration(below)).toBe(upper);
  const nearer = write("a/queuack.config.yaml", "");
  expect(findConfiguration(below)).toBe(nearer);
  mkdirSync(join(below, ".git"));
  expect(findConfiguration(below)).toBeNull();
});

test("two files in one folder are refused", () => {
  write("queuack.config.ts", "");
  write("queuack.config.yaml", "");
  expect(() => findConfiguration(folder)).toThrow("queuack.config.ts and queuack.config.yaml");
});

test.each([
  ["queuack.config.yaml", "url: jobs.db\nretry:\n  maxAttempts: 5\n"],
  ["queuack.config.json", '{ "url": "jobs.db", "retry": { "maxAttempts": 5 } }'],
  ["queuack.config.mjs", 'export default { url: "jobs.db", retry: { maxAttempts: 5 } };'],
  [
    "queuack.config.ts",
    'enum Url { File = "jobs.db" }\nexport default { url: Url.File, retry: { maxAttempts: 5 } } satisfies object;',
  ],
])("%s is read", async (name, text) => {
  const { content } = await readConfiguration(write(name, text));
  expect(content).toEqual({ url: "jobs.db", retry: { maxAttempts: 5 } });
});

test("an empty file sets nothing; without a default export it says so", async () => {
  expect((await readConfiguration(write("queuack.config.yaml", "# nothing yet\n"))).content).toEqual({});
  await expect(readConfiguration(write("queuack.config.mjs", "export const url = 1;"))).rejects.toThrow(
    "default export",
  );
});

test("a slip in the syntax names the file and the place", async () => {
  const yaml = write("queuack.config.yaml", "url: jobs.db\nretry: {\n");
  await expect(readConfiguration(yaml)).rejects.toThrow(/queuack\.config\.yaml could not be read: .*line 3/s);
  const json = write("queuack.config.json", '{\n  "url": jobs\n}');
  await expect(readConfiguration(json)).rejects.toThrow("line 2, column 10");
});

test("a wrong value names file and key, with what to give", async () => {
  const path = write("queuack.config.yaml", "retry:\n  maxAttempts: three\ntimeout: 5 minutes\n");
  const error = await readConfiguration(path).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "QUEUACK_INVALID_CONFIG", exitCode: 2 });
  expect(String(error)).toContain(`${path}: retry.maxAttempts is "three"; give a whole number from 1.`);
  expect(String(error)).toContain('timeout is "5 minutes"; give milliseconds');
});

test("an unknown key gets the nearest one, or the list", () => {
  expect(problemsOf({ rety: {} })).toEqual(["rety is not a setting; did you mean retry?"]);
  expect(problemsOf({ retry: { maxattempts: 3 } })).toEqual([
    "retry.maxattempts is not a setting; did you mean maxAttempts?",
  ]);
  expect(problemsOf({ module: [] })).toEqual(["module is not a setting; did you mean modules?"]);
  expect(problemsOf({ toString: 1 })[0]).toContain("the settings here are url, output, modules");
  expect(problemsOf([1])).toEqual(["The file should hold settings, not [1]."]);
  expect(problemsOf({ worker: 4 })).toEqual([
    "worker is 4; give a group of concurrency, queues, lease, heartbeat, shutdownGrace.",
  ]);
});

test("all that may be set passes", () => {
  const all: Required<Configuration> = {
    url: "jobs.db",
    output: "json",
    modules: ["tasks.ts"],
    durability: "relaxed",
    tenant: "acme",
    queue: "mail",
    priority: "high",
    retry: { maxAttempts: 5, backoff: "linear", delay: "1s", cap: 60_000, factor: 1.5, jitter: "none" },
    timeout: "1h 30m",
    backpressure: { warnAt: 10, limit: 20, onLimit: "wait" },
    retention: { completed: "1d", discarded: "4w" },
    payloadLimit: 1_000,
    codec: "structured",
    codecs: [{ name: "x", encode: String, decode: Number }],
    worker: { concurrency: 4, queues: { urgent: 2, default: 1 }, lease: "1m", heartbeat: "10s", shutdownGrace: 5 },
    server: { port: 7711 },
  };
  expect(problemsOf(all)).toEqual([]);
});

test("the environment goes before the file, key by key", () => {
  const content: Configuration = { tenant: "file", queue: "file", retry: { maxAttempts: 5, jitter: "none" } };
  const file = { path: join(folder, "queuack.config.yaml"), folder, content };
  expect(belowEnvironment(file, { QUEUACK_TENANT: "env", QUEUACK_MAX_ATTEMPTS: "7" })).toEqual({
    queue: "file",
    retry: { jitter: "none" },
  });
  expect(content.retry).toEqual({ maxAttempts: 5, jitter: "none" });
});

test("a file's URL starts at the file; others are left alone", () => {
  const url = (given: string) =>
    belowEnvironment({ path: join(folder, "queuack.config.yaml"), folder, content: { url: given } }, {}).url;
  expect(url("data/jobs.db")).toBe(join(folder, "data", "jobs.db"));
  expect(url("sqlite:jobs.db")).toBe(join(folder, "jobs.db"));
  for (const same of [":memory:", "sqlite::memory:", "postgres://host/app"]) expect(url(same)).toBe(same);
  expect([fileOfUrl("sqlite:///tmp/a.db"), fileOfUrl("C:\\jobs.db"), fileOfUrl(":memory:")]).toEqual([
    "/tmp/a.db",
    "C:\\jobs.db",
    null,
  ]);
});
