import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Codecs } from "../codecs/codecs.ts";
import { QueuackError } from "../core/errors.ts";
import { validInput } from "../core/input.ts";
import type { ClaimedJob } from "../core/job.ts";
import { isThenable } from "./failure.ts";

/** What a handler gets as its input, or why it gets nothing. */
export type InputVerdict = { readonly value: unknown } | { readonly invalid: QueuackError };

/**
 * Reads the stored input of a job and checks it with the schema of its task; a promise only where the schema is
 * asynchronous. Throws, or rejects with, what is a failure but no verdict on the input: what the schema itself throws,
 * and where a codec is missing or can't read the input, since a worker that has it, or its key, may.
 * @throws {QueuackError} `QUEUACK_UNKNOWN_CODEC`, `QUEUACK_CODEC_FAILED`
 */
export function readInput(
  job: Pick<ClaimedJob, "input" | "task">,
  schema: StandardSchemaV1 | undefined,
  codecs: Codecs,
): InputVerdict | PromiseLike<InputVerdict> {
  let value: unknown;
  try {
    value = codecs.decode(job.input, "input");
  } catch (error) {
    // JSON is read alike everywhere: no other worker could do better.
    const { code, details, cause } = error as QueuackError;
    if (code !== "QUEUACK_CODEC_FAILED" || details.codec !== "json") throw error;
    return { invalid: new QueuackError("QUEUACK_INVALID_INPUT", { message: "The stored input is not JSON.", cause }) };
  }
  if (schema === undefined) return { value };
  try {
    const valid = validInput(schema, value, job.task);
    return isThenable(valid) ? valid.then((made) => ({ value: made }), refusal) : { value: valid };
  } catch (error) {
    return refusal(error);
  }
}

function refusal(error: unknown): InputVerdict {
  if (error instanceof QueuackError && error.code === "QUEUACK_INVALID_INPUT") return { invalid: error };
  throw error;
}
