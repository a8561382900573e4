import type { Settlement, SettleReply } from "../../core/settlement.ts";
import type { JobStore } from "../store.ts";
import { CacheWriter } from "./cache.ts";
import { idBytes } from "./codes.ts";
import type { Endings } from "./endings.ts";
import type { Tally } from "./lanes.ts";
import type { Places } from "./places.ts";
import type { Session } from "./session.ts";
import type { Uniques } from "./uniques.ts";

interface LeaseRow {
  readonly seq: number;
  readonly lane: number;
  readonly grp: string;
  readonly attempt: number;
  readonly worker: number;
  readonly started_at: number;
  readonly cancel_requested: number;
  /** Whether `job.uniq` is set. */
  readonly uniq: number;
}

/** The `settle` of the jobs. */
export function settling(session: Session, endings: Endings, places: Places, uniques: Uniques): JobStore["settle"] {
  const { db, writer, clock, lanes } = session;
  const endLease = db.prepare(`DELETE FROM lease WHERE seq = (SELECT seq FROM job WHERE id = ?) AND token = ?
    RETURNING seq, lane, grp, attempt, worker, started_at, cancel_requested, uniq`);
  const cache = new CacheWriter(session);
  const putBack = db.prepare("UPDATE job SET attempts = ?, run_at = ? WHERE seq = ? RETURNING priority");
  const unpark = db.prepare("UPDATE turn SET parked = 0 WHERE grp = ? AND parked > 0");
  const attemptsOf = db.prepare("SELECT attempts FROM job WHERE seq = ?");

  function* run(settlements: readonly Settlement[]): Generator<void, SettleReply[], void> {
    const now = clock.now();
    const tally = session.tally();
    const limits = tally.flow.rules.some(({ scope }) => scope.group !== undefined);
    const groups = new Set<string>();
    const replies: SettleReply[] = [];
    for (const settlement of settlements) {
      const lease = endLease.get(idBytes(settlement.id), settlement.token) as LeaseRow | undefined;
      if (lease === undefined) {
        replies.push("lost");
        continue;
      }
      tally.add(lease.lane, "running", -1);
      if (limits && lease.grp !== "") groups.add(lease.grp);
      replies.push(apply(settlement, lease, now, tally));
      if (replies.length % 64 === 0) yield;
    }
    for (const group of groups) unpark.run(group);
    lanes.apply(tally, now);
    return replies;
  }

  function apply(settlement: Settlement, lease: LeaseRow, now: number, tally: Tally): SettleReply {
    const { seq, lane, attempt, worker } = lease;
    const uniq = lease.uniq === 1 ? uniques.of(seq) : null;
    const ending = { seq, lane, attempts: attempt, worker, startedAt: lease.started_at, uniq };
    if (settlement.to === "retryable" || settlement.to === "discarded") {
      endings.fail({ ...ending, outcome: settlement.outcome, error: settlement.error }, now);
    }
    switch (settlement.to) {
      case "completed":
        endings.end(ending, "completed", settlement.outcome ?? "succeeded", settlement.result, now, tally);
        if (settlement.cache !== undefined) cache.keep(lanes.byId(lane), settlement.cache, settlement.result, now);
        return "accepted";
      case "cancelled":
        if (settlement.error) endings.fail({ ...ending, outcome: "cancelled", error: settlement.error }, now);
        endings.end(ending, "cancelled", "cancelled", null, now, tally);
        return "accepted";
      case "discarded":
        endings.end(ending, "discarded", settlement.outcome, null, now, tally);
        return "accepted";
    }
    // The wish came after the worker had last asked: it must not be forgotten because the job goes back.
    if (lease.cancel_requested === 1) {
      endings.end(ending, "cancelled", "cancelled", null, now, tally);
      return "cancelled";
    }
    // The key was free while the job ran, and another waits under it now: that one is the newer.
    if (!uniques.enter(seq, uniq, "available")) {
      endings.end(ending, "cancelled", "superseded", null, now, tally);
      return "cancelled";
    }
    const attempts = settlement.to === "retryable" ? attempt : (attemptsOf.get(seq) as { attempts: number }).attempts;
    back(lease, attempts, settlement.delayMs, now, tally);
    return "accepted";
  }

  /** Puts a job back among the waiting; failed attempts have been counted, a released one is not. */
  function back(lease: LeaseRow, attempts: number, delayMs: number, now: number, tally: Tally): void {
    const runAt = now + delayMs;
    const { priority } = putBack.get(attempts, runAt, lease.seq) as { priority: number };
    places.put(
      { seq: lease.seq, lane: lease.lane, group: lease.grp, priority, runAt, failed: attempts > 0 },
      now,
      tally,
    );
  }

  return ({ settlements }) => writer.write(() => run(settlements));
}
