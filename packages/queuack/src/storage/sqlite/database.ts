import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { QueuackError } from "../../core/errors.ts";

/** A value that SQLite stores. */
export type SqlValue = null | number | string | Uint8Array;

/** A row as the driver hands it over. */
export type SqlRow = Record<string, SqlValue>;

/**
 * A prepared statement: the shape that better-sqlite3 and node:sqlite share. Write `LIMIT +?`, never `LIMIT ?`: SQLite looks
 * into a bare parameter there to plan with it, and prepares the statement anew at every run, which costs ten times the run.
 */
export interface Statement {
  run(...values: SqlValue[]): { readonly changes: number | bigint };
  get(...values: SqlValue[]): unknown;
  all(...values: SqlValue[]): unknown[];
}

/** The little that the store asks of a driver, so that Node's own module can take its place one day. */
export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
  readonly inTransaction: boolean;
}

/** A connection of the store's own. */
export interface OwnDatabase extends Database {
  /** A statement whose rows come as arrays of their columns: a third cheaper than objects where many rows come. */
  prepareArrays(sql: string): Statement;
}

/** A connection of the driver itself. */
export interface Connection extends OwnDatabase {
  /** The whole database as the bytes of a file. Not within a transaction. */
  serialize(): Uint8Array;
}

/** How much a commit survives: `full`, a power cut; `relaxed`, a killed process. */
export type Durability = "full" | "relaxed";

/** The pragma that stands for a durability; the driver's own default would lose acknowledged commits. */
export function synchronousPragma(durability: Durability): "FULL" | "NORMAL" {
  return durability === "full" ? "FULL" : "NORMAL";
}

/** A raw connection without waiting: `SQLITE_BUSY` comes back at once, the writer decides how to wait. */
export function openConnection(path: string): Connection {
  const db = new BetterSqlite3(path, { timeout: 0 });
  return Object.assign(db, { prepareArrays: (sql: string) => db.prepare(sql).raw() });
}

/**
 * Opens the database of a queue and asserts that it keeps what is promised.
 * @throws {QueuackError} `QUEUACK_NETWORK_FILE_SYSTEM`, `QUEUACK_STORE_FAILED`
 */
export function openDatabase(path: string, durability: Durability): Connection {
  if (path !== ":memory:") refuseNetworkFileSystem(path);
  let db: Connection;
  try {
    db = openConnection(path);
  } catch (cause) {
    throw storeError(cause, `The database ${path} can't be opened.`);
  }
  try {
    const synchronous = synchronousPragma(durability);
    db.exec(`
      PRAGMA page_size = 4096;
      PRAGMA auto_vacuum = INCREMENTAL;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = ${synchronous};
      PRAGMA cache_size = -65536;
      PRAGMA temp_store = MEMORY;
      PRAGMA wal_autocheckpoint = 8000;
    `);
    const journal = pragma(db, "journal_mode");
    const level = pragma(db, "synchronous");
    if ((path !== ":memory:" && journal !== "wal") || level !== (synchronous === "FULL" ? 2 : 1)) {
      throw new QueuackError("QUEUACK_STORE_FAILED", {
        message: `SQLite answered journal_mode ${journal} and synchronous ${level} where wal and ${synchronous} were set.`,
        hint: "Put the database on a local file system that supports shared memory maps.",
      });
    }
    return db;
  } catch (cause) {
    db.close();
    throw isBusy(cause) || cause instanceof QueuackError
      ? cause
      : storeError(cause, `The database ${path} can't be used.`);
  }
}

/** The answer to a pragma that is asked by name. */
export function pragma(db: Database, name: string): SqlValue {
  return Object.values(db.prepare(`PRAGMA ${name}`).get() as SqlRow)[0] ?? null;
}

/** Whether an error says that another connection holds the lock that was wanted. */
export function isBusy(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && /^SQLITE_(BUSY|LOCKED)/.test(code);
}

/** What a driver threw, as an error of the catalogue. */
export function storeError(cause: unknown, message: string): QueuackError {
  if (cause instanceof QueuackError) return cause;
  const what = cause instanceof Error ? cause.message : String(cause);
  // The extended code tells apart what has one message, such as the many kinds of a "disk I/O error".
  const code = (cause as { code?: unknown } | null)?.code;
  const which = typeof code === "string" ? `${what} (${code})` : what;
  return new QueuackError("QUEUACK_STORE_FAILED", { message: `${message} SQLite says: ${which}.`, cause });
}

const networkFileSystems: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB"],
  [0x517b, "SMB"],
  [0x564c, "NCP"],
  [0x5346414f, "AFS"],
  [0x01021997, "9P"],
  [0x00c36400, "Ceph"],
]);

function refuseNetworkFileSystem(path: string): void {
  let type: number;
  try {
    // Windows answers 0 here: there a network drive goes unnoticed.
    type = statfsSync(dirname(path)).type;
  } catch (cause) {
    throw storeError(cause, `The folder of ${path} can't be read.`);
  }
  const name = networkFileSystems.get(type >>> 0);
  if (name !== undefined) {
    throw new QueuackError("QUEUACK_NETWORK_FILE_SYSTEM", {
      message: `${path} lies on a network file system (${name}).`,
    });
  }
}
