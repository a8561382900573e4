import { realpathSync } from "node:fs";
import type { Clock } from "../../core/clock.ts";
import { QueuackError } from "../../core/errors.ts";
import type { TransactionConnection } from "../../core/task.ts";
import type { EnlistedStore, InsertReply, Store } from "../store.ts";
import { BatchLedger } from "./batch-ledger.ts";
import {
  type Database,
  type Durability,
  type SqlValue,
  type Statement,
  storeError,
  synchronousPragma,
} from "./database.ts";
import { FlowRules } from "./flow-rules.ts";
import { type InsertBody, insertion } from "./insert.ts";
import { JobInserts } from "./job-inserts.ts";
import { Lanes } from "./lanes.ts";
import { Places } from "./places.ts";
import { Sequence } from "./sequence.ts";
import { Tables } from "./session.ts";
import { Uniques } from "./uniques.ts";

/** A user's connection as one of the known drivers has it: better-sqlite3's name, and that of `node:sqlite`. */
interface UserConnection extends TransactionConnection {
  prepare(sql: string): UserStatement;
  readonly inTransaction?: boolean;
  readonly isTransaction?: boolean;
}

/** A user's statement; each driver has its own way to be told that numbers are wanted. */
interface UserStatement extends Statement {
  safeIntegers?(on: boolean): unknown;
  setReadBigInts?(on: boolean): unknown;
}

/** The parts of the store over a user's connection, and how they forget what a rollback may have undone. */
interface Enlisted {
  readonly db: Database;
  readonly insert: InsertBody;
  readonly forget: () => void;
}

/** The store's `enlist`. */
export function enlisting(store: {
  readonly path: string;
  readonly durability: Durability;
  readonly clock: Pick<Clock, "now">;
}): Store["enlist"] {
  const { path, durability, clock } = store;
  const known = new WeakMap<TransactionConnection, Enlisted>();
  return (connection): EnlistedStore => {
    if (path === ":memory:") {
      throw new QueuackError("QUEUACK_UNSUPPORTED", {
        message: "A queue in memory can't take part in a transaction: no other connection reaches it.",
        hint: "Connect the queue to a file.",
      });
    }
    const db = database(connection);
    if (!db.inTransaction) throw refused("The connection given as tx has no open transaction.", "Begin one first.");
    let enlisted = known.get(connection);
    if (enlisted === undefined) {
      refuseOtherFile(db, path);
      enlisted = partsOver(db, clock);
      known.set(connection, enlisted);
    }
    // Read anew at each transaction: the user may change it between two of them.
    refuseWeaker(db, durability);
    const { insert, forget } = enlisted;
    return { insert: (params) => within(db, forget, () => atOnce(insert(params))) };
  };
}

function partsOver(db: Database, clock: Pick<Clock, "now">): Enlisted {
  const lanes = new Lanes(db);
  const flow = new FlowRules(db);
  const sequence = new Sequence(db, false);
  const tables = new Tables({ db, clock, lanes, flow, sequence });
  const places = new Places(tables);
  const inserts = new JobInserts(tables);
  const ledger = new BatchLedger(tables, places, inserts);
  return {
    db,
    insert: insertion(tables, places, new Uniques(tables), inserts, ledger),
    forget: () => {
      lanes.forget();
      flow.forget();
    },
  };
}

/** Runs a write so that it leaves nothing behind in the user's transaction when it fails. */
function within(db: Database, forget: () => void, body: () => InsertReply): InsertReply {
  // A rollback of the user's, of which nobody tells, may have undone what was learned.
  forget();
  db.exec("SAVEPOINT queuack");
  try {
    const reply = body();
    db.exec("RELEASE queuack");
    return reply;
  } catch (error) {
    if (db.inTransaction) db.exec("ROLLBACK TO queuack; RELEASE queuack");
    throw storeError(error, "The jobs could not be enqueued within the transaction.");
  }
}

/** Runs to the end without a pause: the user's transaction holds the lock all the while. */
function atOnce<T>(steps: Generator<void, T, void>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** A user's connection behind the store's own interface. */
function database(connection: TransactionConnection): Database {
  const user = connection as UserConnection | null | undefined;
  if (typeof user?.prepare !== "function" || (user.inTransaction ?? user.isTransaction) === undefined) {
    throw refused("tx is no connection of better-sqlite3 or node:sqlite.", "Give the Database object itself.");
  }
  const prepare = (sql: string): Statement => {
    const statement = user.prepare(sql);
    // Whatever the user's default: a BigInt among numbers would spoil every sum.
    statement.safeIntegers?.(false);
    statement.setReadBigInts?.(false);
    return statement;
  };
  return {
    prepare,
    exec: (sql) => {
      for (const one of sql.split(";")) if (one.trim() !== "") user.prepare(one).run();
    },
    close: () => undefined,
    get inTransaction() {
      return user.inTransaction ?? user.isTransaction ?? false;
    },
  };
}

function refuseOtherFile(db: Database, path: string): void {
  const attached = db.prepare("PRAGMA database_list").all() as { name: string; file: string }[];
  const file = attached.find(({ name }) => name === "main")?.file ?? "";
  if (file !== "" && realpathSync(file) === realpathSync(path)) return;
  throw refused(
    `The connection given as tx is open on ${file === "" ? "memory" : file}, the queue on ${path}.`,
    "A transaction covers one file: open the queue's file, or connect the queue to yours.",
  );
}

function refuseWeaker(db: Database, durability: Durability): void {
  if (durability !== "full") return;
  const level = Object.values(db.prepare("PRAGMA synchronous").get() as Record<string, SqlValue>)[0] as number;
  if (level >= 2) return;
  throw refused(
    `The connection given as tx commits with synchronous = ${level}: an accepted job would not survive a power cut.`,
    `Run PRAGMA synchronous = ${synchronousPragma("full")} on it before the transaction begins, or connect with durability: "relaxed".`,
  );
}

function refused(message: string, hint: string): QueuackError {
  return new QueuackError("QUEUACK_INVALID_TRANSACTION", { message, hint });
}
