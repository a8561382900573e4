import type { ClaimReply, ClaimRequest } from "../../core/claim.ts";
import type { ClaimedJob } from "../../core/job.ts";
import type { JobStore } from "../store.ts";
import { idText } from "./codes.ts";
import type { Endings } from "./endings.ts";
import { parseOptions } from "./job-rows.ts";
import { Tally } from "./lanes.ts";
import type { Session } from "./session.ts";

/** A lane that has something to claim. */
interface OpenLane {
  readonly id: number;
  readonly tenant: string;
  readonly queue: string;
  readonly task: string;
}

/** The head of a lane's list. */
interface Head {
  readonly lane: OpenLane;
  readonly rank: number;
  readonly seq: number;
}

interface ReadyRow {
  readonly seq: number;
  readonly id: Uint8Array;
  readonly priority: number;
  readonly attempts: number;
  readonly max_attempts: number;
  readonly generation: number;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly options: string | null;
  readonly input: string | null;
}

const nothing: ClaimReply = { jobs: [], expired: [] };

/** The `claim` of the jobs. */
export function claiming(session: Session, endings: Endings): JobStore["claim"] {
  const { db, writer, clock, lanes } = session;
  const openLanes = db.prepare(`SELECT lane.id, queue.tenant, queue.name AS queue, lane.task
    FROM lane JOIN queue ON queue.id = lane.queue WHERE lane.available > 0 AND queue.paused_at IS NULL`);
  const heads = db.prepare("SELECT rank, seq FROM ready WHERE lane = ? ORDER BY rank, seq LIMIT ?");
  const readyJobs = db.prepare(`SELECT job.seq, job.id, job.priority, job.attempts, job.max_attempts, job.generation,
      job.created_at, job.expires_at, job.options, job.input
    FROM ready JOIN job ON job.seq = ready.seq
    WHERE ready.lane = ? ORDER BY ready.rank, ready.seq LIMIT ?`);
  const leave = db.prepare("DELETE FROM ready WHERE lane = ? AND (rank, seq) <= (?, ?)");
  const lease = db.prepare(`INSERT INTO lease (token, seq, lane, attempt, worker, started_at, until)
    VALUES (?, ?, ?, ?, ?, ?, ?)`);
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

  /** How many to take from the head of each lane. */
  function choose(request: ClaimRequest, open: ReadonlyMap<string, OpenLane[]>): Map<OpenLane, number> {
    const taken = new Map<OpenLane, number>();
    const only = open.size === 1 ? [...open.values()][0] : undefined;
    if (only?.length === 1) return taken.set(only[0] as OpenLane, request.limit);
    const queued = request.queues.map(({ queue, quota }) => ({
      quota,
      heads: (open.get(queue) ?? [])
        .flatMap((lane) =>
          (heads.all(lane.id, request.limit) as { rank: number; seq: number }[]).map(
            ({ rank, seq }): Head => ({ lane, rank, seq }),
          ),
        )
        .sort((a, b) => a.rank - b.rank || a.seq - b.seq),
    }));
    let room = request.limit;
    const take = (from: { heads: Head[] }, most: number) => {
      for (const { lane } of from.heads.splice(0, Math.min(most, room))) {
        taken.set(lane, (taken.get(lane) ?? 0) + 1);
        room--;
      }
    };
    for (const from of queued) take(from, from.quota);
    for (const from of queued) take(from, room);
    return taken;
  }

  function* run(request: ClaimRequest): Generator<void, ClaimReply, void> {
    const open = candidates(request);
    if (open.size === 0 || request.limit <= 0) return nothing;
    const worker = (workerNumber.get(request.worker) as { number: number } | undefined)?.number;
    // Declared dead by others: it must introduce itself again before it may lease anything.
    if (worker === undefined) return nothing;
    const now = clock.now();
    const until = now + request.leaseMs;
    const tally = new Tally();
    const jobs: ClaimedJob[] = [];
    const expired: string[] = [];
    for (const [lane, most] of choose(request, open)) {
      const rows = readyJobs.all(lane.id, most) as ReadyRow[];
      const last = rows.at(-1);
      if (last === undefined) continue;
      leave.run(lane.id, 100 - last.priority, last.seq);
      tally.add(lane.id, "available", -rows.length);
      let token = session.takeTokens(rows.length);
      for (const row of rows) {
        const id = idText(row.id);
        if (row.expires_at !== null && row.expires_at <= now && row.attempts === 0) {
          endings.expire({ seq: row.seq, lane: lane.id, attempts: row.attempts }, now, tally);
          expired.push(id);
          continue;
        }
        const attempt = row.attempts + 1;
        lease.run(token, row.seq, lane.id, attempt, worker, now, until);
        tally.add(lane.id, "running", 1);
        const options = parseOptions(row.options);
        jobs.push({
          id,
          token: token++,
          tenant: lane.tenant,
          queue: lane.queue,
          task: lane.task,
          priority: row.priority,
          input: row.input,
          attempt,
          maxAttempts: row.max_attempts,
          retry: options.retry ?? null,
          timeoutMs: options.timeoutMs ?? null,
          generation: row.generation,
          createdAt: row.created_at,
          startedAt: now,
          leaseUntil: until,
          tags: options.tags ?? [],
          metadata: options.metadata ?? null,
        });
      }
    }
    lanes.apply(tally, now);
    return { jobs, expired };
  }

  return async (request) => {
    // Looking costs no lock: only what finds something, or rides on a commit anyway, becomes a write.
    if (!writer.pending && (await writer.read(() => candidates(request).size === 0))) return nothing;
    return writer.write(() => run(request), false);
  };
}
