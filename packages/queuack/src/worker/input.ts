import type { StandardSchemaV1 } from "@standard-schema/spec";
import { QueuackError } from "../core/errors.ts";
import type { Payload } from "../core/job.ts";
import { decodePayload } from "../core/payload.ts";
import { isThenable } from "./failure.ts";

/** What a handler gets as its input, or why it gets nothing. */
export type InputVerdict = { readonly value: unknown } | { readonly invalid: QueuackError };

/**
 * Reads the stored input of a job and checks it with the schema of its task; a promise only where the schema is
 * asynchronous. Throws, or rejects with, what the schema itself throws: that is a failure, and no verdict on the input.
 */
export function readInput(
  stored: Payload,
  schema: StandardSchemaV1 | undefined,
): InputVerdict | PromiseLike<InputVerdict> {
  let value: unknown;
  try {
    value = decodePayload(stored);
  } catch (cause) {
    return { invalid: new QueuackError("QUEUACK_INVALID_INPUT", { message: "The stored input is not JSON.", cause }) };
  }
  if (schema === undefined) return { value };
  const result = schema["~standard"].validate(value);
  return isThenable(result) ? result.then(verdict) : verdict(result);
}

function verdict(result: StandardSchemaV1.Result<unknown>): InputVerdict {
  if (!result.issues) return { value: result.value };
  const lines = result.issues.map(({ message, path }) => {
    const keys = path?.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
    return keys ? `input.${keys}: ${message}` : `input: ${message}`;
  });
  const message = `The input is not what the task takes: ${lines.join("; ")}.`;
  return { invalid: new QueuackError("QUEUACK_INVALID_INPUT", { message }) };
}
