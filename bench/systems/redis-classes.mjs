import { findRedis } from "../servers/redis.mjs";

/**
 * What each way of keeping Redis' keys is worth.
 * - `always` writes and flushes the append-only file before it answers: full.
 * - `everysec` writes it before it answers and flushes it once a second: what was written survives a killed process. When a
 *   flush takes longer than the next write, Redis may put that write off for up to two seconds (flushAppendOnlyFile in its
 *   aof.c), so a killed *server* can lose those; that is counted in its favour here.
 * - without the file, everything is in memory: none. Snapshots would be minutes old.
 * @type {Record<import("../servers/redis.mjs").Persistence, { suffix: string, durability: "full" | "kill" | "none", text: string }>}
 */
export const redisClasses = {
  always: { suffix: "-aof-always", durability: "full", text: "appendfsync always: flushed before the answer" },
  everysec: {
    suffix: "-aof-everysec",
    durability: "kill",
    text: "appendfsync everysec: written before the answer (up to 2 s later under a slow flush), flushed once a second",
  },
  none: { suffix: "", durability: "none", text: "no append-only file, no snapshots: memory only" },
};

/** "Redis 7.0.15" */
export function redisVersion() {
  const redis = findRedis();
  return "version" in redis ? `Redis ${redis.version}` : "no Redis";
}

/** Why there is no Redis; undefined when there is one. */
export function missingRedis() {
  const redis = findRedis();
  return "missing" in redis ? redis.missing : undefined;
}
