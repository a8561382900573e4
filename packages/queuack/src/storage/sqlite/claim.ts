import type { ClaimReply, ClaimRequest } from "../../core/claim.ts";
import { Allowance } from "../../core/flow/allowance.ts";
import type { Taken } from "../../core/flow/turns.ts";
import type { ClaimedJob } from "../../core/job.ts";
import type { JobStore } from "../store.ts";
import type { BatchLedger } from "./batch-ledger.ts";
import { ClaimContext, ClaimTurns, type OpenLane } from "./claim-turns.ts";
import { ClaimUsage } from "./claim-usage.ts";
import { idOfHex } from "./codes.ts";
import type { SqlValue } from "./database.ts";
import type { Endings } from "./endings.ts";
import { parseOptions } from "./job-rows.ts";
import type { Tally } from "./lanes.ts";
import type { Session } from "./session.ts";
import { SetStatement } from "./set-statement.ts";
import type { Uniques } from "./uniques.ts";

/** A job as `readyJobs` reads it. */
type ReadyRow = readonly [
  seq: number,
  hexId: string,
  priority: number,
  attempts: number,
  maxAttempts: number,
  generation: number,
  createdAt: number,
  expiresAt: number | null,
  options: string | null,
  input: string | null,
  uniq: string | null,
  batch: number | null,
];

/** The places of its columns. */
const column = {
  seq: 0,
  hexId: 1,
  priority: 2,
  attempts: 3,
  maxAttempts: 4,
  generation: 5,
  createdAt: 6,
  expiresAt: 7,
  options: 8,
  input: 9,
  uniq: 10,
  batch: 11,
} as const;

const noTags: readonly string[] = [];

const nothing: ClaimReply = { jobs: [], expired: [], limited: false, nextInMs: null };

