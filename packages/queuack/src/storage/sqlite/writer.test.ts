import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Database, type Durability, openConnection, openDatabase } from "./database.ts";
import { temporaryFolder } from "./fixtures/test-store.ts";
import { Writer } from "./writer.ts";

/** A writer on a file with one table, every statement it executes recorded, and another connection to look from. */
function scene(durability: Durability = "full") {
  const path = join(temporaryFolder(), "jobs.db");
  const db = openDatabase(path, durability);
  db.exec("CREATE TABLE t (x)");
  const other = openConnection(path);
  onTestFinished(() => {
    other.close();
    db.close();
  });
  const log: string[] = [];
  const heard: { sql: string; resolve: () => void }[] = [];
  const note = (sql: string) => {
    log.push(sql);
    for (const { resolve } of heard.filter((one) => one.sql === sql)) resolve();
  };
  const recorded: Database = {
    exec: (sql) => {
      note(sql);
      db.exec(sql);
    },
    prepare: (sql) => {
      const statement = db.prepare(sql);
      return {
        run: (...values) => {
          note(sql);
          return statement.run(...values);
        },
        get: (...values) => statement.get(...values),
        all: (...values) => statement.all(...values),
      };
    },
    close: () => db.close(),
    get inTransaction() {
      return db.inTransaction;
    },
  };
  const calls = { rollback: 0, commit: 0 };
  const writer = new Writer(recorded, {
    durability,
    onRollback: () => calls.rollback++,
    onCommit: () => calls.commit++,
  });
  const insert = db.prepare("INSERT INTO t VALUES (?)");
  return {
    db,
    other,
    log,
    calls,
    writer,
    /** Writes a row. */
    write: (x: number, durable = true) =>
      writer.write(function* () {
        insert.run(x);
        return x;
      }, durable),
    /** Writes rows, each of which takes longer than a turn may hold the event loop. */
    slowly: (...rows: number[]) =>
      writer.write(function* () {
        for (const x of rows) {
          insert.run(x);
          busy(12);
          yield;
        }
      }),
    rows: (from: Database = other) =>
      (from.prepare("SELECT x FROM t ORDER BY x").all() as { x: number }[]).map(({ x }) => x),
    /** Resolves when a statement is executed for the next time. */
    executed: (sql: string) => new Promise<void>((resolve) => heard.push({ sql, resolve })),
    count: (sql: string) => log.filter((one) => one === sql).length,
  };
}

