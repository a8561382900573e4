import type { NewBatch } from "../../core/batch.ts";
import { QueuackError } from "../../core/errors.ts";
import type { NewJob } from "../../core/job.ts";
import { waitingStates } from "../../core/job-state.ts";
import type { Backpressure } from "../../core/queue-settings.ts";
import type { InsertReply, JobStore } from "../store.ts";
import { isAlike, isOrdinary } from "./alike.ts";
import { type BatchLedger, finished, type OpenedBatch } from "./batch-ledger.ts";
import { idBytes, idText, stateOf } from "./codes.ts";
import type { SqlRow } from "./database.ts";
import type { JobInserts } from "./job-inserts.ts";
import { placeJoins, stateExpression } from "./job-rows.ts";
import type { Tally } from "./lanes.ts";
import type { Places } from "./places.ts";
import type { Tables } from "./session.ts";
import { SetStatement } from "./set-statement.ts";
import { UniqueConflicts } from "./unique-conflicts.ts";
import { type Uniques, uniqText } from "./uniques.ts";

/** The body of a write that inserts jobs, all or nothing; to be run within a transaction. */
export type InsertBody = (params: Parameters<JobStore["insert"]>[0]) => Generator<void, InsertReply, void>;

type Reply = InsertReply["jobs"][number];

/** What one insertion has in common. */
interface Insertion {
  readonly now: number;
  readonly tally: Tally;
  readonly replies: Reply[];
  /** A job of every queue that got one. */
  readonly queues: Map<number, NewJob>;
  readonly batchOf: (job: NewJob) => OpenedBatch | undefined;
  /** The next job number. */
  seq: number;
  /** When something is due that came in. */
  next: number;
}

