import { QueuackError } from "../../core/errors.ts";
import type { NewJob } from "../../core/job.ts";
import { waitingStates } from "../../core/job-state.ts";
import type { Backpressure } from "../../core/queue-settings.ts";
import type { InsertReply, JobStore } from "../store.ts";
import { idBytes, idText, stateOf } from "./codes.ts";
import type { SqlRow } from "./database.ts";
import { optionsText, placeJoins, stateExpression } from "./job-rows.ts";
import type { Places } from "./places.ts";
import type { Tables } from "./session.ts";
import { UniqueConflicts } from "./unique-conflicts.ts";
import { type Uniques, uniqText } from "./uniques.ts";

/** Rows between two looks at the clock. */
const stride = 128;

/** The body of a write that inserts jobs, all or nothing; to be run within a transaction. */
export type InsertBody = (params: Parameters<JobStore["insert"]>[0]) => Generator<void, InsertReply, void>;

/** How jobs are inserted. */
export function insertion(tables: Tables, places: Places, uniques: Uniques): InsertBody {
  const { db, clock, lanes } = tables;
  const insertJob = db.prepare(`INSERT INTO job
    (seq, id, lane, grp, priority, max_attempts, created_at, run_at, expires_at, options, input, uniq)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`);
  const insertKey = db.prepare("INSERT INTO idempotency (tenant, key, seq) VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
  const jobOfKey = db.prepare(
    "SELECT job.id FROM idempotency JOIN job ON job.seq = idempotency.seq WHERE idempotency.tenant = ? AND key = ?",
  );
  const stateOfJob = db.prepare(`SELECT ${stateExpression} AS state FROM job ${placeJoins} WHERE job.id = ?`);
  const queueState = db.prepare(`SELECT queue.backpressure,
      coalesce(sum(${waitingStates.join(" + ")}), 0) AS waiting
    FROM queue LEFT JOIN lane ON lane.queue = queue.id WHERE queue.id = ?`);

  const conflicts = new UniqueConflicts(tables, places);

  function* run(jobs: readonly NewJob[], limit: number): Generator<void, InsertReply, void> {
    const now = clock.now();
    const tally = tables.tally();
    const queues = new Map<number, NewJob>();
    const replies: InsertReply["jobs"][number][] = [];
    let seq = tables.takeSeqs(jobs.length);
    let next = Number.POSITIVE_INFINITY;
    let rows = 0;
    for (const job of jobs) {
      if (++rows % stride === 0) yield;
      const key = job.idempotencyKey;
      const keyed = key === undefined ? undefined : (jobOfKey.get(job.tenant, key) as { id: Uint8Array } | undefined);
      const lane = lanes.lane(job.tenant, job.queue, job.task);
      const runAt = job.runAt ?? now + (job.delayMs ?? 0);
      const id = idBytes(job.id);
      const group = job.group ?? "";
      const uniq = job.unique === undefined ? null : uniqText(job.unique, now);
      const holder = uniq === null ? undefined : uniques.holder(uniq);
      if (holder !== undefined && keyed === undefined && stateOfJob.get(id) === undefined) {
        const answer = conflicts.resolve(job, holder, runAt, now, tally);
        if (answer.state === "scheduled") next = Math.min(next, runAt);
        replies.push(answer);
        continue;
      }
      const inserted =
        keyed === undefined &&
        insertJob.run(
          seq,
          id,
          lane.id,
          group,
          job.priority,
          job.maxAttempts,
          now,
          runAt,
          job.expiresInMs === undefined ? null : now + job.expiresInMs,
          optionsText(job),
          job.input,
          uniq,
        ).changes !== 0;
      if (!inserted) {
        const existing = keyed?.id ?? (id as Uint8Array);
        const state = stateOf((stateOfJob.get(existing) as { state: number }).state);
        replies.push({ id: idText(existing), state, duplicate: true });
        continue;
      }
      if (key !== undefined) insertKey.run(job.tenant, key, seq);
      const { priority, waitingFor } = job;
      uniques.enter(seq, uniq, "available");
      const state = places.put({ seq, lane: lane.id, group, priority, runAt, failed: false, waitingFor }, now, tally);
      if (state === "scheduled") next = Math.min(next, runAt);
      if (job.expiresInMs !== undefined) next = Math.min(next, now + job.expiresInMs);
      queues.set(lane.queueId, job);
      replies.push({ id: job.id, state, duplicate: false });
      seq++;
    }
    lanes.apply(tally, now);
    const waiting = [...queues].map(([id, { tenant, queue }]) => {
      const row = queueState.get(id) as SqlRow;
      const own = row.backpressure === null ? null : (JSON.parse(row.backpressure as string) as Backpressure);
      const most = own?.limit ?? limit;
      const waiting = row.waiting as number;
      if (waiting > most) {
        throw new QueuackError("QUEUACK_QUEUE_FULL", {
          message: `Queue ${queue} would hold ${waiting} waiting jobs; its limit is ${most}. None was accepted.`,
          details: { tenant, queue, limit: most, waiting },
        });
      }
      return { tenant, queue, waiting, warnAt: own?.warnAt ?? null };
    });
    return { jobs: replies, nextInMs: next === Number.POSITIVE_INFINITY ? null : Math.max(0, next - now), waiting };
  }

  return ({ jobs, limit = Number.POSITIVE_INFINITY }) => run(jobs, limit);
}
