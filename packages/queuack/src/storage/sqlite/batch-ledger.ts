import type { BatchEnd, NewBatch } from "../../core/batch.ts";
import { QueuackError } from "../../core/errors.ts";
import type { NewJob } from "../../core/job.ts";
import { idBytes, idText } from "./codes.ts";
import type { Statement } from "./database.ts";
import type { JobInserts } from "./job-inserts.ts";
import type { BatchChange, Tally } from "./lanes.ts";
import type { Places } from "./places.ts";
import type { Tables } from "./session.ts";

/** Batches between two looks at the clock. */
const stride = 64;

/** A batch that somebody wants to add to. */
export interface OpenedBatch {
  readonly seq: number;
  readonly name: string;
  /** Takes no more members. */
  readonly finished: boolean;
  readonly cancelled: boolean;
}

interface CountRow {
  readonly id: Uint8Array;
  readonly tenant: string;
  readonly name: string;
  readonly parent: number | null;
  readonly total: number;
  readonly open: number;
  readonly failed: number;
  readonly sealed: number;
  readonly completed_at: number | null;
  readonly succeeded_at: number | null;
  readonly on_complete: string | null;
  readonly on_success: string | null;
}

/**
 * Counts the members of batches, and inserts the jobs that follow: in the transaction that ends the last member, once in
 * the life of a batch. Only within a write.
 */
export class BatchLedger {
  readonly #tables: Tables;
  readonly #afterCommit: ((callback: () => void) => void) | undefined;
  readonly #places: Places;
  readonly #inserts: JobInserts;
  readonly #listeners = new Set<(ended: readonly BatchEnd[]) => void>();
  readonly #insert: Statement;
  readonly #find: Statement;
  readonly #id: Statement;
  readonly #count: Statement;
  readonly #completed: Statement;
  readonly #succeeded: Statement;

