import { statSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Checkpointer } from "./checkpointer.ts";
import { type Database, isBusy, openConnection, openDatabase } from "./database.ts";
import { temporaryFolder } from "./fixtures/test-store.ts";

test("the log is carried over and starts again, round after round, without the committing connection's help", async () => {
  const { path, db, checkpointer } = scene();
  for (let round = 0; round < 3; round++) {
    await until(() => fill(db, 4_200));
    await until(() => commit(db, checkpointer) && logPages(db) < 1_000);
  }
  expect(statSync(`${path}-wal`).size, "the file grew once, not three times").toBeLessThan(2 * 4_200 * 4_096);
  expect(db.prepare("SELECT count(*) AS n FROM t WHERE x <> 1").get()).toEqual({ n: 3 });
});

test("a short log is left alone, however many commits there are", async () => {
  const { db, checkpointer } = scene();
  for (let n = 0; n < 200; n++) {
    db.exec("INSERT INTO t VALUES (1)");
    checkpointer.committed();
  }
  await checkpointer.close();
  expect(logPages(db)).toBeGreaterThanOrEqual(200);
});

test("a reader that keeps the log from starting over holds up no writer, and when it is gone the log is short again", async () => {
  const { path, db, checkpointer } = scene();
  const reader = openConnection(path);
  reader.exec("BEGIN");
  reader.prepare("SELECT count(*) FROM t").get();
  fill(db, 4_200);
  let [began, longestMs] = [performance.now(), 0];
  let [refused, committedSince] = [false, 0];
  await until(() => {
    if (!commit(db, checkpointer)) refused = true;
    else {
      longestMs = Math.max(longestMs, performance.now() - began);
      began = performance.now();
      if (refused) committedSince++;
    }
    // It has tried and given up, and had time to try again.
    return committedSince > 200;
  });
  // A second is the patience of a checkpoint that waits for its readers with the writers kept out.
  expect(longestMs).toBeLessThan(500);
  expect(logPages(db)).toBeGreaterThan(2_100);
  reader.close();
  await until(() => fill(db, 4_200));
  await until(() => commit(db, checkpointer) && logPages(db) < 1_000);
});

test("closing ends the thread, whether it has begun or not, and twice is once", async () => {
  const { db, checkpointer } = scene();
  fill(db, 4_200);
  for (let n = 0; n < 32; n++) checkpointer.committed();
  await checkpointer.close();
  await checkpointer.close();
  // What is committed afterwards starts no other.
  for (let n = 0; n < 64; n++) checkpointer.committed();
});

/** A database whose connection never checkpoints by itself. */
function scene(): { path: string; db: Database; checkpointer: Checkpointer } {
  const path = join(temporaryFolder(), "jobs.db");
  const db = openDatabase(path, "relaxed");
  db.exec("PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (x)");
  const checkpointer = new Checkpointer(db, path);
  onTestFinished(async () => {
    await checkpointer.close();
    db.close();
  });
  return { path, db, checkpointer };
}

/** Writes this many pages in one commit. */
function fill(db: Database, pages: number): boolean {
  return insert(db, `zeroblob(${pages * 4_096})`);
}

/** Commits a row and tells of it. */
function commit(db: Database, checkpointer: Checkpointer): boolean {
  const committed = insert(db, "1");
  if (committed) checkpointer.committed();
  return committed;
}

/** Inserts a value; `false` while the thread has the lock, which a writer waits for as well. */
function insert(db: Database, value: string): boolean {
  try {
    db.exec(`INSERT INTO t VALUES (${value})`);
    return true;
  } catch (error) {
    if (isBusy(error)) return false;
    throw error;
  }
}

function logPages(db: Database): number {
  return (db.prepare("PRAGMA wal_checkpoint(NOOP)").get() as { log: number }).log;
}

/** Asks again, turn after turn, until the answer is yes. */
async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise<void>((resolve) => setTimeout(resolve, 1));
}
