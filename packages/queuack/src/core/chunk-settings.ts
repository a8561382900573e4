import { type Duration, milliseconds } from "./duration.ts";
import { QueuackError } from "./errors.ts";

/** How the jobs of a task are gathered into chunks, read. */
export interface ChunkSettings {
  /** Most jobs of a chunk. */
  readonly size: number;
  /** How long the first job of a chunk waits for others, milliseconds. */
  readonly waitMs: number;
  /** Jobs of one answer share a chunk; `undefined`: all do. */
  readonly by: ((context: { readonly input: unknown; readonly job: unknown }) => unknown) | undefined;
}

const knownOptions: readonly string[] = ["size", "wait", "by"];

/**
 * Reads what a task says about its chunks.
 * @throws {QueuackError} `QUEUACK_INVALID_TASK`, `QUEUACK_INVALID_OPTION` for a wait that is no duration
 */
export function chunkSettings(
  options: { readonly size: number; readonly wait: Duration; readonly by?: unknown },
  task: string,
): ChunkSettings {
  const refuse = (message: string, hint: string) =>
    new QueuackError("QUEUACK_INVALID_TASK", { message: `The chunk of task ${task} ${message}.`, hint });
  if (typeof options !== "object" || options === null) {
    throw refuse("is no group of options", 'Give chunk: { size: 100, wait: "1s" }.');
  }
  const unknown = Object.keys(options).find((key) => !knownOptions.includes(key));
  if (unknown !== undefined) {
    throw refuse(`knows no option ${JSON.stringify(unknown)}`, `Give some of ${knownOptions.join(", ")}.`);
  }
  const { size, wait, by } = options;
  if (!(Number.isSafeInteger(size) && size >= 1 && size <= 10_000)) {
    throw refuse(`has the size ${String(size)}`, "Give a whole number from 1 to 10000.");
  }
  if (by !== undefined && typeof by !== "function") {
    throw refuse("has a by that is no function", "Give by: ({ input, job }) => a text, or leave it out.");
  }
  const waitMs = milliseconds(wait, `wait of the chunk of task ${task}`);
  return { size, waitMs, by: by as ChunkSettings["by"] };
}
