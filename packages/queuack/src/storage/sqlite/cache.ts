import type { CachedResult, CacheKeeping } from "../../core/cache.ts";
import type { Payload } from "../../core/job.ts";
import type { CacheStore } from "../store.ts";
import type { Statement } from "./database.ts";
import type { Lane } from "./lanes.ts";
import type { Session } from "./session.ts";

/** Rows deleted between two chances to stop: results may be large. */
const dropStep = 64;

/** Keeps the results of completed jobs, within the write that completes them. */
export class CacheWriter {
  readonly #put: Statement;

  constructor({ db }: Session) {
    this.#put = db.prepare(`INSERT INTO cache (tenant, task, key, version, expires_at, result)
      VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
      SET version = excluded.version, expires_at = excluded.expires_at, result = excluded.result`);
  }

  /** Keeps a result in the stead of what was kept under its key. */
  keep({ tenant, task }: Lane, { key, version, ttlMs }: CacheKeeping, result: Payload, now: number): void {
    this.#put.run(tenant, task, key, version, now + ttlMs, result);
  }
}

/** The cache's part of the store. */
export function cache(session: Session): CacheStore {
  const { db, writer, clock } = session;
  const find = db.prepare(`SELECT result FROM cache
    WHERE tenant = ? AND task = ? AND key = ? AND version = ? AND expires_at > ?`);
  const dropOne = db.prepare("DELETE FROM cache WHERE tenant = ? AND task = ? AND key = ?");
  const dropSome = db.prepare(`DELETE FROM cache WHERE id IN
    (SELECT id FROM cache WHERE tenant = ? AND task = ? LIMIT ${dropStep})`);
  const anyExpired = db.prepare("SELECT 1 FROM cache WHERE expires_at <= ? LIMIT 1");
  const dropExpired = db.prepare(`DELETE FROM cache WHERE id IN
    (SELECT id FROM cache WHERE expires_at <= ? ORDER BY expires_at LIMIT +?)`);

  /** Deletes step by step, until a step finds fewer than it may delete. */
  function* inSteps(limit: number, step: (most: number) => number | bigint): Generator<void, number, void> {
    let dropped = 0;
    for (;;) {
      const most = Math.min(dropStep, limit - dropped);
      const deleted = Number(step(most));
      dropped += deleted;
      if (deleted < most || dropped === limit) return dropped;
      yield;
    }
  }

  return {
    find: ({ entries }) =>
      writer.read(() => {
        const now = clock.now();
        return entries.map(
          ({ tenant, task, key, version }) =>
            (find.get(tenant, task, key, version, now) as CachedResult | undefined) ?? null,
        );
      }),

    drop: ({ tenant, task, key }) =>
      writer.write(function* () {
        if (key !== undefined) return Number(dropOne.run(tenant, task, key).changes);
        return yield* inSteps(Number.POSITIVE_INFINITY, () => dropSome.run(tenant, task).changes);
      }),

    prune: async ({ limit }) => {
      const now = clock.now();
      // Looking costs no lock.
      if (await writer.read(() => anyExpired.get(now) === undefined)) return 0;
      return writer.write(() => inSteps(limit, (most) => dropExpired.run(now, most).changes), false);
    },
  };
}
