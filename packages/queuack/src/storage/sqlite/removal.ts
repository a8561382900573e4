import { finalStates, isFinal } from "../../core/job-state.ts";
import type { JobStore, QueueStore } from "../store.ts";
import type { BatchLedger } from "./batch-ledger.ts";
import { stateCode, stateOf } from "./codes.ts";
import type { SqlRow } from "./database.ts";
import { conditions, seqsInStates } from "./filters.ts";
import { recordTables, stateExpression } from "./job-rows.ts";
import type { Places } from "./places.ts";
import type { Session } from "./session.ts";
import type { Uniques } from "./uniques.ts";

interface DoomedRow {
  readonly seq: number;
  readonly lane: number;
  readonly grp: string;
  readonly uniq: string | null;
  readonly batch: number | null;
  readonly priority: number;
  readonly run_at: number;
  readonly state: number;
}

/** How jobs are deleted: on request, and when their time of keeping is over. */
export function removal(
  session: Session,
  places: Places,
  uniques: Uniques,
  ledger: BatchLedger,
): { remove: JobStore["remove"]; prune: QueueStore["prune"] } {
  const { db, writer, clock, lanes } = session;
  const traces = ["job", "failure", "log", "progress", "idempotency", "rise"].map((table) =>
    db.prepare(`DELETE FROM ${table} WHERE seq = ?`),
  );
  const pastRetention =
    db.prepare(`SELECT done.seq, done.lane, done.state, job.uniq, NULL AS batch, '' AS grp, 0 AS priority, 0 AS run_at
    FROM done JOIN job ON job.seq = done.seq
    WHERE done.lane = ? AND done.state = ? AND done.finished_at < ? ORDER BY done.finished_at LIMIT +?`);
  const stillDone = db.prepare("SELECT 1 FROM done WHERE seq = ? AND state = ?");
  const laneRetention = db.prepare(`SELECT lane.id, queue.retention FROM lane JOIN queue ON queue.id = lane.queue
    WHERE ${finalStates.join(" + ")} > 0`);
  const dropOldRates = db.prepare("DELETE FROM throughput WHERE minute < ?");
  const dropOldWorkers = db.prepare(`DELETE FROM worker WHERE state <> 'running' AND beat_at < ?
    AND NOT EXISTS (SELECT 1 FROM lease WHERE lease.worker = worker.number)`);

  function* drop(rows: readonly DoomedRow[], now: number): Generator<void, number, void> {
    const tally = session.tally();
    let dropped = 0;
    for (const { seq, lane, grp: group, uniq, batch, priority, run_at: runAt, state: code } of rows) {
      const state = stateOf(code);
      places.leave({ seq, lane, group, priority, runAt, state }, tally);
      if (batch !== null && !isFinal(state)) tally.counted(batch, { total: -1, open: -1 });
      uniques.leave(seq, uniq);
      for (const trace of traces) trace.run(seq);
      if (++dropped % 64 === 0) yield;
    }
    if (tally.batches.size > 0) yield* ledger.apply(tally, now);
    lanes.apply(tally, now);
    return dropped;
  }

  return {
    remove: ({ filter, limit }) =>
      writer.write(function* () {
        const { sql, values } = conditions(filter);
        const rows = db
          .prepare(
            `SELECT job.seq, job.lane, job.grp, job.uniq, job.batch, job.priority, job.run_at, ${stateExpression} AS state FROM ${recordTables}
             WHERE lease.seq IS NULL ${seqsInStates(filter.states)} AND ${sql} ORDER BY job.seq LIMIT +?`,
          )
          .all(...values, limit) as DoomedRow[];
        return yield* drop(rows, clock.now());
      }),

    prune: async ({ retention, limit }) => {
      const now = clock.now();
      const rows = await writer.read(() => {
        const found: DoomedRow[] = [];
        for (const row of laneRetention.all() as SqlRow[]) {
          const own = row.retention === null ? retention : (JSON.parse(row.retention as string) as typeof retention);
          for (const state of finalStates) {
            const keptMs = state === "completed" || state === "skipped" ? own.completedMs : own.discardedMs;
            if (found.length >= limit) return found;
            const most = limit - found.length;
            found.push(...(pastRetention.all(row.id as number, stateCode[state], now - keptMs, most) as DoomedRow[]));
          }
        }
        return found;
      });
      if (rows.length === 0) return 0;
      return writer.write(function* () {
        dropOldRates.run(Math.floor(now / 60_000) - 1_440);
        dropOldWorkers.run(now - retention.discardedMs);
        // Somebody else may have retried or deleted some of them since they were read.
        return yield* drop(
          rows.filter(({ seq, state }) => stillDone.get(seq, state) !== undefined),
          now,
        );
      });
    },
  };
}
