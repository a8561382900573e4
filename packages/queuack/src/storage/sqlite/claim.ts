import type { ClaimReply, ClaimRequest } from "../../core/claim.ts";
import { Allowance, type Full } from "../../core/flow/allowance.ts";
import { type LimitRule, tenantWeight, weightOf } from "../../core/flow/limit.ts";
import { type ReadyList, type Served, type Share, type Taken, Turns } from "../../core/flow/turns.ts";
import type { ClaimedJob } from "../../core/job.ts";
import type { JobStore } from "../store.ts";
import { ClaimUsage } from "./claim-usage.ts";
import { idText } from "./codes.ts";
import type { Endings } from "./endings.ts";
import type { FlowSnapshot } from "./flow-rules.ts";
import { parseOptions } from "./job-rows.ts";
import type { Tally } from "./lanes.ts";
import type { Session } from "./session.ts";
import { untilEnd } from "./timing.ts";
import type { Uniques } from "./uniques.ts";

/** A lane that has something to claim, and its tenant's share of the queue. */
interface OpenLane {
  readonly id: number;
  readonly queueId: number;
  readonly tenant: string;
  readonly queue: string;
  readonly task: string;
  readonly pass: number;
  readonly group_start: number;
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
  readonly uniq: string | null;
}

/** Lists that one claim sets aside at most, so that it holds nobody up; the next goes on behind them. */
const asideLimit = 256;

const nothing: ClaimReply = { jobs: [], expired: [], limited: false, nextInMs: null };

