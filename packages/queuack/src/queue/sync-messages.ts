import type { ThrownRecord } from "../core/thrown-record.ts";

/** What the thread of `connectSync()` is started with. */
export interface SyncStart {
  readonly port: import("node:worker_threads").MessagePort;
  /** Shared with the caller, who sleeps on it; see `signs`. */
  readonly signs: Int32Array;
}

/** Where in the shared memory stands: how many answers were sent, how many signs of life, whether the thread has ended. */
export const signs = { answers: 0, beats: 1, ended: 2 } as const;

/** How often the thread shows that it lives, milliseconds. */
export const beatMs = 500;

/** A call, on its way to the thread: `connect`, `close`, or a method of the broker. */
export interface SyncQuestion {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** What came of a call. */
export type SyncAnswer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly thrown: ThrownRecord };
