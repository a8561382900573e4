import type { StandardSchemaV1 } from "@standard-schema/spec";
import { QueuackError } from "./errors.ts";

/**
 * Checks an input with the schema of its task; answers with what the schema makes of it, at once where it can.
 * @throws {QueuackError} `QUEUACK_INVALID_INPUT` with every issue and its path
 */
export function validInput(schema: StandardSchemaV1 | undefined, input: unknown, task: string): unknown {
  if (schema === undefined) return input;
  const checked = schema["~standard"].validate(input);
  return checked instanceof Promise ? checked.then((result) => accepted(result, task)) : accepted(checked, task);
}

function accepted(result: StandardSchemaV1.Result<unknown>, task: string): unknown {
  if (result.issues === undefined) return result.value;
  const lines = result.issues.map(({ message, path = [] }) => {
    const keys = path.map((segment) => String(typeof segment === "object" ? segment.key : segment));
    return `${["input", ...keys].join(".")}: ${message}`;
  });
  throw new QueuackError("QUEUACK_INVALID_INPUT", {
    message: `The input does not fit task ${task}: ${lines.join("; ")}.`,
    details: { task, issues: lines },
  });
}