/** The `claim` of the jobs. */
export function claiming(session: Session, endings: Endings, uniques: Uniques): JobStore["claim"] {
  const { db, writer, clock, lanes } = session;
  const openLanes =
    db.prepare(`SELECT lane.id, lane.queue AS queueId, queue.tenant, queue.name AS queue, lane.task, queue.pass, queue.group_start
    FROM lane JOIN queue ON queue.id = lane.queue WHERE lane.available > 0 AND queue.paused_at IS NULL`);
  const tenantStart = db.prepare("SELECT max(start) AS start FROM queue WHERE name = ?");
  const turns = db.prepare(`SELECT grp, rank, pass,
      (SELECT min(seq) FROM ready WHERE ready.lane = turn.lane AND ready.grp = turn.grp AND ready.rank = turn.rank) AS head
    FROM turn INDEXED BY turn_next WHERE lane = ? AND parked = 0 ORDER BY rank, pass LIMIT ?`);
  const park = db.prepare("UPDATE turn SET parked = ? WHERE lane = ? AND grp = ?");
  const parkedList = db.prepare(`SELECT 1 FROM turn WHERE parked = ${untilEnd} LIMIT 1`);
  const unlist = db.prepare("DELETE FROM turn WHERE lane = ? AND grp = ? AND rank = ?");
  const serve = db.prepare("UPDATE turn SET pass = ? WHERE grp = ? AND lane IN (SELECT id FROM lane WHERE queue = ?)");
  const serveTenant = db.prepare("UPDATE queue SET pass = ?, start = ? WHERE id = ?");
  const serveQueue = db.prepare("UPDATE queue SET group_start = ? WHERE id = ?");
  const remember = db.prepare(`INSERT INTO share (queue, grp, pass) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET pass = excluded.pass`);
  // Who stands no further ahead than everybody starts need not be remembered. A few at a time are enough to keep up.
  const forget = db.prepare(`DELETE FROM share WHERE (queue, grp) IN
    (SELECT queue, grp FROM share WHERE queue = ? AND pass <= ? LIMIT 1000)`);
  const numbers = db.prepare(
    "SELECT seq FROM ready WHERE lane = ? AND grp = ? AND rank = ? AND seq > ? ORDER BY seq LIMIT ?",
  );
  const readyJobs = db.prepare(`SELECT job.seq, job.id, job.priority, job.attempts, job.max_attempts, job.generation,
      job.created_at, job.expires_at, job.options, job.input, job.uniq
    FROM ready JOIN job ON job.seq = ready.seq
    WHERE ready.lane = ? AND ready.grp = ? AND ready.rank = ? ORDER BY ready.seq LIMIT ?`);
  const leave = db.prepare("DELETE FROM ready WHERE lane = ? AND grp = ? AND rank = ? AND seq <= ?");
  const lease = db.prepare(`INSERT INTO lease (token, seq, lane, grp, attempt, worker, started_at, until, uniq)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`);
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

  /** The turns of one queue's lanes, as far as a claim of `most` jobs can need them. */
  function turnsOf(queue: string, open: readonly OpenLane[], most: number, context: ClaimContext): Turns {
    const { flow, allowance } = context;
    const shares = new Map<number, Share>();
    const lists: ReadyList[] = [];
    for (const { id: lane, queueId, tenant, pass, group_start: groupStart, task } of open) {
      const rules = flow.ofLane({ id: lane, tenant, queue, task });
      if (isShut(rules, context)) continue;
      shares.set(queueId, { queue: queueId, pass, groupStart, weight: tenantWeight(flow.rules, tenant) });
      for (const list of openLists(lane, rules, most, context)) {
        const { grp: group, rank, pass, head } = list;
        lists.push({ queue: queueId, lane, group, rank, pass, head, weight: weightOf(rules, group) });
      }
    }
    const start = shares.size > 1 ? (tenantStart.get(queue) as { start: number }).start : 0;
    return new Turns({
      shares: [...shares.values()],
      lists,
      tenantStart: start,
      most,
      source: {
        read: ({ lane, group, rank }, after, count) =>
          (numbers.all(lane, group, rank, after, count) as { seq: number }[]).map(({ seq }) => seq),
        admit: ({ lane, group }) => {
          const rules = flow.ofLane(lanes.byId(lane));
          if (rules.length === 0) return true;
          if (allowance.hasRoom(rules, group)) {
            allowance.take(rules, group);
            return true;
          }
          context.waitFor(allowance.full(rules, group));
          return false;
        },
      },
    });
  }

  /** Whether a limit on all of a lane is full; notes what would make room. */
  function isShut(rules: readonly LimitRule[], { allowance, waitFor }: ClaimContext): boolean {
    const full = rules.length === 0 ? [] : allowance.full(rules, "");
    waitFor(full);
    return full.length > 0;
  }

  /**
   * The lists of a lane whose turn may come. Those that a limit on their group keeps from it are parked, and empty ones
   * cleared away: that makes room for those behind them.
   */
  function openLists(lane: number, rules: readonly LimitRule[], most: number, context: ClaimContext): OpenList[] {
    // One more than can be needed tells whether there is somebody to share with.
    const window = most + 1;
    const grouped = rules.some(({ scope }) => scope.group !== undefined);
    for (;;) {
      const found = turns.all(lane, window) as TurnRow[];
      const open = found.filter((list): list is OpenList => {
        if (context.asides >= asideLimit) return false;
        if (list.head !== null && !(grouped && parked(lane, list.grp, rules, context))) return true;
        if (list.head === null) unlist.run(lane, list.grp, list.rank);
        context.asides++;
        return false;
      });
      if (open.length === found.length) return open;
      if (context.asides >= asideLimit) {
        context.again();
        return open;
      }
    }
  }

  /** Parks the lists of a group that has no room; whether it did. */
  function parked(lane: number, group: string, rules: readonly LimitRule[], context: ClaimContext): boolean {
    const full = context.allowance.full(rules, group);
    if (full.length === 0) return false;
    context.waitFor(full);
    park.run(Math.max(...full.map(({ until }) => until ?? untilEnd)), lane, group);
    return true;
  }

  /** How many jobs of each list to take: first each queue's quota, then whatever room is left. */
  function choose(request: ClaimRequest, open: ReadonlyMap<string, OpenLane[]>, context: ClaimContext): Turns[] {
    const queued = request.queues.flatMap(({ queue, quota }) => {
      const lanes = open.get(queue);
      return lanes === undefined ? [] : [{ quota, turns: turnsOf(queue, lanes, request.limit, context) }];
    });
    let room = request.limit;
    for (const { turns, quota } of queued) room -= turns.choose(Math.min(quota, room));
    for (const { turns } of queued) room -= turns.choose(room);
    return queued.map(({ turns }) => turns);
  }

  /** Keeps how far everybody was served, where there is somebody to share with. */
  function keepServed({ tenants, queues, groups }: Served): void {
    for (const { queue, pass, start } of tenants) serveTenant.run(pass, start, queue);
    for (const { queue, group, pass, emptied } of groups) {
      serve.run(pass, group, queue);
      // Who comes back at once must not be served before those who waited meanwhile.
      if (emptied) remember.run(queue, group, pass);
    }
    for (const { queue, groupStart } of queues) {
      serveQueue.run(groupStart, queue);
      forget.run(queue, groupStart);
    }
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
    for (const turns of choose(request, open, context)) {
      for (const taken of turns.taken()) {
        take(taken, { request, worker, now, tally, allowance, jobs, expired });
      }
      keepServed(turns.served());
    }
    usage.record(allowance.started(), now);
    lanes.apply(tally, now);
    const { until } = context;
    // What was set aside before, this claim has not seen: it waits all the same.
    const limited = context.limited || (tally.flow.rules.length > 0 && parkedList.get() !== undefined);
    return { jobs, expired, limited, nextInMs: until === null ? null : Math.max(0, until - now) };
  }

  /** Leases what was chosen of a list. */
  function take({ list, n, emptied }: Taken, into: Taking): void {
    const { request, worker, now, tally, allowance, jobs, expired } = into;
    const { lane: laneId, group, rank } = list;
    const lane = lanes.byId(laneId);
    const until = now + request.leaseMs;
    const rows = readyJobs.all(laneId, group, rank, n) as ReadyRow[];
    const last = rows.at(-1);
    if (last === undefined) return;
    // A list without a group is soon filled again: it stays until it is found empty.
    if (emptied && group !== "") unlist.run(laneId, group, rank);
    leave.run(laneId, group, rank, last.seq);
    tally.add(laneId, "available", -rows.length);
    let token = session.takeTokens(rows.length);
    for (const row of rows) {
      const { seq, uniq, attempts } = row;
      const id = idText(row.id);
      if (row.expires_at !== null && row.expires_at <= now && attempts === 0) {
        endings.expire({ seq, lane: laneId, attempts, uniq }, now, tally);
        allowance.giveBack(tally.flow.ofLane(lane), group);
        expired.push(id);
        continue;
      }
      const attempt = attempts + 1;
      lease.run(token, seq, laneId, group, attempt, worker, now, until, uniq === null ? 0 : 1);
      uniques.enter(seq, uniq, "running");
      tally.add(laneId, "running", 1);
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
        group: group === "" ? null : group,
      });
    }
  }

  return async (request) => {
    // Looking costs no lock: only what finds something, or rides on a commit anyway, becomes a write.
    if (!writer.pending && (await writer.read(() => candidates(request).size === 0))) return nothing;
    return writer.write(() => run(request), false);
  };
}

/** A list in its turn; `head` is the number of its first job, `null` where it is empty. */
interface TurnRow {
  readonly grp: string;
  readonly rank: number;
  readonly pass: number;
  readonly head: number | null;
}

type OpenList = TurnRow & { readonly head: number };

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

/** The limits of one claim, and what it learns of those that are full. */
class ClaimContext {
  readonly flow: FlowSnapshot;
  readonly allowance: Allowance;
  limited = false;
  /** When a rate that is full has room again. */
  until: number | null = null;
  /** Lists that were parked or cleared away. */
  asides = 0;
  readonly #now: number;

  constructor(flow: FlowSnapshot, allowance: Allowance, now: number) {
    this.flow = flow;
    this.allowance = allowance;
    this.#now = now;
  }

  /** Asks for another claim right away: not everything was looked at. */
  again(): void {
    this.until = this.#now;
  }

  /** Notes what keeps jobs from starting. */
  readonly waitFor = (full: readonly Full[]): void => {
    for (const { until } of full) {
      if (until === null) this.limited = true;
      else this.until = Math.min(this.until ?? Number.POSITIVE_INFINITY, until);
    }
  };
}