/** How jobs are inserted. */
export function insertion(
  tables: Tables,
  places: Places,
  uniques: Uniques,
  inserts: JobInserts,
  ledger: BatchLedger,
): InsertBody {
  const { db, clock, lanes } = tables;
  const insertKey = db.prepare("INSERT INTO idempotency (tenant, key, seq) VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
  const jobOfKey = db.prepare(
    "SELECT job.id FROM idempotency JOIN job ON job.seq = idempotency.seq WHERE idempotency.tenant = ? AND key = ?",
  );
  const isThere = db.prepare("SELECT 1 FROM job WHERE seq = ?");
  const stateOfJob = db.prepare(`SELECT ${stateExpression} AS state FROM job ${placeJoins} WHERE job.id = ?`);
  const queueState = db.prepare(`SELECT queue.backpressure,
      coalesce(sum(${waitingStates.join(" + ")}), 0) AS waiting
    FROM queue LEFT JOIN lane ON lane.queue = queue.id WHERE queue.id = ?`);

  const conflicts = new UniqueConflicts(tables, places);

  function* run(
    jobs: readonly NewJob[],
    batches: readonly NewBatch[],
    limit: number,
  ): Generator<void, InsertReply, void> {
    const now = clock.now();
    const tally = tables.tally();
    for (const batch of batches) ledger.create(batch, now, tally);
    const next = Number.POSITIVE_INFINITY;
    const seq = tables.sequence.take("seq", jobs.length);
    const into: Insertion = { now, tally, replies: [], queues: new Map(), batchOf: batchFinder(), seq, next };
    const escalates = tally.flow.escalations.size > 0;
    for (let from = 0; from < jobs.length; ) {
      const to = escalates ? from : endOfAlike(jobs, from, into);
      if (to > from) insertAlike(jobs.slice(from, to), into);
      else into.replies.push(insertOne(jobs[from] as NewJob, into));
      from = Math.max(to, from + 1);
      if (from % SetStatement.most === 0 || to > from) yield;
    }
    if (tally.batches.size > 0) yield* ledger.apply(tally, now);
    lanes.apply(tally, now);
    const waiting = [...into.queues].map(([id, job]) => waitingIn(id, job, limit));
    const nextInMs = into.next === Number.POSITIVE_INFINITY ? null : Math.max(0, into.next - now);
    return { jobs: into.replies, nextInMs, waiting };
  }

  /** Finds the batches that jobs name, each once. */
  function batchFinder(): Insertion["batchOf"] {
    const found = new Map<string, OpenedBatch>();
    return ({ tenant, batch: id }) => {
      if (id === undefined) return undefined;
      const key = `${tenant}\u0000${id}`;
      const batch = found.get(key) ?? ledger.find(id, tenant);
      found.set(key, batch);
      return batch;
    };
  }

  /** Where the jobs end that can be written as one set with the one at `from`; `from` itself where that one can't. */
  function endOfAlike(jobs: readonly NewJob[], from: number, { batchOf }: Insertion): number {
    const first = jobs[from] as NewJob;
    if (!isOrdinary(first) || batchOf(first)?.finished) return from;
    const most = Math.min(jobs.length, from + SetStatement.most);
    let to = from + 1;
    while (to < most && isAlike(first, jobs[to] as NewJob)) to++;
    return to;
  }

  /** Inserts ordinary jobs that are alike. */
  function insertAlike(jobs: readonly NewJob[], into: Insertion): void {
    const job = jobs[0] as NewJob;
    const { now, tally, replies, seq } = into;
    const lane = lanes.lane(job.tenant, job.queue, job.task);
    const batch = into.batchOf(job)?.seq ?? null;
    const row = { seq, lane: lane.id, runAt: now, uniq: null, batch };
    const inserted = inserts.insert(jobs, row, now);
    into.seq += jobs.length;
    const all = inserted === jobs.length;
    jobs.forEach(({ id }, i) => {
      if (all || isThere.get(seq + i) !== undefined) replies.push({ id, state: "available", duplicate: false });
      else replies.push(duplicateOf(idBytes(id) as Uint8Array));
    });
    if (inserted === 0) return;
    places.putReady({ from: seq, to: into.seq - 1, jobs: inserted }, lane.id, job, tally);
    if (batch !== null) tally.counted(batch, { total: inserted, open: inserted });
    into.queues.set(lane.queueId, job);
  }

  function insertOne(job: NewJob, into: Insertion): Reply {
    const { now, tally, seq } = into;
    const key = job.idempotencyKey;
    const keyed = key === undefined ? undefined : (jobOfKey.get(job.tenant, key) as { id: Uint8Array } | undefined);
    const lane = lanes.lane(job.tenant, job.queue, job.task);
    const runAt = job.runAt ?? now + (job.delayMs ?? 0);
    const id = idBytes(job.id);
    const uniq = job.unique === undefined ? null : uniqText(job.unique, now);
    const holder = uniq === null ? undefined : uniques.holder(uniq);
    if (holder !== undefined && keyed === undefined && stateOfJob.get(id) === undefined) {
      const answer = conflicts.resolve(job, holder, runAt, now, tally);
      if (answer.state === "scheduled") into.next = Math.min(into.next, runAt);
      return answer;
    }
    const batch = into.batchOf(job);
    // A repeated submission finds its jobs, whatever has become of their batch since.
    if (batch?.finished && keyed === undefined && stateOfJob.get(id) === undefined) {
      throw finished(job.batch as string, batch, `job ${job.id}`);
    }
    const row = { seq, lane: lane.id, runAt, uniq, batch: batch?.seq ?? null };
    const inserted = keyed === undefined && inserts.insert([job], row, now) === 1;
    if (!inserted) return duplicateOf(keyed?.id ?? (id as Uint8Array));
    into.seq++;
    if (key !== undefined) insertKey.run(job.tenant, key, seq);
    const { priority, waitingFor, group = "" } = job;
    uniques.enter(seq, uniq, "available");
    if (batch !== undefined) tally.counted(batch.seq, { total: 1, open: 1 });
    const state = places.put({ seq, lane: lane.id, group, priority, runAt, failed: false, waitingFor }, now, tally);
    if (state === "scheduled") into.next = Math.min(into.next, runAt);
    if (job.expiresInMs !== undefined) into.next = Math.min(into.next, now + job.expiresInMs);
    into.queues.set(lane.queueId, job);
    return { id: job.id, state, duplicate: false };
  }

  /** The answer for a job that is there already. */
  function duplicateOf(id: Uint8Array): Reply {
    return { id: idText(id), state: stateOf((stateOfJob.get(id) as { state: number }).state), duplicate: true };
  }

  /** How full a queue is with what came. @throws {QueuackError} `QUEUACK_QUEUE_FULL` */
  function waitingIn(id: number, { tenant, queue }: NewJob, limit: number): InsertReply["waiting"][number] {
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
  }

  return ({ jobs, batches = [], limit = Number.POSITIVE_INFINITY }) => run(jobs, batches, limit);
}
