import { type JobState, jobStates } from "../../core/job-state.ts";
import { stateCode } from "./codes.ts";
import type { Database, SqlRow, Statement } from "./database.ts";
import type { FlowSnapshot } from "./flow-rules.ts";

/** A lane: the jobs of one task in one queue of one tenant. */
export interface Lane {
  readonly id: number;
  readonly queueId: number;
  readonly tenant: string;
  readonly queue: string;
  readonly task: string;
}

/** Finds and makes lanes, and keeps their counters. Only within a write. */
export class Lanes {
  readonly #byKey = new Map<string, Lane>();
  readonly #byId = new Map<number, Lane>();
  readonly #findAll: Statement;
  readonly #insertQueue: Statement;
  readonly #findQueue: Statement;
  readonly #insertLane: Statement;
  readonly #find: Statement;
  readonly #count: Statement;
  readonly #ended: Statement;
  readonly #isListed: Statement;
  readonly #list: Statement;

  constructor(db: Database) {
    const lane = `SELECT lane.id, lane.queue AS queueId, queue.tenant, queue.name AS queue, lane.task
      FROM lane JOIN queue ON queue.id = lane.queue`;
    this.#findAll = db.prepare(lane);
    this.#find = db.prepare(`${lane} WHERE lane.queue = ? AND lane.task = ?`);
    this.#findQueue = db.prepare("SELECT id FROM queue WHERE tenant = ? AND name = ?");
    this.#insertQueue = db.prepare("INSERT INTO queue (tenant, name) VALUES (?, ?) ON CONFLICT DO NOTHING");
    this.#insertLane = db.prepare("INSERT INTO lane (queue, task) VALUES (?, ?) ON CONFLICT DO NOTHING");
    this.#count = db.prepare(
      `UPDATE lane SET ${jobStates.map((state) => `${state} = ${state} + ?`).join(", ")} WHERE id = ?`,
    );
    this.#ended = db.prepare(
      `INSERT INTO throughput (lane, minute, completed, failed) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET completed = completed + excluded.completed, failed = failed + excluded.failed`,
    );
    this.#isListed = db.prepare("SELECT 1 FROM turn WHERE lane = ? AND grp = ? AND rank = ?");
    // A group that waits elsewhere in the queue keeps its turn; one that comes anew starts level with the others.
    this.#list = db.prepare(`INSERT INTO turn (lane, grp, rank, pass)
      SELECT new.lane, new.grp, new.rank, max(queue.group_start,
        coalesce((SELECT pass FROM share WHERE share.queue = queue.id AND share.grp = new.grp), 0),
        coalesce((SELECT max(pass) FROM turn JOIN lane ON lane.id = turn.lane
          WHERE lane.queue = queue.id AND turn.grp = new.grp), 0))
      FROM queue, (SELECT ? AS lane, ? AS grp, ? AS rank) AS new WHERE queue.id = ?`);
  }

  /** Forgets what it knows: a rolled-back write may have made it. */
  forget(): void {
    this.#byKey.clear();
    this.#byId.clear();
  }

  /** Number of a queue, made on first use. */
  queueId(tenant: string, queue: string): number {
    const found = this.#findQueue.get(tenant, queue) as { id: number } | undefined;
    if (found) return found.id;
    this.#insertQueue.run(tenant, queue);
    return (this.#findQueue.get(tenant, queue) as { id: number }).id;
  }

  /** The lane of a task in a queue, made on first use. */
  lane(tenant: string, queue: string, task: string): Lane {
    const key = `${tenant}\u0000${queue}\u0000${task}`;
    const known = this.#byKey.get(key);
    if (known) return known;
    const queueId = this.queueId(tenant, queue);
    this.#insertLane.run(queueId, task);
    return this.#remember(this.#find.get(queueId, task) as SqlRow as unknown as Lane);
  }

  /** The lane of a number. */
  byId(id: number): Lane {
    const known = this.#byId.get(id);
    if (known) return known;
    for (const row of this.#findAll.all()) this.#remember(row as Lane);
    const found = this.#byId.get(id);
    if (!found) throw new Error(`lane ${id} is not there`);
    return found;
  }

  /** Adds up a tally that one write has gathered. */
  apply(tally: Tally, now: number): void {
    for (const [lane, change] of tally.changes) {
      const { counts, completed, failed } = change;
      if (counts.some((count) => count !== 0)) this.#count.run(...counts, lane);
      if (completed > 0 || failed > 0) this.#ended.run(lane, Math.floor(now / 60_000), completed, failed);
    }
    for (const { lane, group, rank } of tally.lists.values()) {
      if (this.#isListed.get(lane, group, rank) !== undefined) continue;
      this.#list.run(lane, group, rank, this.byId(lane).queueId);
    }
  }

  #remember(row: Lane): Lane {
    this.#byKey.set(`${row.tenant}\u0000${row.queue}\u0000${row.task}`, row);
    this.#byId.set(row.id, row);
    return row;
  }
}

/** What happened to the members of a batch, as differences; `sealed`: its jobs are all in now. */
export interface BatchChange {
  total: number;
  open: number;
  failed: number;
  sealed: number;
}

interface LaneChange {
  readonly counts: number[];
  completed: number;
  failed: number;
}

/** A list of ready jobs. */
interface List {
  readonly lane: number;
  readonly group: string;
  readonly rank: number;
}

/**
 * What one write gathers, to be written once: how many jobs of each lane went from state to state, which
 * lists grew, and what happened to the members of batches.
 */
export class Tally {
  readonly changes = new Map<number, LaneChange>();
  readonly lists = new Map<string, List>();
  readonly batches = new Map<number, BatchChange>();
  /** The limits and escalations that hold in this write. */
  readonly flow: FlowSnapshot;
  #lastList: List | undefined;
  /** Most of what comes in a row is of one lane. */
  #last: { readonly lane: number; readonly change: LaneChange } | undefined;

  constructor(flow: FlowSnapshot) {
    this.flow = flow;
  }

  /** Notes that a job was put into a list of ready ones. */
  listed(lane: number, group: string, rank: number): void {
    const last = this.#lastList;
    if (last !== undefined && last.lane === lane && last.rank === rank && last.group === group) return;
    const list = { lane, group, rank };
    this.#lastList = list;
    this.lists.set(`${lane}\u0000${rank}\u0000${group}`, list);
  }

  /** Notes that `n` jobs of a lane entered a state, or left it where `n` is negative. */
  add(lane: number, state: JobState, n: number): void {
    const { counts } = this.#of(lane);
    const code = stateCode[state];
    counts[code] = (counts[code] ?? 0) + n;
  }

  /** Notes that a job of a lane ended now, well or not. */
  ended(lane: number, well: boolean): void {
    if (well) this.#of(lane).completed++;
    else this.#of(lane).failed++;
  }

  /** Notes that members came to a batch, ended or came back. */
  counted(batch: number, { total = 0, open = 0, failed = 0 }: Partial<Omit<BatchChange, "sealed">>): void {
    const change = this.#ofBatch(batch);
    change.total += total;
    change.open += open;
    change.failed += failed;
  }

  /** Notes that the jobs of a batch are all in now; to be said once. */
  sealed(batch: number): void {
    this.#ofBatch(batch).sealed = 1;
  }

  #ofBatch(batch: number): BatchChange {
    let change = this.batches.get(batch);
    if (change === undefined) {
      change = { total: 0, open: 0, failed: 0, sealed: 0 };
      this.batches.set(batch, change);
    }
    return change;
  }

  #of(lane: number): LaneChange {
    if (this.#last?.lane === lane) return this.#last.change;
    let change = this.changes.get(lane);
    if (change === undefined) {
      change = { counts: jobStates.map(() => 0), completed: 0, failed: 0 };
      this.changes.set(lane, change);
    }
    this.#last = { lane, change };
    return change;
  }
}
