// The program of the thread that a store lives in: a store like any other, asked by messages. Started by store-thread.ts.
import { parentPort, workerData } from "node:worker_threads";
import { thrownRecord } from "../../../core/thrown-record.ts";
import { openSqliteStore, type SqliteStore } from "../sqlite-store.ts";
import type { Call, FromThread, Reply, StoreStart, ToThread } from "./messages.ts";
import { packed, unpacked } from "./rows.ts";

const start = workerData as StoreStart;
let told = start.now;
const clock = { now: () => told ?? Date.now() };

let stopListening: (() => void) | null = null;
let replies: Reply[] = [];

const tell = (message: FromThread): void => parentPort?.postMessage(message);

try {
  serve(await openSqliteStore({ path: start.path, durability: start.durability, clock }));
} catch (error) {
  tell({ kind: "failed", thrown: thrownRecord(error) });
}

function serve(store: SqliteStore): void {
  const ask = ({ part, method, params }: Call): Promise<unknown> => {
    if (part === null) return own(store, method);
    const methods = store[part] as unknown as Record<string, (params: unknown) => Promise<unknown>>;
    return (methods[method] as (params: unknown) => Promise<unknown>)(unpacked(params));
  };
  // Before the reply of the write in which they ended.
  store.batches.onEnd((ended) => tell({ kind: "batchesEnded", ended }));
  parentPort?.on("message", ({ now, calls }: ToThread) => {
    told = now;
    for (const call of calls) {
      const { id } = call;
      ask(call).then(
        (value) => reply({ id, value: packed(value) }, store),
        (thrown: unknown) => reply({ id, thrown: thrownRecord(thrown) }, store),
      );
    }
  });
  tell({ kind: "opened", capabilities: store.capabilities });
}

function own(store: SqliteStore, method: string): Promise<unknown> {
  switch (method) {
    case "listen":
      stopListening ??= store.onForeignCommit(() => tell({ kind: "foreignCommit" }));
      return Promise.resolve();
    case "unlisten":
      stopListening?.();
      stopListening = null;
      return Promise.resolve();
    case "share":
    case "compact":
    case "verify":
    case "close":
      return store[method]();
    default:
      throw new Error(`the thread of a store knows no ${method}`);
  }
}

/** What one commit brings goes back together. */
function reply(one: Reply, store: SqliteStore): void {
  replies.push(one);
  if (replies.length > 1) return;
  // Once all that is told of a commit has been told.
  process.nextTick(() => {
    const together = replies;
    replies = [];
    tell({ kind: "replies", replies: together, capabilities: store.capabilities });
  });
}
