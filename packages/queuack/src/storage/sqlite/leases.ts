import type { AbandonedLease, JobStore } from "../store.ts";
import { idText } from "./codes.ts";
import type { SqlRow } from "./database.ts";
import { parseOptions } from "./job-rows.ts";
import type { Session } from "./session.ts";

interface LeaseRow {
  readonly token: number;
  readonly cancel_requested: number;
}

interface HolderRow {
  readonly token: number;
  readonly seq: number;
  readonly attempt: number;
}

/** What holders of a lease, and those who look after them, ask of the jobs. */
export function leases(session: Session): Pick<JobStore, "renew" | "report" | "abandoned"> {
  const { db, writer, clock } = session;
  // Leases are few, as many as jobs run: one walk over them finds all that are asked for.
  const renew = db.prepare(`UPDATE lease SET until = ? WHERE token IN (SELECT value FROM json_each(?))
    RETURNING token, cancel_requested`);
  const holders = db.prepare("SELECT token, seq, attempt FROM lease WHERE token IN (SELECT value FROM json_each(?))");
  const setProgress = db.prepare(
    "INSERT INTO progress (seq, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
  );
  const addLine = db.prepare(`INSERT INTO log (seq, line, at, level, message, data, attempt)
    VALUES (?, (SELECT coalesce(max(line), 0) + 1 FROM log WHERE seq = ?), ?, ?, ?, ?, ?)`);
  const abandoned = db.prepare(`SELECT lease.token, job.id, lease.attempt, job.max_attempts, job.options,
      lease.cancel_requested, worker.id AS worker, coalesce(worker.state, 'dead') <> 'running' AS dead
    FROM lease JOIN job ON job.seq = lease.seq LEFT JOIN worker ON worker.number = lease.worker
    WHERE lease.until <= ? OR coalesce(worker.state, 'dead') <> 'running'
    ORDER BY lease.token LIMIT +?`);

  return {
    renew: ({ tokens, leaseMs }) =>
      writer.write(function* () {
        const kept = renew.all(clock.now() + leaseMs, JSON.stringify(tokens)) as LeaseRow[];
        const known = new Set(kept.map(({ token }) => token));
        const lost = tokens.filter((token) => !known.has(token));
        const cancelled = kept.filter((lease) => lease.cancel_requested === 1).map(({ token }) => token);
        return { lost, cancelled };
      }, false),

    report: ({ reports }) =>
      writer.write(function* () {
        const now = clock.now();
        const lost: number[] = [];
        const found = holders.all(JSON.stringify(reports.map(({ token }) => token))) as HolderRow[];
        const leases = new Map(found.map((row) => [row.token, row]));
        for (const { token, progress, logs = [] } of reports) {
          const lease = leases.get(token);
          if (lease === undefined) {
            lost.push(token);
            continue;
          }
          if (progress != null) setProgress.run(lease.seq, progress);
          for (const { level, message, data } of logs) {
            addLine.run(lease.seq, lease.seq, now, level, message, data, lease.attempt);
          }
          yield;
        }
        return { lost };
      }, false),

    abandoned: ({ limit }) =>
      writer.read(() =>
        (abandoned.all(clock.now(), limit) as SqlRow[]).map(
          (row): AbandonedLease => ({
            token: row.token as number,
            id: idText(row.id as Uint8Array),
            attempt: row.attempt as number,
            maxAttempts: row.max_attempts as number,
            retry: parseOptions(row.options).retry ?? null,
            cancelRequested: row.cancel_requested === 1,
            worker: row.worker as string | null,
            reason: row.dead === 1 ? "dead" : "silent",
          }),
        ),
      ),
  };
}
