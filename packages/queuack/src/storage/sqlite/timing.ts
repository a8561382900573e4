import type { JobStore } from "../store.ts";
import { idText, stateCode, stateOf } from "./codes.ts";
import type { Endings } from "./endings.ts";
import { placeJoins, stateExpression } from "./job-rows.ts";
import { Tally } from "./lanes.ts";
import type { Places } from "./places.ts";
import type { Session } from "./session.ts";

interface DueRow {
  readonly seq: number;
  readonly at: number;
  readonly state: number;
  readonly lane: number;
  readonly priority: number;
}

interface ExpiredRow extends DueRow {
  readonly id: Uint8Array;
  readonly run_at: number;
  readonly attempts: number;
}

/** The `promote` of the jobs: what happens because time has come. */
export function timing(session: Session, endings: Endings, places: Places): JobStore["promote"] {
  const { db, writer, clock, lanes } = session;
  const due = db.prepare(`SELECT timer.seq, timer.at, timer.state, job.lane, job.priority
    FROM timer JOIN job ON job.seq = timer.seq WHERE timer.at <= ? ORDER BY timer.at, timer.seq LIMIT ?`);
  const clear = db.prepare("DELETE FROM timer WHERE (at, seq) <= (?, ?)");
  // A started job is not expired; its mark is taken off so that it is never looked at again.
  const expired = db.prepare(`SELECT job.seq, job.id, job.lane, job.priority, job.run_at AS at, job.attempts,
      ${stateExpression} AS state
    FROM job ${placeJoins} WHERE job.expires_at <= ? ORDER BY job.expires_at LIMIT ?`);
  const unmark = db.prepare("UPDATE job SET expires_at = NULL WHERE seq = ?");
  const nextTimer = db.prepare("SELECT min(at) AS at FROM timer");
  const nextExpiry = db.prepare("SELECT min(expires_at) AS at FROM job WHERE expires_at IS NOT NULL");

  function* run(limit: number): Generator<void, { promoted: number; expired: string[] }, void> {
    const now = clock.now();
    const tally = new Tally();
    const gone: string[] = [];
    for (const row of expired.all(now, limit) as ExpiredRow[]) {
      const { seq, lane, priority, at, attempts } = row;
      const state = stateOf(row.state);
      unmark.run(seq);
      if (attempts === 0 && (state === "available" || state === "scheduled" || state === "pending")) {
        places.leave({ seq, lane, priority, runAt: at, state }, tally);
        endings.expire({ seq, lane, attempts }, now, tally);
        gone.push(idText(row.id));
      }
      yield;
    }
    const rows = due.all(now, limit) as DueRow[];
    const last = rows.at(-1);
    if (last !== undefined) clear.run(last.at, last.seq);
    for (const { seq, lane, priority, state } of rows) {
      tally.add(lane, stateOf(state), -1);
      places.put({ seq, lane, priority, runAt: now, failed: state === stateCode.retryable }, now, tally);
      yield;
    }
    lanes.apply(tally, now);
    return { promoted: rows.length, expired: gone };
  }

  function next(): number | null {
    const times = [nextTimer.get(), nextExpiry.get()].flatMap((row) => (row as { at: number | null }).at ?? []);
    return times.length === 0 ? null : Math.max(0, Math.min(...times) - clock.now());
  }

  return async ({ limit }) => {
    const nextInMs = await writer.read(next);
    // Most calls find nothing due: they need no lock.
    if (nextInMs === null || nextInMs > 0) return { promoted: 0, expired: [], nextInMs };
    const done = await writer.write(() => run(limit));
    return { ...done, nextInMs: await writer.read(next) };
  };
}
