import { type ErrorCode, errorCatalogue, QueuackError } from "../../core/errors.ts";

/** What a child is to run: plain data. */
export interface PoolPlan {
  readonly url: string;
  /** Whether the queue goes with the parent: then a child without one has nothing left to do. */
  readonly temporary: boolean;
  /** Options of `connect()`. */
  readonly connection: Readonly<Record<string, unknown>>;
  /** Options of the worker. */
  readonly worker: Readonly<Record<string, unknown>>;
  /** Absolute paths of the modules that export the tasks. */
  readonly modules: readonly string[];
}

/** What the parent tells a child. */
export type PoolOrder =
  | { readonly kind: "start"; readonly plan: PoolPlan }
  | { readonly kind: "stop"; readonly graceMs?: number | undefined };

/** What a child tells the parent. `failed`: it could not start, and ends. */
export type PoolReport =
  | { readonly kind: "figures"; readonly worker: string; readonly running: number }
  | { readonly kind: "stopping" }
  | { readonly kind: "failed"; readonly error: SentError }
  | { readonly kind: "trouble"; readonly message: string; readonly error?: SentError | undefined };

/** An error as it crosses from process to process. */
export interface SentError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly code?: string | undefined;
  readonly hint?: string | undefined;
  readonly cause?: SentError | undefined;
}

/** Anything that was thrown, as it is sent; causes go five deep. */
export function sentError(thrown: unknown, depth = 5): SentError {
  if (!(thrown instanceof Error)) return { name: "Error", message: String(thrown) };
  const { name, message, stack, cause } = thrown;
  const { code, hint } = thrown as { code?: unknown; hint?: unknown };
  return {
    name,
    message,
    stack,
    code: typeof code === "string" ? code : undefined,
    hint: typeof hint === "string" ? hint : undefined,
    cause: cause === undefined || depth === 0 ? undefined : sentError(cause, depth - 1),
  };
}

/** The error that was sent, with the stack of the process it came from. */
export function receivedError({ name, message, stack, code, hint, cause: sent }: SentError): Error {
  const cause = sent === undefined ? undefined : receivedError(sent);
  const ours = name === "QueuackError" && code !== undefined && code in errorCatalogue && hint !== undefined;
  const error = ours
    ? new QueuackError(code as ErrorCode, { message: message.slice(0, -hint.length).trimEnd(), hint, cause })
    : Object.assign(new Error(message, cause === undefined ? undefined : { cause }), { name }, code && { code });
  if (stack !== undefined) error.stack = stack;
  return error;
}
