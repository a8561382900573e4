import type { ClaimRequest } from "../../core/claim.ts";
import type { Allowance, Full } from "../../core/flow/allowance.ts";
import { type LimitRule, tenantWeight, weightOf } from "../../core/flow/limit.ts";
import { type ReadyList, type Served, type Share, type Taken, Turns } from "../../core/flow/turns.ts";
import type { Statement } from "./database.ts";
import type { FlowSnapshot } from "./flow-rules.ts";
import type { Session } from "./session.ts";
import { untilEnd } from "./timing.ts";

/** A lane that has something to claim, and its tenant's share of the queue. */
export interface OpenLane {
  readonly id: number;
  readonly queueId: number;
  readonly tenant: string;
  readonly queue: string;
  readonly task: string;
  readonly pass: number;
  readonly group_start: number;
}

/** What a claim takes from one queue, and how far everybody is served then. */
export interface Chosen {
  readonly taken: readonly Taken[];
  readonly served: Served;
}

/** A list in its turn; `head` is the number of its first job, `null` where it is empty. */
interface TurnRow {
  readonly grp: string;
  readonly rank: number;
  readonly pass: number;
  readonly head: number | null;
}

type OpenList = TurnRow & { readonly head: number };

/** Lists that one claim sets aside at most, so that it holds nobody up; the next goes on behind them. */
const asideLimit = 256;

const nobodyElse: Served = { tenants: [], queues: [], groups: [] };

/** Reads whose turn it is, lets `Turns` choose, and keeps what it says of the shares. */
export class ClaimTurns {
  readonly #session: Session;
  readonly #tenantStart: Statement;
  readonly #turns: Statement;
  readonly #park: Statement;
  readonly #parkedList: Statement;
  readonly #unlist: Statement;
  readonly #serve: Statement;
  readonly #serveTenant: Statement;
  readonly #serveQueue: Statement;
  readonly #remember: Statement;
  readonly #forget: Statement;
  readonly #numbers: Statement;

