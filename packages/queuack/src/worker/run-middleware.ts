import { QueuackError } from "../core/errors.ts";
import type { RunMiddleware } from "../core/middleware.ts";
import type { TaskContext } from "../core/task.ts";

/**
 * Runs a handler within middleware, the first of the list outermost. Without any it is the handler's call and nothing
 * else. Throws, or rejects with, what the handler or the middleware throws.
 */
export function runWithin(
  middleware: readonly RunMiddleware[],
  context: TaskContext<unknown>,
  handler: (context: TaskContext<unknown>) => unknown,
): unknown {
  if (middleware.length === 0) return handler(context);
  const from = (i: number): unknown => {
    const around = middleware[i];
    if (around === undefined) return handler(context);
    let called = false;
    const next = async () => {
      if (called) throw calledTwice();
      called = true;
      return await from(i + 1);
    };
    return around(context, () => {
      const result = next();
      // Middleware that does not wait for it has chosen to ignore how it ends; that must not end the process.
      result.catch(() => undefined);
      return result;
    });
  };
  return from(0);
}

/** The error for a `next` that is called again. */
function calledTwice(): QueuackError {
  return new QueuackError("QUEUACK_NOT_ALLOWED", {
    message: "A run middleware called next() twice.",
    hint: "Call it once; retries are for the task's retry policy.",
  });
}
