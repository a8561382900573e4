import type { ChangeReply, JobChange } from "../../core/change.ts";
import { type FinalState, isFinal, type JobState } from "../../core/job-state.ts";
import type { JobStore } from "../store.ts";
import type { BatchLedger } from "./batch-ledger.ts";
import { idBytes, stateOf } from "./codes.ts";
import { countsAsFailed, type Endings } from "./endings.ts";
import { placeJoins, stateExpression } from "./job-rows.ts";
import type { Tally } from "./lanes.ts";
import type { Places } from "./places.ts";
import type { Session } from "./session.ts";
import type { Uniques } from "./uniques.ts";

interface StandingRow {
  readonly seq: number;
  readonly lane: number;
  readonly grp: string;
  readonly uniq: string | null;
  readonly batch: number | null;
  readonly priority: number;
  readonly attempts: number;
  readonly run_at: number;
  readonly state: number;
  readonly waiting_for: string | null;
}

/** What a pending job waits for when an operator set it aside. */
const held = "release";

/** The `change` of the jobs. */
export function changing(
  session: Session,
  endings: Endings,
  places: Places,
  uniques: Uniques,
  ledger: BatchLedger,
): JobStore["change"] {
  const { db, writer, clock, lanes } = session;
  const standing =
    db.prepare(`SELECT job.seq, job.lane, job.grp, job.uniq, job.batch, job.priority, job.attempts, job.run_at, pending.waiting_for,
      ${stateExpression} AS state
    FROM job ${placeJoins} WHERE job.id = ?`);
  const requestCancel = db.prepare("UPDATE lease SET cancel_requested = 1 WHERE seq = ?");
  const newGeneration = db.prepare(
    "UPDATE job SET generation = generation + 1, attempts = 0, run_at = ?, expires_at = NULL WHERE seq = ?",
  );
  const setRunAt = db.prepare("UPDATE job SET run_at = ? WHERE seq = ?");
  const setPriority = db.prepare("UPDATE job SET priority = ? WHERE seq = ?");

  function* run(ids: readonly string[], change: JobChange): Generator<void, ChangeReply[], void> {
    const now = clock.now();
    const tally = session.tally();
    const replies: ChangeReply[] = [];
    for (const id of ids) {
      const row = standing.get(idBytes(id)) as StandingRow | undefined;
      replies.push(row === undefined ? "missing" : apply(change, row, now, tally));
      if (replies.length % 64 === 0) yield;
    }
    if (tally.batches.size > 0) yield* ledger.apply(tally, now);
    lanes.apply(tally, now);
    return replies;
  }

  function apply(change: JobChange, row: StandingRow, now: number, tally: Tally): ChangeReply {
    const { seq, lane, grp: group, uniq, batch, priority, attempts, run_at: runAt } = row;
    const state = stateOf(row.state);
    const waiting = !isFinal(state) && state !== "running";
    const leave = () => places.leave({ seq, lane, group, priority, runAt, state }, tally);
    const put = (over: { priority?: number; runAt?: number; waitingFor?: string | null; failed?: boolean }) => {
      const waitingFor = row.waiting_for;
      places.put({ seq, lane, group, priority, runAt, failed: attempts > 0, waitingFor, ...over }, now, tally);
    };
    switch (change.kind) {
      case "cancel":
        if (state === "running") {
          requestCancel.run(seq);
          return "requested";
        }
        if (!waiting) return "unchanged";
        leave();
        endings.end({ seq, lane, attempts, uniq, batch }, "cancelled", "cancelled", null, now, tally);
        return "changed";
      case "retry":
        if (state === "retryable") {
          leave();
          setRunAt.run(now, seq);
          put({ runAt: now });
          return "changed";
        }
        if (!retriable(state)) return "unchanged";
        if (!uniques.enter(seq, uniq, "available")) return "conflict";
        leave();
        newGeneration.run(now, seq);
        if (batch !== null) tally.counted(batch, { open: 1, failed: countsAsFailed(state) ? -1 : 0 });
        put({ runAt: now, failed: false });
        return "changed";
      case "hold":
        if (!waiting || state === "pending") return "unchanged";
        leave();
        put({ waitingFor: held });
        return "changed";
      case "release":
        if (row.waiting_for !== held) return "unchanged";
        leave();
        put({ waitingFor: null });
        return "changed";
      case "reschedule": {
        if (!waiting) return "unchanged";
        const at = change.runAt ?? now + (change.delayMs ?? 0);
        leave();
        setRunAt.run(at, seq);
        put({ runAt: at });
        return "changed";
      }
      case "prioritize":
        if (!waiting) return "unchanged";
        leave();
        setPriority.run(change.priority, seq);
        put({ priority: change.priority });
        return "changed";
    }
  }

  return ({ ids, change }) => writer.write(() => run(ids, change));
}

/** A completed job never runs again; whatever else is final may be given another generation. */
function retriable(state: JobState): state is FinalState {
  return isFinal(state) && state !== "completed";
}
