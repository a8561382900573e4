import type { LogLevel } from "../../core/job.ts";
import type { ErrorRecord } from "../../core/outcome.ts";
import type { JobStore } from "../store.ts";
import { idBytes, outcomeOf } from "./codes.ts";
import type { SqlRow, SqlValue, Statement } from "./database.ts";
import { conditions, parseCursor, seqsInStates } from "./filters.ts";
import { jobRecord, recordColumns, recordTables } from "./job-rows.ts";
import type { Session } from "./session.ts";

/** What can be read of jobs. */
export function reading(session: Session): Pick<JobStore, "get" | "list" | "history"> {
  const { db, writer } = session;
  const one = db.prepare(`SELECT ${recordColumns} FROM ${recordTables} WHERE job.id = ?`);
  const attempts = db.prepare(`SELECT failure.*, worker.id AS worker_id FROM failure
    JOIN job ON job.seq = failure.seq LEFT JOIN worker ON worker.number = failure.worker
    WHERE job.id = ? ORDER BY failure.generation, failure.attempt`);
  const logs = db.prepare("SELECT log.* FROM log JOIN job ON job.seq = log.seq WHERE job.id = ? ORDER BY line");
  // Statements by their text: filters of one shape share one.
  const lists = new Map<string, Statement>();

  function list(sql: string, values: readonly SqlValue[]): SqlRow[] {
    let statement = lists.get(sql);
    if (statement === undefined) {
      statement = db.prepare(sql);
      if (lists.size >= 64) lists.clear();
      lists.set(sql, statement);
    }
    return statement.all(...values) as SqlRow[];
  }

  return {
    get: ({ ids }) =>
      writer.read(() =>
        ids.map((id) => {
          const row = one.get(idBytes(id)) as SqlRow | undefined;
          return row === undefined ? null : jobRecord(row);
        }),
      ),

    list: ({ filter, limit, cursor }) =>
      writer.read(() => {
        const { sql, values } = conditions(filter);
        const within = seqsInStates(filter.states);
        const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : parseCursor(cursor);
        const rows = list(
          `SELECT ${recordColumns} FROM ${recordTables}
           WHERE job.seq < ? ${within} AND ${sql} ORDER BY job.seq DESC LIMIT +?`,
          [before, ...values, limit + 1],
        );
        const more = rows.length > limit;
        if (more) rows.pop();
        return { items: rows.map(jobRecord), cursor: more ? String(rows.at(-1)?.seq) : null };
      }),

    history: ({ id }) =>
      writer.read(() => ({
        attempts: (attempts.all(idBytes(id)) as SqlRow[]).map((row) => ({
          generation: row.generation as number,
          attempt: row.attempt as number,
          outcome: outcomeOf(row.outcome as number),
          error: JSON.parse(row.error as string) as ErrorRecord,
          worker: row.worker_id as string | null,
          startedAt: row.started_at as number,
          finishedAt: row.finished_at as number,
        })),
        logs: (logs.all(idBytes(id)) as SqlRow[]).map((row) => ({
          at: row.at as number,
          level: row.level as LogLevel,
          message: row.message as string,
          data: row.data as string | null,
          attempt: row.attempt as number,
        })),
      })),
  };
}
