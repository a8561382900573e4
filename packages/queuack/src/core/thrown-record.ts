import { errorRecord } from "./error-record.ts";
import { type ErrorCode, QueuackError } from "./errors.ts";
import type { ErrorRecord } from "./outcome.ts";

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
