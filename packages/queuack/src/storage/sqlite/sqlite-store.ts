import { resolve } from "node:path";
import type { Clock } from "../../core/clock.ts";
import { QueuackError } from "../../core/errors.ts";
import type { Store } from "../store.ts";
import { BatchLedger } from "./batch-ledger.ts";
import { batchStore } from "./batches.ts";
import { cache } from "./cache.ts";
import { changing } from "./changes.ts";
import { Checkpointer } from "./checkpointer.ts";
import { claiming } from "./claim.ts";
import { compact } from "./compact.ts";
import { type Connection, type Durability, isBusy, openDatabase, storeError } from "./database.ts";
import { Endings } from "./endings.ts";
import { enlisting } from "./enlist.ts";
import { flowStore } from "./flow.ts";
import { FlowRules } from "./flow-rules.ts";
import { ForeignCommits } from "./foreign-commits.ts";
import { insertion } from "./insert.ts";
import { JobInserts } from "./job-inserts.ts";
import { Lanes } from "./lanes.ts";
import { leases } from "./leases.ts";
import { migrate } from "./migrate.ts";
import { MovableDatabase } from "./movable-database.ts";
import { Places } from "./places.ts";
import { ProcessLock } from "./process-lock.ts";
import { queues } from "./queues.ts";
import { reading } from "./reading.ts";
import { records } from "./records.ts";
import { removal } from "./removal.ts";
import { Sequence } from "./sequence.ts";
import { Session } from "./session.ts";
import { settling } from "./settle.ts";
import { Sharing } from "./sharing.ts";
import { timing } from "./timing.ts";
import { Uniques } from "./uniques.ts";
import { verifyDatabase } from "./verify.ts";
import { workers } from "./workers.ts";
import { Writer } from "./writer.ts";

/** What a SQLite store is opened with. */
export interface SqliteStoreOptions {
  /** A file, made when it is not there, or `:memory:`. */
  readonly path: string;
  readonly clock: Pick<Clock, "now">;
  readonly durability?: Durability | undefined;
}

/** A store over SQLite; it can also examine its own tables. */
export interface SqliteStore extends Store {
  /** What is wrong in the tables, a line for each violated invariant; empty when all is well. Reads everything. */
  verify(): Promise<readonly string[]>;
}

/**
 * Opens a store over a SQLite file and brings its schema up to date.
 * @throws {QueuackError} `QUEUACK_STORE_FAILED`, `QUEUACK_STORE_VERSION`, `QUEUACK_STORE_BUSY`,
 *   `QUEUACK_NETWORK_FILE_SYSTEM`
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const { durability = "full" } = options;
  const path = options.path === ":memory:" ? options.path : resolve(options.path);
  // Another process may be opening, closing or recovering the same file this very moment.
  const db = await whenFree(path, () => openDatabase(path, path === ":memory:" ? "relaxed" : durability));
  try {
    await whenFree(path, () => migrate(db));
    return await storeOver(db, { ...options, path });
  } catch (cause) {
    db.close();
    throw storeError(cause, `The database ${path} can't be used.`);
  }
}

/** The store over a connection whose schema is up to date, with its path made absolute. */
async function storeOver(connection: Connection, options: SqliteStoreOptions): Promise<SqliteStore> {
  const { path, clock, durability = "full" } = options;
  const inMemory = path === ":memory:";
  const movable = inMemory ? new MovableDatabase(connection) : null;
  const db = movable ?? connection;
  const lanes = new Lanes(db);
  const flow = new FlowRules(db);
  const sequence = new Sequence(db, true);
  let checkpointer = inMemory ? null : new Checkpointer(db, path);
  const writer = new Writer(db, {
    // What ends with its process needs no disk to wait for, also when it has become a file.
    durability: inMemory ? "relaxed" : durability,
    onRollback: () => {
      lanes.forget();
      flow.forget();
      sequence.forget();
    },
    onCommit: () => {
      foreign.own();
      checkpointer?.committed();
    },
  });
  const session = new Session({ db, writer, clock, lanes, flow, sequence });
  const lock = new ProcessLock(path);
  const foreign = new ForeignCommits(db, path);
  const onMoved = (file: string) => {
    checkpointer = new Checkpointer(db, file);
  };
  const sharing = movable && new Sharing({ db: movable, writer, lock, foreign, onMoved });
  const places = new Places(session);
  const uniques = new Uniques(session);
  const endings = new Endings(session, uniques);
  const inserts = new JobInserts(session);
  const ledger = new BatchLedger(session, places, inserts, (callback) => writer.afterCommit(callback));
  const insert = insertion(session, places, uniques, inserts, ledger);
  const { remove, prune } = removal(session, places, uniques, ledger);
  await writer.write(function* () {
    session.raiseEpoch();
  });

  return {
    get capabilities() {
      const shared = !inMemory || sharing?.path != null;
      return { name: "sqlite", persistent: !inMemory, shared, transactions: !inMemory, ordered: true };
    },
    jobs: {
      insert: (params) => writer.write(() => insert(params)),
      claim: claiming(session, endings, uniques, ledger),
      settle: settling(session, endings, places, uniques, ledger),
      ...leases(session),
      ...reading(session),
      change: changing(session, endings, places, uniques, ledger),
      remove,
      promote: timing(session, endings, places, ledger),
    },
    queues: { ...queues(session), prune },
    flow: flowStore(session),
    batches: batchStore(session, ledger),
    workers: workers(session, lock),
    records: records(session),
    enlist: enlisting({ path, durability, clock }),
    cache: cache(session),
    onForeignCommit: (listener) => foreign.subscribe(listener),
    share: async () => {
      const moved = (await sharing?.move()) ?? false;
      return { url: sharing?.path ?? path, temporary: inMemory, moved };
    },
    compact: () => compact(db, writer),
    verify: () => writer.read(() => verifyDatabase(db)),
    close: async () => {
      foreign.close();
      await writer.drain();
      await checkpointer?.close();
      lock.release();
      db.close();
      sharing?.leave();
    },
  };
}

/** Tries again while the file is locked, for at most ten seconds. */
async function whenFree<T>(path: string, open: () => T): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return open();
    } catch (cause) {
      if (!isBusy(cause)) throw cause;
      if (tries >= 2_000) {
        throw new QueuackError("QUEUACK_STORE_BUSY", { message: `The database ${path} stayed locked.`, cause });
      }
      await new Promise<void>((wake) => setTimeout(wake, 5));
    }
  }
}