  constructor(session: Session) {
    const { db } = session;
    this.#session = session;
    this.#tenantStart = db.prepare("SELECT max(start) AS start FROM queue WHERE name = ?");
    this.#turns = db.prepare(`SELECT grp, rank, pass,
        (SELECT min(seq) FROM ready
          WHERE ready.lane = turn.lane AND ready.grp = turn.grp AND ready.rank = turn.rank) AS head
      FROM turn INDEXED BY turn_next WHERE lane = ? AND parked = 0 ORDER BY rank, pass LIMIT +?`);
    this.#park = db.prepare("UPDATE turn SET parked = ? WHERE lane = ? AND grp = ?");
    this.#parkedList = db.prepare(`SELECT 1 FROM turn WHERE parked = ${untilEnd} LIMIT 1`);
    this.#unlist = db.prepare("DELETE FROM turn WHERE lane = ? AND grp = ? AND rank = ?");
    this.#serve = db.prepare(
      "UPDATE turn SET pass = ? WHERE grp = ? AND lane IN (SELECT id FROM lane WHERE queue = ?)",
    );
    this.#serveTenant = db.prepare("UPDATE queue SET pass = ?, start = ? WHERE id = ?");
    this.#serveQueue = db.prepare("UPDATE queue SET group_start = ? WHERE id = ?");
    this.#remember = db.prepare(`INSERT INTO share (queue, grp, pass) VALUES (?, ?, ?)
      ON CONFLICT DO UPDATE SET pass = excluded.pass`);
    // Who stands no further ahead than everybody starts need not be remembered. A few at a time are enough to keep up.
    this.#forget = db.prepare(`DELETE FROM share WHERE (queue, grp) IN
      (SELECT queue, grp FROM share WHERE queue = ? AND pass <= ? LIMIT 1000)`);
    this.#numbers = db.prepare(
      "SELECT seq FROM ready WHERE lane = ? AND grp = ? AND rank = ? AND seq > ? ORDER BY seq LIMIT +?",
    );
  }

  /** What to take, of each queue: first its quota, then whatever room is left. */
  choose(
    request: ClaimRequest,
    open: ReadonlyMap<string, readonly OpenLane[]>,
    context: ClaimContext,
  ): readonly Chosen[] {
    const { limit } = request;
    const queued = request.queues.flatMap(({ queue, quota }) => {
      const lanes = open.get(queue);
      return lanes === undefined ? [] : [{ queue, quota, ...this.#listsOf(queue, lanes, limit, context) }];
    });
    const [sole, ...others] = queued.flatMap(({ lists }) => lists);
    // The common case needs no deciding: one list, no limit, and nobody else's turn.
    if (sole !== undefined && others.length === 0 && context.flow.rules.length === 0) {
      return [{ taken: [{ list: sole, n: limit, emptied: false }], served: nobodyElse }];
    }
    const turned = queued.map(({ queue, quota, lists, shares }) => ({
      quota,
      turns: this.#turnsOf(queue, lists, shares, limit, context),
    }));
    let room = limit;
    for (const { turns, quota } of turned) room -= turns.choose(Math.min(quota, room));
    for (const { turns } of turned) room -= turns.choose(room);
    return turned.map(({ turns }) => ({ taken: turns.taken(), served: turns.served() }));
  }

  /** Keeps how far everybody was served, where there is somebody to share with. */
  keep({ tenants, queues, groups }: Served): void {
    for (const { queue, pass, start } of tenants) this.#serveTenant.run(pass, start, queue);
    for (const { queue, group, pass, emptied } of groups) {
      this.#serve.run(pass, group, queue);
      // Who comes back at once must not be served before those who waited meanwhile.
      if (emptied) this.#remember.run(queue, group, pass);
    }
    for (const { queue, groupStart } of queues) {
      this.#serveQueue.run(groupStart, queue);
      this.#forget.run(queue, groupStart);
    }
  }

  /** Whether any group waits for the end of a job. */
  anyParked(): boolean {
    return this.#parkedList.get() !== undefined;
  }

  /** Takes a list out that holds nothing any more. */
  unlist({ lane, group, rank }: Pick<ReadyList, "lane" | "group" | "rank">): void {
    this.#unlist.run(lane, group, rank);
  }

  /** The lists of one queue that may be taken from, as far as a claim of `most` jobs can need them. */
  #listsOf(
    queue: string,
    open: readonly OpenLane[],
    most: number,
    context: ClaimContext,
  ): { readonly lists: readonly ReadyList[]; readonly shares: readonly Share[] } {
    const { flow } = context;
    const shares = new Map<number, Share>();
    const lists: ReadyList[] = [];
    for (const { id: lane, queueId, tenant, pass, group_start: groupStart, task } of open) {
      const rules = flow.ofLane({ id: lane, tenant, queue, task });
      if (isShut(rules, context)) continue;
      shares.set(queueId, { queue: queueId, pass, groupStart, weight: tenantWeight(flow.rules, tenant) });
      for (const list of this.#openLists(lane, rules, most, context)) {
        const { grp: group, rank, pass, head } = list;
        lists.push({ queue: queueId, lane, group, rank, pass, head, weight: weightOf(rules, group) });
      }
    }
    return { lists, shares: [...shares.values()] };
  }

  #turnsOf(
    queue: string,
    lists: readonly ReadyList[],
    shares: readonly Share[],
    most: number,
    context: ClaimContext,
  ): Turns {
    const { flow, allowance } = context;
    return new Turns({
      shares,
      lists,
      tenantStart: shares.length > 1 ? (this.#tenantStart.get(queue) as { start: number }).start : 0,
      most,
      source: {
        read: ({ lane, group, rank }, after, count) =>
          (this.#numbers.all(lane, group, rank, after, count) as { seq: number }[]).map(({ seq }) => seq),
        admit: ({ lane, group }) => {
          const rules = flow.ofLane(this.#session.lanes.byId(lane));
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

  /**
   * The lists of a lane whose turn may come. Those that a limit on their group keeps from it are parked, and empty ones
   * cleared away: that makes room for those behind them.
   */
  #openLists(lane: number, rules: readonly LimitRule[], most: number, context: ClaimContext): OpenList[] {
    // One more than can be needed tells whether there is somebody to share with.
    const window = most + 1;
    const grouped = rules.some(({ scope }) => scope.group !== undefined);
    for (;;) {
      const found = this.#turns.all(lane, window) as TurnRow[];
      const open = found.filter((list): list is OpenList => {
        if (context.asides >= asideLimit) return false;
        if (list.head !== null && !(grouped && this.#parked(lane, list.grp, rules, context))) return true;
        if (list.head === null) this.#unlist.run(lane, list.grp, list.rank);
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
  #parked(lane: number, group: string, rules: readonly LimitRule[], context: ClaimContext): boolean {
    const full = context.allowance.full(rules, group);
    if (full.length === 0) return false;
    context.waitFor(full);
    this.#park.run(Math.max(...full.map(({ until }) => until ?? untilEnd)), lane, group);
    return true;
  }
}

/** Whether a limit on all of a lane is full; notes what would make room. */
function isShut(rules: readonly LimitRule[], { allowance, waitFor }: ClaimContext): boolean {
  const full = rules.length === 0 ? [] : allowance.full(rules, "");
  waitFor(full);
  return full.length > 0;
}

/** The limits of one claim, and what it learns of those that are full. */
export class ClaimContext {
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
