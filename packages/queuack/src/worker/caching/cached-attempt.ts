import type { CacheAddress, CachedResult, CacheKeeping, CacheSettings } from "../../core/cache.ts";
import { QueuackError } from "../../core/errors.ts";
import type { ClaimedJob, Payload } from "../../core/job.ts";
import { storedKey } from "./cache-key.ts";

/** What the cache has to say before a handler runs. */
export type CacheVerdict =
  /** Not asked for: this one has no key. */
  | null
  /** The handler need not run. */
  | { readonly result: Payload }
  /** The handler runs, and this is how its result is to be kept. */
  | { readonly keeping: CacheKeeping };

/**
 * Asks the key function of a task, and with what it answers the cache. Rejects with what the key function throws, which
 * is a failure of the attempt.
 */
export async function consultCache(params: {
  readonly cache: CacheSettings;
  readonly job: ClaimedJob;
  readonly input: unknown;
  readonly find: (address: CacheAddress, job: string) => Promise<CachedResult | null>;
}): Promise<CacheVerdict> {
  const { cache, job, input, find } = params;
  const key = await cache.key({ input });
  if (key === undefined || key === null) return null;
  if (typeof key !== "string") {
    throw new QueuackError("QUEUACK_INVALID_TASK", {
      message: `The cache key that task ${job.task} made is a ${typeof key}.`,
      hint: "Return a text, or null where the result is not to be cached.",
    });
  }
  const { version, ttlMs } = cache;
  const stored = storedKey(key);
  const found = await find({ tenant: job.tenant, task: job.task, key: stored, version }, job.id);
  return found ?? { keeping: { key: stored, version, ttlMs } };
}
