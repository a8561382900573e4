import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { newJobs } from "../conformance/scene.ts";
import type { Store } from "../store.ts";
import { openConnection, openDatabase, pragma } from "./database.ts";
import { openTestStore, temporaryFolder } from "./fixtures/test-store.ts";

describe("what is set", () => {
  test.each([
    ["full", 2],
    ["relaxed", 1],
  ] as const)(
    "%s: the write-ahead log with synchronous %i, small pages, space that can be given back",
    (durability, level) => {
      const db = openDatabase(join(temporaryFolder(), "jobs.db"), durability);
      expect(pragma(db, "journal_mode")).toBe("wal");
      expect(pragma(db, "synchronous")).toBe(level);
      expect(pragma(db, "page_size")).toBe(4_096);
      expect(pragma(db, "auto_vacuum")).toBe(2);
      db.close();
    },
  );

  test("a file that is opened again keeps what it was made with", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    await (await openTestStore(path)).close();
    const db = openConnection(path);
    expect(pragma(db, "journal_mode")).toBe("wal");
    expect(pragma(db, "auto_vacuum")).toBe(2);
    db.close();
  });
});

describe("what can't be used is refused with an error that says so", () => {
  const failed = { name: "QueuackError", code: "QUEUACK_STORE_FAILED" };

  test("a folder that is not there", async () => {
    await expect(openTestStore(join(temporaryFolder(), "none", "jobs.db"))).rejects.toMatchObject(failed);
  });

  test("a folder where a file should be", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    mkdirSync(path);
    await expect(openTestStore(path)).rejects.toMatchObject(failed);
  });

  test("a file that is no database", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    writeFileSync(path, "not a database, although long enough to look like one. ".repeat(200));
    await expect(openTestStore(path)).rejects.toMatchObject(failed);
  });

  test("a database whose tables are another program's", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    const db = openConnection(path);
    db.exec("CREATE TABLE job (x)");
    db.close();
    await expect(openTestStore(path)).rejects.toMatchObject(failed);
  });

  test("a database whose tables are gone although its version says otherwise", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    const db = openConnection(path);
    db.exec("PRAGMA user_version = 1");
    db.close();
    await expect(openTestStore(path)).rejects.toMatchObject(failed);
  });

  test("a damaged file, when the damage is met: by a write and by a read", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    const store = await openTestStore(path);
    await store.jobs.insert({ jobs: newJobs(2_000) });
    await store.close();
    damage(path);
    const damaged = await openTestStore(path).catch((error: unknown) => error);
    if (damaged instanceof Error) {
      expect(damaged).toMatchObject(failed);
      return;
    }
    const opened = damaged as Store;
    await expect(opened.jobs.list({ filter: {}, limit: 5_000 })).rejects.toMatchObject(failed);
    await expect(opened.jobs.remove({ filter: {}, limit: 5_000 })).rejects.toMatchObject(failed);
    await opened.close();
  });
});

test("a file of somebody else's making, whose space can't be given back, is compacted all the same", async () => {
  const path = join(temporaryFolder(), "jobs.db");
  const db = openConnection(path);
  db.exec("CREATE TABLE theirs (x)");
  db.close();
  const store = await openTestStore(path);
  await store.jobs.insert({ jobs: newJobs(500, { input: JSON.stringify("x".repeat(2_000)) }) });
  await store.jobs.remove({ filter: {}, limit: 500 });
  expect(await store.compact()).toBe(0);
  await store.close();
});

/** Overwrites most of the middle of a file. */
function damage(path: string): void {
  const bytes = readFileSync(path);
  bytes.fill(0xa5, 4_096 * 30, bytes.length - 4_096 * 2);
  writeFileSync(path, bytes);
}
