import type { Settlement, SettleReply } from "../../core/settlement.ts";
import type { JobStore } from "../store.ts";
import type { BatchLedger } from "./batch-ledger.ts";
import { CacheWriter } from "./cache.ts";
import { idBytes } from "./codes.ts";
import { type Completed, Completions } from "./completions.ts";
import type { Endings } from "./endings.ts";
import type { Tally } from "./lanes.ts";
import type { Places } from "./places.ts";
import type { Session } from "./session.ts";
import { SetStatement } from "./set-statement.ts";
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
  readonly batch: number | null;
}

/** The `settle` of the jobs. */
export function settling(
  session: Session,
  endings: Endings,
  places: Places,
  uniques: Uniques,
  ledger: BatchLedger,
): JobStore["settle"] {
  const { db, writer, clock, lanes } = session;
  const endLease = db.prepare(`DELETE FROM lease WHERE seq = (SELECT seq FROM job WHERE id = ?) AND token = ?
    RETURNING seq, lane, grp, attempt, worker, started_at, cancel_requested, uniq, batch`);
  const cache = new CacheWriter(session);
  const completions = new Completions(session);
  const putBack = db.prepare("UPDATE job SET attempts = ?, run_at = ? WHERE seq = ? RETURNING priority");
  const unpark = db.prepare("UPDATE turn SET parked = 0 WHERE grp = ? AND parked > 0");
  const attemptsOf = db.prepare("SELECT attempts FROM job WHERE seq = ?");

  function* run(settlements: readonly Settlement[]): Generator<void, SettleReply[], void> {
    const now = clock.now();
    const tally = session.tally();
    const limits = tally.flow.rules.some(({ scope }) => scope.group !== undefined);
    const groups = new Set<string>();
    const replies: SettleReply[] = settlements.map(() => "lost");
    const plain: Completed[] = [];
    const others: number[] = [];
    for (let at = 0; at < settlements.length; at++) {
      const settlement = settlements[at] as Settlement;
      const leased = session.leased.take(settlement.token, settlement.id);
      if (leased !== undefined && settlement.to === "completed" && settlement.cache === undefined) {
        plain.push({ at, settlement, leased });
      } else others.push(at);
    }
    // In the order of the rows, so that neighbours are touched together.
    plain.sort((a, b) => a.leased.seq - b.leased.seq);
    for (let from = 0; from < plain.length; from += SetStatement.most) {
      for (const { at, leased } of completions.complete(plain.slice(from, from + SetStatement.most), now, tally)) {
        replies[at] = "accepted";
        if (limits && leased.group !== "") groups.add(leased.group);
      }
      yield;
    }
    // After those: of two words on one lease the first, which knew it, holds.
    let looked = 0;
    for (const at of others) {
      const settlement = settlements[at] as Settlement;
      const lease = endLease.get(idBytes(settlement.id), settlement.token) as LeaseRow | undefined;
      if (lease === undefined) continue;
      tally.add(lease.lane, "running", -1);
      if (limits && lease.grp !== "") groups.add(lease.grp);
      replies[at] = apply(settlement, lease, now, tally);
      if (++looked % SetStatement.most === 0) yield;
    }
    for (const group of groups) unpark.run(group);
    if (tally.batches.size > 0) yield* ledger.apply(tally, now);
    lanes.apply(tally, now);
    return replies;
  }

  function apply(settlement: Settlement, lease: LeaseRow, now: number, tally: Tally): SettleReply {
    const { seq, lane, attempt, worker, batch } = lease;
    const uniq = lease.uniq === 1 ? uniques.of(seq) : null;
    const ending = { seq, lane, attempts: attempt, worker, startedAt: lease.started_at, uniq, batch };
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
