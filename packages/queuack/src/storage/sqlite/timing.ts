import type { JobStore } from "../store.ts";
import type { BatchLedger } from "./batch-ledger.ts";
import { idText, stateCode, stateOf } from "./codes.ts";
import type { Endings } from "./endings.ts";
import { placeJoins, stateExpression } from "./job-rows.ts";
import type { Tally } from "./lanes.ts";
import type { Places } from "./places.ts";
import type { Session } from "./session.ts";

/** Where a list of ready jobs is parked until a job of its group ends. */
export const untilEnd = Number.MAX_SAFE_INTEGER;

interface DueRow {
  readonly seq: number;
  readonly at: number;
  readonly state: number;
  readonly lane: number;
  readonly grp: string;
  readonly priority: number;
}

interface ExpiredRow extends DueRow {
  readonly id: Uint8Array;
  readonly run_at: number;
  readonly attempts: number;
  readonly uniq: string | null;
  readonly batch: number | null;
}

/** A ready job whose priority rises; `lane` is `null` where it is ready no longer. */
interface RisingRow {
  readonly seq: number;
  readonly lane: number | null;
  readonly grp: string;
  readonly priority: number;
}

/** The `promote` of the jobs: what happens because time has come. */
export function timing(session: Session, endings: Endings, places: Places, ledger: BatchLedger): JobStore["promote"] {
  const { db, writer, clock, lanes } = session;
  const due = db.prepare(`SELECT timer.seq, timer.at, timer.state, job.lane, job.grp, job.priority
    FROM timer JOIN job ON job.seq = timer.seq WHERE timer.at <= ? ORDER BY timer.at, timer.seq LIMIT +?`);
  const clear = db.prepare("DELETE FROM timer WHERE (at, seq) <= (?, ?)");
  // A started job is not expired; its mark is taken off so that it is never looked at again.
  const expired = db.prepare(`SELECT job.seq, job.id, job.lane, job.grp, job.priority, job.run_at AS at, job.attempts,
      job.uniq, job.batch,
      ${stateExpression} AS state
    FROM job ${placeJoins} WHERE job.expires_at <= ? ORDER BY job.expires_at LIMIT +?`);
  const unmark = db.prepare("UPDATE job SET expires_at = NULL WHERE seq = ?");
  const rising = db.prepare(`SELECT rise.seq, ready.lane, job.grp, job.priority
    FROM rise LEFT JOIN job ON job.seq = rise.seq
    LEFT JOIN ready ON ready.lane = job.lane AND ready.grp = job.grp AND ready.rank = 100 - job.priority
      AND ready.seq = job.seq
    WHERE rise.at <= ? ORDER BY rise.at LIMIT +?`);
  const settled = db.prepare("DELETE FROM rise WHERE seq = ?");
  const setPriority = db.prepare("UPDATE job SET priority = ? WHERE seq = ?");
  const unpark = db.prepare(`UPDATE turn SET parked = 0 WHERE (lane, grp, rank) IN
    (SELECT lane, grp, rank FROM turn WHERE parked > 0 AND parked <= ? ORDER BY parked LIMIT +?)`);
  const nextRise = db.prepare("SELECT min(at) AS at FROM rise");
  const nextRoom = db.prepare(`SELECT min(parked) AS at FROM turn WHERE parked > 0 AND parked < ${untilEnd}`);
  const nextTimer = db.prepare("SELECT min(at) AS at FROM timer");
  const nextExpiry = db.prepare("SELECT min(expires_at) AS at FROM job WHERE expires_at IS NOT NULL");

  function* run(limit: number): Generator<void, { promoted: number; expired: string[] }, void> {
    const now = clock.now();
    const tally = session.tally();
    const gone: string[] = [];
    for (const row of expired.all(now, limit) as ExpiredRow[]) {
      const { seq, lane, grp: group, priority, at, attempts, uniq, batch } = row;
      const state = stateOf(row.state);
      unmark.run(seq);
      if (attempts === 0 && (state === "available" || state === "scheduled" || state === "pending")) {
        places.leave({ seq, lane, group, priority, runAt: at, state }, tally);
        endings.expire({ seq, lane, attempts, uniq, batch }, now, tally);
        gone.push(idText(row.id));
      }
      yield;
    }
    const rows = due.all(now, limit) as DueRow[];
    const last = rows.at(-1);
    if (last !== undefined) clear.run(last.at, last.seq);
    for (const { seq, lane, grp: group, priority, state } of rows) {
      tally.add(lane, stateOf(state), -1);
      places.put({ seq, lane, group, priority, runAt: now, failed: state === stateCode.retryable }, now, tally);
      yield;
    }
    const freed = unpark.run(now, limit).changes;
    yield* rise(now, limit, tally);
    if (tally.batches.size > 0) yield* ledger.apply(tally, now);
    lanes.apply(tally, now);
    return { promoted: rows.length + Number(freed), expired: gone };
  }

  /** Raises what has waited long enough; who left the list since was never looked for, and is forgotten here. */
  function* rise(now: number, limit: number, tally: Tally): Generator<void, void, void> {
    for (const { seq, lane, grp: group, priority } of rising.all(now, limit) as RisingRow[]) {
      settled.run(seq);
      const by = lane === null ? undefined : tally.flow.escalations.get(lanes.byId(lane).queueId)?.by;
      if (lane === null || by === undefined) continue;
      const risen = Math.min(100, priority + by);
      places.leave({ seq, lane, group, priority, runAt: now, state: "available" }, tally);
      setPriority.run(risen, seq);
      places.put({ seq, lane, group, priority: risen, runAt: now, failed: false }, now, tally);
      yield;
    }
  }

  function next(): number | null {
    const times = [nextTimer, nextExpiry, nextRise, nextRoom]
      .map((next) => next.get())
      .flatMap((row) => (row as { at: number | null }).at ?? []);
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
