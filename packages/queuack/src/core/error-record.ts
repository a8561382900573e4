import type { ErrorRecord } from "./outcome.ts";

/** Longest stack that is kept of an error, characters: enough to read, bounded against abuse. */
const stackLimit = 8_192;

/** Anything that was thrown, as it is kept. */
export function errorRecord(thrown: unknown): ErrorRecord {
  if (!(thrown instanceof Error))
    return { name: "Error", message: typeof thrown === "string" ? thrown : describe(thrown) };
  const { name, message } = thrown;
  const code = (thrown as { code?: unknown }).code;
  let stack = thrown.stack;
  if (thrown.cause instanceof Error && thrown.cause.stack) stack = `${stack}\n[cause]: ${thrown.cause.stack}`;
  return {
    name,
    message: message.slice(0, stackLimit),
    stack: stack?.slice(0, stackLimit),
    code: typeof code === "string" ? code : undefined,
  };
}

function describe(thrown: unknown): string {
  try {
    return JSON.stringify(thrown) ?? String(thrown);
  } catch {
    // A value that can't even be shown (a cycle, a hostile toJSON) still deserves a record.
    return Object.prototype.toString.call(thrown);
  }
}
