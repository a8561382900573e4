import { errorRecord } from "../core/error-record.ts";
import { type ErrorCode, QueuackError } from "../core/errors.ts";
import type { ErrorRecord } from "../core/outcome.ts";

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

/** An error that crosses between threads, which would take its class, code and hint from it. */
export interface ThrownRecord {
  readonly error: ErrorRecord;
  readonly cause: ErrorRecord | undefined;
  readonly hint: string | undefined;
  /** As JSON; `undefined` for what is no `QueuackError`. */
  readonly details: string | undefined;
}

/** Anything that was thrown, as it can cross. */
export function thrownRecord(thrown: unknown): ThrownRecord {
  const cause = thrown instanceof Error && thrown.cause !== undefined ? errorRecord(thrown.cause) : undefined;
  const error = errorRecord(thrown);
  if (!(thrown instanceof QueuackError)) return { error, cause, hint: undefined, details: undefined };
  return { error, cause, hint: thrown.hint, details: JSON.stringify(thrown.details) };
}

/** The error that a record tells of, with the stack of whoever calls this. */
export function thrownError({ error, cause, hint, details }: ThrownRecord): Error {
  const options = cause === undefined ? {} : { cause: Object.assign(new Error(cause.message), cause) };
  if (hint === undefined || details === undefined) {
    const { name, code } = error;
    return Object.assign(new Error(error.message, options), code === undefined ? { name } : { name, code });
  }
  // A QueuackError adds the hint to its message by itself.
  const message = error.message.endsWith(` ${hint}`) ? error.message.slice(0, -hint.length - 1) : error.message;
  return new QueuackError(error.code as ErrorCode, { message, hint, details: JSON.parse(details), ...options });
}
