import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Driver from "better-sqlite3";
import { expect, test } from "vitest";
import { type Database, pragma } from "./database.ts";
import { temporaryFolder } from "./fixtures/test-store.ts";
import { migrate } from "./migrate.ts";
import { verifyDatabase } from "./verify.ts";

// JavaScript, because the child runs it as well.
const drawing = new URL("fixtures/picture.mjs", import.meta.url).href;
const { picture }: { picture(db: Database): string } = await import(drawing);

const child = fileURLToPath(new URL("fixtures/kill-child.mjs", import.meta.url));

/** Every how many statements to kill: 1 takes a minute. Each run starts at another one of the first. */
const every = Number(process.env.QUEUACK_KILL_EVERY ?? 8);

test("a kill between any two statements leaves every acknowledged operation whole, and no half one", async () => {
  const folder = temporaryFolder();
  const whole = await play(join(folder, "whole.db"), 0);
  const statements = Number(whole.lines.pop());
  // What the file holds before it is opened and after each operation.
  const pictures = ["{}", ...whole.lines];
  const empty = emptyPicture();
  expect(whole.killed).toBe(false);
  expect(statements).toBeGreaterThan(200);
  for (let n = 1; n < pictures.length; n++) {
    expect(pictures[n], `operation ${n} must leave a trace`).not.toBe(pictures[n - 1]);
  }
  const first = 1 + (Date.now() % every);
  if (every > 1)
    console.log(`kill: every ${every}th of ${statements} statements from ${first}; QUEUACK_KILL_EVERY=1 for all`);

  const deaths = Array.from({ length: Math.ceil((statements - first + 1) / every) }, (_, n) => first + n * every);
  let partly = 0;
  const examine = async (n: number) => {
    const path = join(folder, `${n}.db`);
    const { lines, killed } = await play(path, n);
    expect(killed, `statement ${n} must be deadly`).toBe(true);
    const acknowledged = lines.length;
    const { found, violations } = look(path);
    expect(violations, `after statement ${n}`).toEqual([]);
    // The operation under way was committed and not yet acknowledged, or it left nothing behind.
    const allowed = pictures.slice(acknowledged, acknowledged + 2);
    // Opening is two steps: the tables, then the tokens raised.
    if (acknowledged === 0) allowed.push(empty);
    expect(allowed, `after statement ${n}, ${acknowledged} acknowledged`).toContain(found);
    if (found !== allowed[0]) partly++;
  };
  const next = async () => {
    for (let n = deaths.shift(); n !== undefined; n = deaths.shift()) await examine(n);
  };
  await Promise.all([next(), next()]);
  if (every === 1) expect(partly, "some die between the commit and the acknowledgement").toBeGreaterThan(0);
}, 300_000);

/** Runs the scenario up to its n-th statement; the lines that it said. */
function play(path: string, n: number): Promise<{ lines: string[]; killed: boolean }> {
  return new Promise((resolve, reject) => {
    const process = spawn(globalThis.process.execPath, [child, path, String(n)], { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    let complaint = "";
    process.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    process.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint += text;
    });
    process.on("error", reject);
    process.on("close", (code, signal) => {
      if (code !== 0 && signal !== "SIGKILL") reject(new Error(`The scenario ended with ${code}: ${complaint}`));
      else resolve({ lines: said.split("\n").slice(0, -1), killed: signal === "SIGKILL" });
    });
  });
}

/** A database with its tables and nothing else. */
function emptyPicture(): string {
  const db = new Driver(":memory:");
  migrate(db);
  const drawn = picture(db);
  db.close();
  return drawn;
}

/** What a file holds, and what is wrong with it. */
function look(path: string): { found: string; violations: readonly string[] } {
  if (!existsSync(path)) return { found: "{}", violations: [] };
  const db = new Driver(path);
  try {
    const found = picture(db);
    const sound = pragma(db, "integrity_check");
    return {
      found,
      violations: [...(sound === "ok" ? [] : [String(sound)]), ...(found === "{}" ? [] : verifyDatabase(db))],
    };
  } finally {
    db.close();
  }
}