/** The `claim` of the jobs. */
export function claiming(session: Session, endings: Endings, uniques: Uniques, ledger: BatchLedger): JobStore["claim"] {
  const { db, writer, clock, lanes } = session;
  const turns = new ClaimTurns(session);
  const openLanes =
    db.prepare(`SELECT lane.id, lane.queue AS queueId, queue.tenant, queue.name AS queue, lane.task, queue.pass, queue.group_start
    FROM lane JOIN queue ON queue.id = lane.queue WHERE lane.available > 0 AND queue.paused_at IS NULL`);
  const readyJobs =
    db.prepareArrays(`SELECT job.seq, lower(hex(job.id)), job.priority, job.attempts, job.max_attempts, job.generation,
      job.created_at, job.expires_at, job.options, job.input, job.uniq, job.batch
    FROM ready JOIN job ON job.seq = ready.seq
    WHERE ready.lane = ? AND ready.grp = ? AND ready.rank = ? ORDER BY ready.seq LIMIT +?`);
  const leave = db.prepare("DELETE FROM ready WHERE lane = ? AND grp = ? AND rank = ? AND seq <= ?");
  const lease = new SetStatement(
    db,
    5,
    (rows) => `INSERT INTO lease (token, seq, attempt, uniq, batch, lane, grp, worker, started_at, until)
    SELECT column1, column2, column3, column4, column5, ?, ?, ?, ?, ? FROM ${rows}`,
  );
  const workerNumber = db.prepare("SELECT number FROM worker WHERE id = ? AND state = 'running'");

  /** The lanes that this worker may take from, by queue. */
  function candidates({ tenant, tasks, queues }: ClaimRequest): Map<string, OpenLane[]> {
    const wanted = new Map<string, OpenLane[]>(queues.map(({ queue }) => [queue, []]));
    const known = new Set(tasks);
    for (const lane of openLanes.all() as OpenLane[]) {
      if (known.has(lane.task) && (tenant === undefined || lane.tenant === tenant)) wanted.get(lane.queue)?.push(lane);
    }
    for (const [queue, open] of wanted) if (open.length === 0) wanted.delete(queue);
    return wanted;
  }

  function* run(request: ClaimRequest): Generator<void, ClaimReply, void> {
    const open = candidates(request);
    if (open.size === 0 || request.limit <= 0) return nothing;
    const worker = (workerNumber.get(request.worker) as { number: number } | undefined)?.number;
    // Declared dead by others: it must introduce itself again before it may lease anything.
    if (worker === undefined) return nothing;
    const now = clock.now();
    const tally = session.tally();
    const usage = new ClaimUsage(session, tally.flow);
    const allowance = new Allowance(usage, now);
    const context = new ClaimContext(tally.flow, allowance, now);
    const jobs: ClaimedJob[] = [];
    const expired: string[] = [];
    for (const { taken, served } of turns.choose(request, open, context)) {
      for (const one of taken) take(one, { request, worker, now, tally, allowance, jobs, expired });
      turns.keep(served);
    }
    usage.record(allowance.started(), now);
    if (tally.batches.size > 0) yield* ledger.apply(tally, now);
    lanes.apply(tally, now);
    const { until } = context;
    // What was set aside before, this claim has not seen: it waits all the same.
    const limited = context.limited || (tally.flow.rules.length > 0 && turns.anyParked());
    return { jobs, expired, limited, nextInMs: until === null ? null : Math.max(0, until - now) };
  }

  /** Leases what was chosen of a list. */
  function take({ list, n, emptied }: Taken, into: Taking): void {
    const { request, worker, now, tally, allowance, jobs, expired } = into;
    const { lane: laneId, group, rank } = list;
    const lane = lanes.byId(laneId);
    const until = now + request.leaseMs;
    const rows = readyJobs.all(laneId, group, rank, n) as ReadyRow[];
    const last = rows.at(-1)?.[0];
    if (last === undefined) return;
    // A list without a group is soon filled again: it stays until it is found empty.
    if (group !== "" && (emptied || rows.length < n)) turns.unlist(list);
    leave.run(laneId, group, rank, last);
    tally.add(laneId, "available", -rows.length);
    let token = session.sequence.take("token", rows.length);
    const leases: SqlValue[] = [];
    for (const row of rows) {
      // One by one: taking an array apart makes an object for each of its columns.
      const seq = row[column.seq];
      const attempts = row[column.attempts];
      const expiresAt = row[column.expiresAt];
      const uniq = row[column.uniq];
      const batch = row[column.batch];
      const id = idOfHex(row[column.hexId]);
      if (expiresAt !== null && expiresAt <= now && attempts === 0) {
        endings.expire({ seq, lane: laneId, attempts, uniq, batch }, now, tally);
        if (tally.flow.rules.length > 0) allowance.giveBack(tally.flow.ofLane(lane), group);
        expired.push(id);
        continue;
      }
      const attempt = attempts + 1;
      leases.push(token, seq, attempt, uniq === null ? 0 : 1, batch);
      if (uniq === null) session.leased.add(token, { id, seq, lane: laneId, group, batch });
      else uniques.enter(seq, uniq, "running");
      const options = parseOptions(row[column.options]);
      jobs.push({
        id,
        token: token++,
        tenant: lane.tenant,
        queue: lane.queue,
        task: lane.task,
        priority: row[column.priority],
        input: row[column.input],
        attempt,
        maxAttempts: row[column.maxAttempts],
        retry: options.retry ?? null,
        timeoutMs: options.timeoutMs ?? null,
        generation: row[column.generation],
        createdAt: row[column.createdAt],
        startedAt: now,
        leaseUntil: until,
        tags: options.tags ?? noTags,
        metadata: options.metadata ?? null,
        group: group === "" ? null : group,
        batch: batch === null ? null : ledger.id(batch),
        callbackOf: options.callbackOf ?? null,
      });
    }
    const leased = lease.run([laneId, group, worker, now, until], leases);
    tally.add(laneId, "running", leased);
  }

  return async (request) => {
    // Looking costs no lock: only what finds something, or rides on a commit anyway, becomes a write.
    if (!writer.pending && (await writer.read(() => candidates(request).size === 0))) return nothing;
    return writer.write(() => run(request), false);
  };
}

/** What the taking of a claim's lists has in common. */
interface Taking {
  readonly request: ClaimRequest;
  readonly worker: number;
  readonly now: number;
  readonly tally: Tally;
  readonly allowance: Allowance;
  readonly jobs: ClaimedJob[];
  readonly expired: string[];
}
