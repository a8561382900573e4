import { type Duration, milliseconds } from "./duration.ts";
import { QueuackError } from "./errors.ts";
import type { Payload } from "./job.ts";

/** Which results of a task are kept, and for how long, as a user writes it. */
export interface CacheOptions<Input> {
  /**
   * Names the result: jobs of one key share it. Runs in the worker, before the handler, with the checked input.
   * `null` or `undefined`: this one is not cached. If it throws, the attempt has failed.
   */
  readonly key: (context: { readonly input: Input }) => string | null | undefined | Promise<string | null | undefined>;
  /** How long a result may be used, from when it was made; a hit does not prolong it. */
  readonly ttl: Duration;
  /** Of the code that makes the results: those of another version are not used. */
  readonly version?: string | undefined;
}

/** The options, read. */
export interface CacheSettings {
  readonly key: (context: { readonly input: unknown }) => unknown;
  readonly ttlMs: number;
  /** Empty where none is given. */
  readonly version: string;
}

/** Where a result is looked for. Under a tenant, a task and a key at most one is kept. */
export interface CacheAddress {
  readonly tenant: string;
  readonly task: string;
  /** As it is stored: see `worker/caching/cache-key.ts`. */
  readonly key: string;
  readonly version: string;
}

/** How the result of a job is to be kept. */
export interface CacheKeeping {
  readonly key: string;
  readonly version: string;
  /** Milliseconds for which it may be used, on the store's clock. */
  readonly ttlMs: number;
}

/** A result that was kept. */
export interface CachedResult {
  readonly result: Payload;
}

const knownOptions: readonly string[] = ["key", "ttl", "version"] satisfies (keyof CacheOptions<unknown>)[];

/**
 * Reads what a task says about its cache.
 * @throws {QueuackError} `QUEUACK_INVALID_TASK`, `QUEUACK_INVALID_OPTION` for a ttl that is no duration
 */
export function cacheSettings(options: CacheOptions<never>, task: string): CacheSettings {
  const refuse = (message: string, hint: string) =>
    new QueuackError("QUEUACK_INVALID_TASK", { message: `The cache of task ${task} ${message}.`, hint });
  if (typeof options !== "object" || options === null) {
    throw refuse("is no group of options", 'Give cache: { key: ({ input }) => input.path, ttl: "1h" }.');
  }
  const unknown = Object.keys(options).find((key) => !knownOptions.includes(key));
  if (unknown !== undefined) {
    throw refuse(`knows no option ${JSON.stringify(unknown)}`, `Give some of ${knownOptions.join(", ")}.`);
  }
  const { key, ttl, version = "" } = options;
  if (typeof key !== "function") throw refuse("has no key function", "Give key: ({ input }) => a text.");
  if (typeof version !== "string") throw refuse("has a version that is no text", 'Give a text, such as "2".');
  const ttlMs = milliseconds(ttl, `ttl of the cache of task ${task}`);
  if (ttlMs === 0) throw refuse("keeps results for no time", "Give a ttl above zero, or leave the cache out.");
  return { key: key as CacheSettings["key"], ttlMs, version };
}