  /** @param afterCommit calls back once the write at hand is committed; nothing where the commit is somebody else's */
  constructor(tables: Tables, places: Places, inserts: JobInserts, afterCommit?: (callback: () => void) => void) {
    const { db } = tables;
    this.#tables = tables;
    this.#afterCommit = afterCommit;
    this.#places = places;
    this.#inserts = inserts;
    this.#insert =
      db.prepare(`INSERT INTO batch (id, tenant, name, parent, created_at, on_complete, on_success, options)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING RETURNING seq`);
    this.#find = db.prepare(`SELECT seq, name, open = 0 AND sealed OR cancelled_at IS NOT NULL AS finished,
        cancelled_at IS NOT NULL AS cancelled, sealed
      FROM batch WHERE id = ? AND tenant = ?`);
    this.#id = db.prepare("SELECT id FROM batch WHERE seq = ?");
    this.#count =
      db.prepare(`UPDATE batch SET total = total + ?, open = open + ?, failed = failed + ?, sealed = sealed + ?
      WHERE seq = ?
      RETURNING id, tenant, name, parent, total, open, failed, sealed, completed_at, succeeded_at, on_complete, on_success`);
    this.#completed = db.prepare("UPDATE batch SET completed_at = ? WHERE seq = ?");
    this.#succeeded = db.prepare("UPDATE batch SET succeeded_at = ? WHERE seq = ?");
  }

  /** Calls back after each commit in which something ended. */
  onEnd(listener: (ended: readonly BatchEnd[]) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The id of a batch. */
  id(seq: number): string {
    return idText((this.#id.get(seq) as { id: Uint8Array }).id);
  }

  /**
   * Makes a batch that is not there yet, a member of its parent; says of one that is there that its jobs are all in,
   * where they are.
   * @throws {QueuackError} `QUEUACK_UNKNOWN_BATCH`, `QUEUACK_BATCH_FINISHED`: of its parent
   */
  create(batch: NewBatch, now: number, tally: Tally): void {
    const { tenant, name, onComplete, onSuccess, tags, metadata } = batch;
    const id = idBytes(batch.id) as Uint8Array;
    const known = this.#find.get(id, tenant) as { seq: number; sealed: number } | undefined;
    let seq = known?.seq;
    if (seq === undefined) {
      const parent = batch.parent === undefined ? null : this.find(batch.parent, tenant);
      if (parent?.finished) throw finished(batch.parent as string, parent, `batch ${batch.id}`);
      const options = metadata === undefined && !tags?.length ? null : JSON.stringify({ tags, metadata });
      const row = this.#insert.get(
        id,
        tenant,
        name,
        parent?.seq ?? null,
        now,
        onComplete === undefined ? null : JSON.stringify(onComplete),
        onSuccess === undefined ? null : JSON.stringify(onSuccess),
        options,
      ) as { seq: number } | undefined;
      // Another tenant's, then.
      if (row === undefined) throw unknownBatch(batch.id, tenant);
      seq = row.seq;
      if (parent !== null) tally.counted(parent.seq, { total: 1, open: 1 });
    }
    if (batch.sealed && known?.sealed !== 1) tally.sealed(seq);
  }

  /** The batch that a job or a batch is to be put into. @throws {QueuackError} `QUEUACK_UNKNOWN_BATCH` */
  find(id: string, tenant: string): OpenedBatch {
    const row = this.#find.get(idBytes(id), tenant) as
      | { seq: number; name: string; finished: number; cancelled: number }
      | undefined;
    if (row === undefined) throw unknownBatch(id, tenant);
    return { seq: row.seq, name: row.name, finished: row.finished === 1, cancelled: row.cancelled === 1 };
  }

  /** Adds up what one write has gathered: one update a batch, then its parents'; and ends what has nothing open. */
  *apply(tally: Tally, now: number): Generator<void, void, void> {
    const { batches } = tally;
    // A batch comes after its parent: from the last to the first, each is counted once, its children's ends included.
    const order = [...batches.keys()].sort((a, b) => a - b);
    const ended: BatchEnd[] = [];
    let steps = 0;
    for (let seq = order.pop(); seq !== undefined; seq = order.pop()) {
      const change = batches.get(seq) as BatchChange;
      const row = this.#count.get(change.total, change.open, change.failed, change.sealed, seq) as CountRow;
      const before = { open: row.open - change.open, failed: row.failed - change.failed };
      const wasOpen = before.open > 0 || row.sealed - change.sealed === 0;
      const isOpen = row.open > 0 || row.sealed === 0;
      if (row.parent !== null) {
        const hadFailed = !wasOpen && before.failed > 0;
        const hasFailed = !isOpen && row.failed > 0;
        const open = Number(isOpen) - Number(wasOpen);
        const failed = Number(hasFailed) - Number(hadFailed);
        if (open !== 0 || failed !== 0) {
          if (!batches.has(row.parent))
            order.splice(order.findLastIndex((n) => n < (row.parent as number)) + 1, 0, row.parent);
          tally.counted(row.parent, { open, failed });
        }
      }
      if (wasOpen && !isOpen) ended.push(this.#end(seq, row, now, tally));
      if (++steps % stride === 0) yield;
    }
    if (ended.length === 0) return;
    this.#afterCommit?.(() => {
      for (const listener of this.#listeners) listener(ended);
    });
  }

  /** Ends a batch that has nothing open: what follows it is inserted where this is the first time. */
  #end(seq: number, row: CountRow, now: number, tally: Tally): BatchEnd {
    const { tenant, name, total, failed } = row;
    const completed = row.completed_at === null;
    const succeeded = row.succeeded_at === null && failed === 0;
    const fired: { job: NewJob; state: BatchEnd["callbacks"][number]["state"]; inMs: number }[] = [];
    if (completed) {
      this.#completed.run(now, seq);
      fired.push(...this.#fire(row.on_complete, now, tally));
    }
    if (succeeded) {
      this.#succeeded.run(now, seq);
      fired.push(...this.#fire(row.on_success, now, tally));
    }
    return {
      id: idText(row.id),
      tenant,
      name,
      total,
      failed,
      completed,
      succeeded,
      callbacks: fired.map(({ job: { id, tenant, queue, task }, state }) => ({ id, tenant, queue, task, state })),
      nextInMs: fired.length === 0 ? null : Math.max(0, Math.min(...fired.map(({ inMs }) => inMs))),
    };
  }

  /** Inserts the job that follows; queues that are full take it all the same. */
  #fire(text: string | null, now: number, tally: Tally) {
    if (text === null) return [];
    const { lanes } = this.#tables;
    const job = JSON.parse(text) as NewJob;
    const lane = lanes.lane(job.tenant, job.queue, job.task).id;
    const runAt = job.runAt ?? now + (job.delayMs ?? 0);
    const seq = this.#tables.sequence.take("seq", 1);
    if (this.#inserts.insert([job], { seq, lane, runAt, uniq: null, batch: null }, now) === 0) return [];
    const { priority, group = "" } = job;
    const state = this.#places.put({ seq, lane, group, priority, runAt, failed: false }, now, tally);
    return [{ job, state, inMs: Math.min(runAt - now, job.expiresInMs ?? Number.POSITIVE_INFINITY) }];
  }
}

function unknownBatch(id: string, tenant: string): QueuackError {
  return new QueuackError("QUEUACK_UNKNOWN_BATCH", {
    message: `Tenant ${tenant} has no batch ${id}. Nothing was accepted.`,
    details: { id, tenant },
  });
}

/** The error for a batch that takes no more members. */
export function finished(id: string, { name, cancelled }: OpenedBatch, what: string): QueuackError {
  return new QueuackError("QUEUACK_BATCH_FINISHED", {
    message: `Batch ${id} (${name}) ${cancelled ? "was cancelled" : "has nothing open"}, and ${what} came too late for it.`,
    details: { id, name, cancelled },
  });
}
