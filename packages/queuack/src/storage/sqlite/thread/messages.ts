import type { BatchEnd } from "../../../core/batch.ts";
import type { ThrownRecord } from "../../../core/thrown-record.ts";
import type { StoreCapabilities } from "../../store.ts";
import type { Durability } from "../database.ts";
import type { SqliteStore } from "../sqlite-store.ts";
import type { Packed } from "./rows.ts";

/** What the thread is asked for: the methods of a store by its parts; those of no part are the store's own. */
export const methods = {
  jobs: [
    "insert",
    "claim",
    "settle",
    "renew",
    "report",
    "get",
    "list",
    "history",
    "change",
    "remove",
    "promote",
    "abandoned",
  ],
  queues: ["pause", "configure", "stats", "prune"],
  flow: ["limit", "limits", "standing"],
  batches: ["get", "list", "cancel", "prune"],
  workers: ["register", "beat", "deregister", "list", "findDead"],
  records: ["get", "list", "put", "delete"],
  cache: ["find", "drop", "prune"],
} as const satisfies { readonly [Part in keyof SqliteStore]?: readonly (keyof SqliteStore[Part])[] };

/** A part of a store that is asked across threads. */
export type Part = keyof typeof methods;

/** What the thread is started with. */
export interface StoreStart {
  readonly path: string;
  readonly durability: Durability;
  /** Milliseconds since the epoch, by a clock that is told with every message; `null`: the system's. */
  readonly now: number | null;
}

/** A call: a method of a part, or one of the store's own. */
export interface Call {
  readonly id: number;
  readonly part: Part | null;
  readonly method: string;
  readonly params: Packed;
}

/** What one tick asks for: it reaches the store together, and in this order. */
export interface ToThread {
  readonly now: number | null;
  readonly calls: readonly Call[];
}

/** What came of a call. */
export type Reply =
  | { readonly id: number; readonly value: Packed }
  | { readonly id: number; readonly thrown: ThrownRecord };

/** What the thread tells. */
export type FromThread =
  | { readonly kind: "opened"; readonly capabilities: StoreCapabilities }
  | { readonly kind: "failed"; readonly thrown: ThrownRecord }
  | { readonly kind: "replies"; readonly replies: readonly Reply[]; readonly capabilities: StoreCapabilities }
  | { readonly kind: "foreignCommit" }
  | { readonly kind: "batchesEnded"; readonly ended: readonly BatchEnd[] };