describe("group commit", () => {
  test("what one tick brings is one transaction, acknowledged after its commit", async () => {
    const { write, log, rows, count, db, calls } = scene();
    const seen = await Promise.all([1, 2, 3].map((x) => write(x).then(() => [db.inTransaction, rows()])));
    expect(seen).toEqual([1, 2, 3].map(() => [false, [1, 2, 3]]));
    expect(log[0]).toBe("BEGIN IMMEDIATE");
    expect(log.at(-1)).toBe("COMMIT");
    expect([count("BEGIN IMMEDIATE"), count("SAVEPOINT write"), count("COMMIT")]).toEqual([1, 3, 1]);
    expect(calls).toEqual({ rollback: 0, commit: 1 });
  });

  test("each write answers with what it found, a later one of the same commit sees the earlier", async () => {
    const { writer, write, rows, db } = scene();
    const look = () =>
      writer.write(function* () {
        return rows(db);
      });
    expect(await Promise.all([look(), write(1), look(), write(2), look()])).toEqual([[], 1, [1], 2, [1, 2]]);
  });

  test("a write that fails takes nothing with it", async () => {
    const { writer, write, rows, calls, db } = scene();
    const failing = writer.write(function* () {
      db.exec("INSERT INTO t VALUES (2)");
      throw new Error("boom");
    });
    const done = await Promise.allSettled([write(1), failing, write(3)]);
    expect(done.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(rows()).toEqual([1, 3]);
    expect(calls.rollback).toBe(1);
  });

  test("many small writes that take too long together are several commits, and all come through", async () => {
    const { writer, count, rows, db } = scene();
    const insert = db.prepare("INSERT INTO t VALUES (?)");
    const numbers = Array.from({ length: 6 }, (_, n) => n);
    await Promise.all(
      numbers.map((x) =>
        writer.write(function* () {
          insert.run(x);
          busy(5);
        }),
      ),
    );
    expect(rows()).toEqual(numbers);
    expect(count("COMMIT")).toBeGreaterThan(1);
  });

  test("what is asked for while a commit is under way is in the next one; drain waits for both", async () => {
    const { writer, write, slowly, count, rows } = scene();
    expect(writer.pending).toBe(false);
    const first = slowly(1, 2, 3);
    expect(writer.pending).toBe(true);
    await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(writer.pending, "it has begun").toBe(false);
    const second = write(4);
    await writer.drain();
    expect(rows()).toEqual([1, 2, 3, 4]);
    expect(count("COMMIT")).toBe(2);
    await Promise.all([first, second]);
    await writer.drain();
  });
});

describe("a large write", () => {
  test("lets the event loop turn, and nobody sees any of it before the commit", async () => {
    const { slowly, rows, writer, db } = scene();
    const turns: number[][] = [];
    let going = true;
    const turn = () => {
      if (!going) return;
      turns.push(rows());
      setImmediate(turn);
    };
    setImmediate(turn);
    const writing = slowly(1, 2, 3, 4, 5).then(() => {
      going = false;
    });
    await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(db.inTransaction, "the write is under way").toBe(true);
    const read = await writer.read(() => [db.inTransaction, rows(db)]);
    await writing;
    expect(read, "a read waits for the end of the transaction").toEqual([false, [1, 2, 3, 4, 5]]);
    expect(turns.length).toBeGreaterThan(4);
    expect(turns.filter((seen) => seen.length !== 0 && seen.length !== 5)).toEqual([]);
    expect(turns[2]).toEqual([]);
  });

  test("that fails in a late slice leaves nothing, and its neighbours stay", async () => {
    const { writer, write, rows, db } = scene();
    const insert = db.prepare("INSERT INTO t VALUES (?)");
    const failing = writer.write(function* () {
      for (const x of [10, 11, 12]) {
        insert.run(x);
        busy(12);
        yield;
      }
      throw new Error("too late");
    });
    const [, failed] = await Promise.allSettled([write(1), failing, write(2)]);
    expect(failed).toMatchObject({ status: "rejected", reason: { code: "QUEUACK_STORE_FAILED" } });
    expect(rows()).toEqual([1, 2]);
  });
});

test("writes that take long together run, and are told of, in turns of their own", async () => {
  const { writer } = scene();
  let turn = 0;
  let going = true;
  const count = () => {
    turn++;
    if (going) setImmediate(count);
  };
  setImmediate(count);
  const ran: number[] = [];
  const told: number[] = [];
  const one = () =>
    writer
      .write(function* () {
        ran.push(turn);
        busy(7);
      })
      .then(() => told.push(turn));
  await Promise.all([one(), one(), one()]);
  going = false;
  expect([new Set(ran).size, new Set(told).size]).toEqual([3, 3]);
});

describe("when the database says no", () => {
  test("another connection's lock is waited for", async () => {
    const { write, other, executed, rows } = scene();
    other.exec("BEGIN IMMEDIATE; INSERT INTO t VALUES (100)");
    let done = false;
    const writing = write(1).then(() => {
      done = true;
    });
    for (let tries = 0; tries < 3; tries++) await executed("BEGIN IMMEDIATE");
    expect(done).toBe(false);
    other.exec("COMMIT");
    await writing;
    expect(rows()).toEqual([1, 100]);
  });

  test("a disk that is full fails the commit as a whole, and the next one starts anew", async () => {
    const { db, write, writer, rows, calls } = scene();
    const pages = (db.prepare("PRAGMA page_count").get() as { page_count: number }).page_count;
    db.exec(`PRAGMA max_page_count = ${pages + 2}`);
    const huge = writer.write(function* () {
      db.prepare("INSERT INTO t VALUES (zeroblob(1000000))").run();
    });
    const done = await Promise.allSettled([write(1), huge]);
    expect(done[1]).toMatchObject({ status: "rejected", reason: { code: "QUEUACK_STORE_FAILED" } });
    expect(rows()).toEqual(done[0]?.status === "fulfilled" ? [1] : []);
    expect(calls.rollback).toBeGreaterThan(0);
    db.exec(`PRAGMA max_page_count = ${pages + 1_000}`);
    await write(2);
    expect(rows().at(-1)).toBe(2);
  });

  test("a read that fails says so in an error of the catalogue", async () => {
    const { writer, db } = scene();
    await expect(writer.read(() => db.prepare("SELECT nonsense"))).rejects.toMatchObject({
      code: "QUEUACK_STORE_FAILED",
      message: expect.stringContaining("(SQLITE_ERROR)"),
    });
  });
});

describe("durability", () => {
  const levels = (log: readonly string[]) => log.filter((sql) => sql.startsWith("PRAGMA synchronous"));

  test("a commit is synced when one of its writes must survive a power cut, and only then", async () => {
    const { db, write, log } = scene();
    const level = () => (db.prepare("PRAGMA synchronous").get() as { synchronous: number }).synchronous;
    await write(1);
    expect(level()).toBe(2);
    await write(2, false);
    expect(level()).toBe(1);
    await Promise.all([write(3, false), write(4, true), write(5, false)]);
    expect(level()).toBe(2);
    await write(6);
    expect(levels(log)).toEqual(["PRAGMA synchronous = NORMAL", "PRAGMA synchronous = FULL"]);
  });

  test("what must survive a power cut does not join a commit under way that is not synced", async () => {
    const { writer, write, log } = scene();
    const long = writer.write(function* () {
      busy(7);
    }, false);
    // Behind the first turn of the write, and before its second.
    await new Promise<void>((resolve) => setImmediate(resolve));
    await Promise.all([long, write(1)]);
    expect(log.filter((sql) => /^(PRAGMA|COMMIT)/.test(sql))).toEqual([
      "PRAGMA synchronous = NORMAL",
      "COMMIT",
      "PRAGMA synchronous = FULL",
      "COMMIT",
    ]);
  });

  test("a relaxed writer never syncs a commit", async () => {
    const { write, log } = scene("relaxed");
    await write(1);
    await write(2, false);
    expect(levels(log)).toEqual([]);
  });
});

/** Keeps the processor busy, as a write does that has much to do. */
function busy(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}
