import { resolve } from "node:path";
import type { Clock } from "../../../core/clock.ts";
import { enlisting } from "../enlist.ts";
import type { SqliteStore, SqliteStoreOptions } from "../sqlite-store.ts";
import { methods, type Part } from "./messages.ts";
import { StoreThread } from "./store-thread.ts";

/** How a store in a thread of its own is opened. */
export interface ThreadedStoreOptions extends Omit<SqliteStoreOptions, "clock"> {
  /** A clock whose time the thread is told with every call; left out, both go by the system's. */
  readonly clock?: Pick<Clock, "now"> | undefined;
}

/**
 * Opens a SQLite store in a thread of its own: statements and the wait for the disk hold nobody up in this one. Costs two
 * messages a call; calls of one tick share them.
 * @throws {QueuackError} as `openSqliteStore`; later calls throw `QUEUACK_STORE_FAILED` where the thread has ended
 */
export async function openThreadedStore(options: ThreadedStoreOptions): Promise<SqliteStore> {
  const { durability = "full", clock } = options;
  const path = options.path === ":memory:" ? options.path : resolve(options.path);
  const now = clock === undefined ? () => null : () => clock.now();
  const thread = await StoreThread.start({ path, durability }, now);
  const part = <P extends Part>(name: P): Pick<SqliteStore[P], (typeof methods)[P][number] & keyof SqliteStore[P]> =>
    Object.fromEntries(
      methods[name].map((method) => [method, (params: unknown) => thread.call(name, method, params)]),
    ) as never;
  return {
    get capabilities() {
      return thread.capabilities;
    },
    jobs: part("jobs"),
    queues: part("queues"),
    flow: part("flow"),
    batches: { ...part("batches"), onEnd: (listener) => thread.onBatchesEnded(listener) },
    workers: part("workers"),
    records: part("records"),
    cache: part("cache"),
    // The caller's connection lives in this thread.
    enlist: enlisting({ path, durability, clock: clock ?? { now: () => Date.now() } }),
    onForeignCommit: (listener) => thread.onForeignCommit(listener),
    share: () => thread.call(null, "share"),
    compact: () => thread.call(null, "compact"),
    verify: () => thread.call(null, "verify"),
    close: () => thread.close(),
  };
}
