import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { newJobs } from "../conformance/scene.ts";
import { type Database, openConnection } from "./database.ts";
import { openTestStore, temporaryFolder } from "./fixtures/test-store.ts";
import { migrate, migrations, newestVersion, schemaVersion } from "./migrate.ts";

describe("migrate", () => {
  test("the numbers run from 1 without a gap to the newest that the release knows", () => {
    expect(migrations().map(({ number }) => number)).toEqual(Array.from({ length: newestVersion }, (_, n) => n + 1));
  });

  test("up and down again leaves nothing, and up once more the same as at first", () => {
    const db = openConnection(":memory:");
    migrate(db);
    const first = schema(db);
    expect(schemaVersion(db)).toBe(newestVersion);
    expect(first.length).toBeGreaterThan(10);
    migrate(db, 0);
    expect(schemaVersion(db)).toBe(0);
    expect(schema(db)).toEqual([]);
    migrate(db);
    expect(schema(db)).toEqual(first);
    db.close();
  });

  test("every single step leads up and down to where it came from", () => {
    const db = openConnection(":memory:");
    for (let version = 1; version <= newestVersion; version++) {
      const before = schema(db);
      migrate(db, version);
      migrate(db, version - 1);
      expect(schema(db)).toEqual(before);
      migrate(db, version);
      expect(schemaVersion(db)).toBe(version);
    }
    db.close();
  });

  test("a database that is up to date is left alone", () => {
    const db = openConnection(":memory:");
    migrate(db);
    db.exec("INSERT INTO record VALUES ('c', 'k', 'v', 1)");
    migrate(db);
    expect(db.prepare("SELECT count(*) AS n FROM record").get()).toEqual({ n: 1 });
    db.close();
  });

  test("what a newer release has written is refused and left as it is, and its file let go", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    await (await openTestStore(path)).close();
    const db = openConnection(path);
    db.exec(`PRAGMA user_version = ${newestVersion + 1}`);
    const refused = { name: "QueuackError", code: "QUEUACK_STORE_VERSION", details: { version: newestVersion + 1 } };
    await expect(openTestStore(path)).rejects.toMatchObject(refused);
    expect(schemaVersion(db)).toBe(newestVersion + 1);
    // Possible only when nobody else has the file open.
    expect(db.prepare("PRAGMA journal_mode = DELETE").get()).toEqual({ journal_mode: "delete" });
    db.close();
  });

  test("a step that fails takes all of them back", () => {
    const db = openConnection(":memory:");
    db.exec("CREATE TABLE record (x)");
    expect(() => migrate(db)).toThrow(/record already exists/);
    expect(schema(db)).toEqual(["CREATETABLErecord(x)"]);
    expect(schemaVersion(db)).toBe(0);
    expect(db.inTransaction).toBe(false);
    db.close();
  });

  test("many openings of a new file at the same time all find it whole", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    const stores = await Promise.all(Array.from({ length: 4 }, () => openTestStore(path)));
    await Promise.all(stores.map((store) => store.jobs.insert({ jobs: newJobs(1) })));
    expect((await stores[0]?.jobs.list({ filter: {}, limit: 10 }))?.items).toHaveLength(4);
    await Promise.all(stores.map((store) => store.close()));
  });
});

/** The text of all tables and indexes, without comments, white space and quotes: ALTER TABLE leaves those as it likes. */
function schema(db: Database): string[] {
  const rows = db
    .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY name")
    .all();
  return rows.map((row) => (row as { sql: string }).sql.replaceAll(/--.*$|[\s"]/gm, ""));
}
