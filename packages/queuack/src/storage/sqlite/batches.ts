import type { BatchFilter, BatchRecord } from "../../core/batch.ts";
import type { BatchStore } from "../store.ts";
import type { BatchLedger } from "./batch-ledger.ts";
import { idBytes, idText } from "./codes.ts";
import type { SqlRow, SqlValue } from "./database.ts";
import { type Condition, parseCursor } from "./filters.ts";
import type { Session } from "./session.ts";

/** The id of a job that follows a batch, as `job` has it. */
const followerId = (column: string) => `unhex(replace(old.${column} ->> 'id', '-', ''))`;

/** All that `batchRecord` reads. */
const columns = `batch.*, parent.id AS parent_id,
  (SELECT json_group_array(hex(child.id) ORDER BY child.seq) FROM batch AS child WHERE child.parent = batch.seq) AS children`;

const tables = "batch LEFT JOIN batch AS parent ON parent.seq = batch.parent";

/** The batches' part of the store. */
export function batchStore(session: Session, ledger: BatchLedger): BatchStore {
  const { db, writer, clock, lanes } = session;
  const one = db.prepare(`SELECT ${columns} FROM ${tables} WHERE batch.id = ?`);
  const find = db.prepare("SELECT seq, sealed FROM batch WHERE id = ?");
  const cancel = db.prepare("UPDATE batch SET cancelled_at = coalesce(cancelled_at, ?) WHERE seq = ?");
  // Children go before their parents: what names a batch never outlives it.
  const past = `SELECT seq FROM batch AS old
    WHERE completed_at < max(?, ?) AND completed_at < iif(failed = 0, ?, ?) AND open = 0 AND sealed = 1
      AND NOT EXISTS (SELECT 1 FROM job WHERE job.batch = old.seq)
      AND NOT EXISTS (SELECT 1 FROM batch AS child WHERE child.parent = old.seq)
      AND NOT EXISTS (SELECT 1 FROM job WHERE job.id IN (${followerId("on_complete")}, ${followerId("on_success")}))
    ORDER BY completed_at LIMIT +?`;
  const anyPast = db.prepare(past);
  const forget = db.prepare(`DELETE FROM batch WHERE seq IN (${past})`);

  return {
    get: ({ ids }) =>
      writer.read(() =>
        ids.map((id) => {
          const row = one.get(idBytes(id)) as SqlRow | undefined;
          return row === undefined ? null : batchRecord(row);
        }),
      ),

    list: ({ filter, limit, cursor }) =>
      writer.read(() => {
        const { sql, values } = conditions(filter);
        const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : parseCursor(cursor);
        const rows = db
          .prepare(`SELECT ${columns} FROM ${tables} WHERE batch.seq < ? AND ${sql} ORDER BY batch.seq DESC LIMIT +?`)
          .all(before, ...values, limit + 1) as SqlRow[];
        const more = rows.length > limit;
        if (more) rows.pop();
        return { items: rows.map(batchRecord), cursor: more ? String(rows.at(-1)?.seq) : null };
      }),

    cancel: ({ ids }) =>
      writer.write(function* () {
        const now = clock.now();
        const tally = session.tally();
        const known = ids.map((id) => {
          const row = find.get(idBytes(id)) as { seq: number; sealed: number } | undefined;
          if (row === undefined) return false;
          cancel.run(now, row.seq);
          if (row.sealed === 0) tally.sealed(row.seq);
          return true;
        });
        yield* ledger.apply(tally, now);
        lanes.apply(tally, now);
        return known;
      }),

    prune: async ({ retention, limit }) => {
      const now = clock.now();
      const times = [now - retention.completedMs, now - retention.discardedMs];
      const before = [...times, ...times];
      // Most calls find nothing: they need no lock.
      if ((await writer.read(() => anyPast.get(...before, 1))) === undefined) return 0;
      return await writer.write(function* () {
        return Number(forget.run(...before, limit).changes);
      });
    },

    onEnd: (listener) => ledger.onEnd(listener),
  };
}

function conditions({ tenant, names, open }: BatchFilter): Condition {
  const parts = ["1"];
  const values: SqlValue[] = [];
  if (tenant !== undefined) {
    parts.push("batch.tenant = ?");
    values.push(tenant);
  }
  if (names !== undefined) {
    parts.push("batch.name IN (SELECT value FROM json_each(?))");
    values.push(JSON.stringify(names));
  }
  if (open !== undefined) parts.push(`${open ? "" : "NOT "}(batch.open > 0 OR batch.sealed = 0)`);
  return { sql: parts.join(" AND "), values };
}

/** A row of `columns` as the engine reads it. */
function batchRecord(row: SqlRow): BatchRecord {
  const options = row.options === null ? {} : (JSON.parse(row.options as string) as Partial<BatchRecord>);
  const callback = (text: SqlValue | undefined) =>
    typeof text === "string" ? (JSON.parse(text) as { id: string }).id : null;
  return {
    id: idText(row.id as Uint8Array),
    tenant: row.tenant as string,
    name: row.name as string,
    parent: row.parent_id === null ? null : idText(row.parent_id as Uint8Array),
    children: (JSON.parse(row.children as string) as string[]).map((hex) => idText(Buffer.from(hex, "hex"))),
    total: row.total as number,
    open: row.open as number,
    failed: row.failed as number,
    sealed: row.sealed === 1,
    createdAt: row.created_at as number,
    completedAt: row.completed_at as number | null,
    succeededAt: row.succeeded_at as number | null,
    cancelledAt: row.cancelled_at as number | null,
    onComplete: callback(row.on_complete),
    onSuccess: callback(row.on_success),
    tags: options.tags ?? [],
    metadata: options.metadata ?? null,
  };
}
