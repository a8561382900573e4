import { QueuackError } from "../../core/errors.ts";

/** What a child has no use for: its tasks come from modules, its workers from the pool, and errors are told to the pool. */
const ownOfParent: readonly string[] = ["tasks", "workers", "worker", "onError"];

/**
 * What `connect()` was given, as a process of its own can be given it.
 * @throws {QueuackError} `QUEUACK_UNSUPPORTED` for what is no plain data, such as a clock: without it, children would
 *   behave otherwise than their parent
 */
export function handOver(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const handed = Object.entries(given).filter(([key, value]) => value !== undefined && !ownOfParent.includes(key));
  for (const [key, value] of handed) refuseLiving(value, key, "connect()");
  return Object.fromEntries(handed);
}

/** Refuses what JSON would change or drop. @throws {QueuackError} `QUEUACK_UNSUPPORTED` */
export function refuseLiving(value: unknown, option: string, of: string): void {
  if (isPlain(value)) return;
  throw new QueuackError("QUEUACK_UNSUPPORTED", {
    message: `The option ${option} of ${of} can't be handed to worker processes: it is not plain data.`,
    hint: "Leave it out, or run the jobs in this process: q.worker().",
  });
}

function isPlain(value: unknown): boolean {
  if (typeof value === "object" && value !== null) {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (Array.isArray(value)) return value.every(isPlain);
    return (prototype === Object.prototype || prototype === null) && Object.values(value).every(isPlain);
  }
  return value === null || ["string", "boolean", "undefined"].includes(typeof value) || Number.isFinite(value);
}
