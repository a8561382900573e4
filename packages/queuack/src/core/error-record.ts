import type { ErrorRecord } from "./outcome.ts";

/** Longest text that is kept of an error, characters: enough to read, bounded against abuse. */
const textLimit = 8_192;

/** Anything that was thrown, as it is kept. */
export function errorRecord(thrown: unknown): ErrorRecord {
  if (!isError(thrown)) return { name: "Error", message: text(thrown) };
  const { name, message, cause } = thrown;
  const code = (thrown as { code?: unknown }).code;
  let stack = typeof thrown.stack === "string" ? thrown.stack : undefined;
  if (isError(cause) && cause.stack) stack = `${stack}\n[cause]: ${cause.stack}`;
  return {
    name: typeof name === "string" ? name : "Error",
    message: text(message),
    stack: stack?.slice(0, textLimit),
    code: typeof code === "string" ? code : undefined,
  };
}

/** Whether it is an error, of this realm or of another one, such as a test runner's or a `node:vm` context's. */
function isError(thrown: unknown): thrown is Error {
  return thrown instanceof Error || Object.prototype.toString.call(thrown) === "[object Error]";
}

function text(thrown: unknown): string {
  return (typeof thrown === "string" ? thrown : describe(thrown)).slice(0, textLimit);
}

function describe(thrown: unknown): string {
  try {
    return JSON.stringify(thrown) ?? String(thrown);
  } catch {
    // A value that can't even be shown (a cycle, a hostile toJSON) still deserves a record.
    return Object.prototype.toString.call(thrown);
  }
}
