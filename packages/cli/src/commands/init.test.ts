import { execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { connect } from "queuack";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Workplace } from "../fixtures/workplace.ts";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, "packages/cli/package.json"), "utf8")) as { version: string };

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.clear());

const read = (path: string) => readFileSync(place.path(path), "utf8");

/** What `npm install` would bring, from here instead of the network. */
function install(folder: string, packages: readonly string[]): void {
  mkdirSync(join(place.path(folder), "node_modules/@types"), { recursive: true });
  for (const name of packages) {
    symlinkSync(join(root, "node_modules", name), join(place.path(folder), "node_modules", name), "junction");
  }
}

/** As a user's shell would have it: no settings of ours, and the compiler within reach. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([key]) => !/^(QUEUACK_|NODE_|VITEST|npm_)/i.test(key));
  const path = [join(root, "node_modules/.bin"), process.env.PATH].join(delimiter);
  return { ...Object.fromEntries(own), PATH: path, npm_config_update_notifier: "false" };
}

async function npm(folder: string, ...args: string[]): Promise<string> {
  const options = { cwd: place.path(folder), env: environment(), shell: process.platform === "win32" };
  return (await promisify(execFile)("npm", ["--silent", ...args], options)).stdout;
}

describe.each([
  { language: "typescript", flags: [], built: "dist", packages: ["queuack", "typescript", "@types/node"] },
  { language: "javascript", flags: ["--javascript"], built: "src", packages: ["queuack"] },
])("a project in $language", ({ flags, built, packages }) => {
  test("names what it needs, runs its jobs, passes its test, and its worker takes what others enqueue", async () => {
    const { code, out } = await place.run(["init", "My App", ...flags]);
    expect(code).toBe(0);
    expect(out).toContain('Next:\n  cd "My App" && npm install\n  npm start\n');
    const manifest = JSON.parse(read("My App/package.json"));
    expect(manifest).toMatchObject({ name: "my-app", dependencies: { queuack: `^${version}` } });
    const needed = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(needed.sort()).toEqual([...packages].sort());
    install("My App", packages);

    // It is type-checked on the way: `tsc` comes before.
    expect(await npm("My App", "start")).toBe("Enqueued 3.\nHello, Ada!\nHello, Grace!\nHello, Edsger!\n");
    const options = { cwd: place.path("My App"), env: environment() };
    const again = await promisify(execFile)(process.execPath, [`${built}/main.js`, "Barbara"], options);
    expect(again.stdout).toBe("Enqueued 1.\nHello, Barbara!\n");
    expect(await npm("My App", "test")).toMatch(/^# pass 2$|^ℹ pass 2$/m);

    const q = await connect(place.path("My App/jobs.db"));
    expect((await q.stats())[0]?.counts.completed).toBe(4);
    const worker = spawn(process.execPath, [`${built}/worker.js`], options);
    let told = "";
    worker.stdout.setEncoding("utf8").on("data", (text: string) => {
      told += text;
    });
    const ended = new Promise<number | null>((resolve) => worker.on("close", resolve));
    try {
      const job = await q.enqueue("greet", { name: "Katherine" });
      expect(await job.result({ timeout: "20s" })).toBe("Hello, Katherine!");
      worker.kill("SIGTERM");
      // Windows has no SIGTERM: there it is a kill.
      expect(await ended).toBe(process.platform === "win32" ? null : 0);
      expect(told).toContain(`completed greet ${job.id}\n`);
    } finally {
      worker.kill("SIGKILL");
      await q.close();
    }
    expect(readdirSync(place.path("My App")).filter((name) => name.includes("jobs.db"))).toContain("jobs.db");
    expect(read("My App/.gitignore")).toContain("jobs.db*\n");
    // The compiler runs twice.
  }, 120_000);
});

test("what it writes is told as JSON, too", async () => {
  const told = await place.json<{ files: string[] }>("init", "app", "--javascript");
  expect(told).toMatchObject({
    name: "app",
    language: "javascript",
    folder: place.path("app"),
    next: ["cd app && npm install", "npm start"],
  });
  for (const file of told.files) expect(existsSync(place.path(`app/${file}`)), file).toBe(true);
});

test("it overwrites nothing, unless it is told to, and leaves what it doesn't know alone", async () => {
  place.write("app/package.json", "mine");
  place.write("app/src/tasks.ts", "mine");
  place.write("app/notes.md", "mine");
  const refused = await place.run(["init", "app"]);
  expect(refused).toMatchObject({ code: 2, out: "" });
  expect(refused.err).toContain("2 files are there already: package.json, src/tasks.ts.");
  expect(refused.err).toContain("--force");
  expect(readdirSync(place.path("app")).sort()).toEqual(["notes.md", "package.json", "src"]);
  expect(read("app/package.json")).toBe("mine");

  expect(await place.run(["init", "app", "--force"])).toMatchObject({ code: 0, err: "" });
  expect(JSON.parse(read("app/package.json"))).toMatchObject({ name: "app" });
  expect(read("app/notes.md")).toBe("mine");
});

test("an empty folder will do, also the one where one stands", async () => {
  mkdirSync(place.path("here"));
  const { code, out } = await place.run(["init"], { cwd: place.path("here") });
  expect(code).toBe(0);
  expect(out).toContain("Next:\n  npm install\n  npm start\n");
  expect(JSON.parse(read("here/package.json"))).toMatchObject({ name: "here" });
});

test("says why it can't write, and refuses two languages at once", async () => {
  place.write("app/src", "a file where a folder should be");
  const blocked = await place.run(["init", "app"]);
  expect(blocked).toMatchObject({ code: 1, out: "" });
  expect(blocked.err).toContain("src/main.ts could not be written:");
  expect(await place.run(["init", "other", "--typescript", "--javascript"])).toMatchObject({ code: 2, out: "" });
  expect(existsSync(place.path("other"))).toBe(false);
});
