import { type JobState, jobStates, waitingStates } from "../../core/job-state.ts";
import type { Backpressure, Escalation, QueueSettings, Retention } from "../../core/queue-settings.ts";
import type { QueueStats } from "../../core/stats.ts";
import type { QueueStore } from "../store.ts";
import type { SqlRow } from "./database.ts";
import type { Session } from "./session.ts";

/** Lists of ready jobs that are looked at for the oldest: as many groups may wait as there are customers. */
const listLimit = 5_000;

/** How far back the rates look. */
const rateWindowMinutes = 5;

/** The queues' part of the store, without what `removal` brings. */
export function queues(session: Session): Omit<QueueStore, "prune"> {
  const { db, writer, clock, lanes, flow } = session;
  const pause = db.prepare("UPDATE queue SET paused_at = coalesce(paused_at, ?) WHERE id = ?");
  const resume = db.prepare("UPDATE queue SET paused_at = NULL WHERE id = ?");
  const setting = {
    backpressure: db.prepare("UPDATE queue SET backpressure = ? WHERE id = ?"),
    retention: db.prepare("UPDATE queue SET retention = ? WHERE id = ?"),
    escalation: db.prepare("UPDATE queue SET escalation = ? WHERE id = ?"),
  };
  const lanesOf = db.prepare("SELECT id FROM lane WHERE queue = ? AND available > 0");
  const readyAfter =
    db.prepare(`SELECT ready.grp, ready.rank, ready.seq, job.run_at FROM ready JOIN job ON job.seq = ready.seq
    WHERE ready.lane = ? AND (ready.grp, ready.rank, ready.seq) > (?, ?, ?)
    ORDER BY ready.grp, ready.rank, ready.seq LIMIT 256`);
  const riseAt = db.prepare("INSERT INTO rise (seq, at) VALUES (?, ?) ON CONFLICT DO UPDATE SET at = excluded.at");
  const sums = jobStates.map((state) => `coalesce(sum(lane.${state}), 0) AS ${state}`).join(", ");
  const counts =
    db.prepare(`SELECT queue.id, queue.tenant, queue.name, queue.paused_at, queue.backpressure, queue.retention, queue.escalation,
      ${sums}
    FROM queue LEFT JOIN lane ON lane.queue = queue.id
    WHERE queue.tenant = coalesce(?, queue.tenant) AND queue.name = coalesce(?, queue.name)
    GROUP BY queue.id ORDER BY queue.tenant, queue.name`);
  // The first of a list is its oldest: a look-up for each list, however many jobs wait in it.
  const oldest = db.prepare(`SELECT min(job.created_at) AS at FROM
      (SELECT turn.lane, turn.grp, turn.rank FROM turn JOIN lane ON lane.id = turn.lane WHERE lane.queue = ? LIMIT ${listLimit}) AS list
    JOIN job ON job.seq = (SELECT min(seq) FROM ready
      WHERE ready.lane = list.lane AND ready.grp = list.grp AND ready.rank = list.rank)`);
  const recent = db.prepare(`SELECT coalesce(sum(throughput.completed), 0) AS completed,
      coalesce(sum(throughput.failed), 0) AS failed
    FROM lane JOIN throughput ON throughput.lane = lane.id
    WHERE lane.queue = ? AND throughput.minute > ?`);

  function stats(row: SqlRow): QueueStats {
    const now = clock.now();
    const counts = Object.fromEntries(jobStates.map((state) => [state, row[state] as number])) as Record<
      JobState,
      number
    >;
    const rates = recent.get(row.id as number, Math.floor(now / 60_000) - rateWindowMinutes) as SqlRow;
    return {
      tenant: row.tenant as string,
      queue: row.name as string,
      pausedAt: row.paused_at as number | null,
      settings: {
        backpressure: row.backpressure === null ? null : (JSON.parse(row.backpressure as string) as Backpressure),
        retention: row.retention === null ? null : (JSON.parse(row.retention as string) as Retention),
        escalation: row.escalation === null ? null : (JSON.parse(row.escalation as string) as Escalation),
      },
      counts,
      waiting: waitingStates.reduce((sum, state) => sum + counts[state], 0),
      oldestAvailableAt: (oldest.get(row.id as number) as { at: number | null }).at,
      recent: {
        completed: rates.completed as number,
        failed: rates.failed as number,
        windowMs: rateWindowMinutes * 60_000,
      },
    };
  }

  /** What waits already rises when it has waited long enough since it could have started. */
  function* raiseLater(queueId: number, afterMs: number): Generator<void, void, void> {
    for (const { id } of lanesOf.all(queueId) as { id: number }[]) {
      let after: [string, number, number] = ["", -1, -1];
      for (;;) {
        const rows = readyAfter.all(id, ...after) as { grp: string; rank: number; seq: number; run_at: number }[];
        for (const { seq, rank, run_at: runAt } of rows) if (rank > 0) riseAt.run(seq, runAt + afterMs);
        const last = rows.at(-1);
        if (last === undefined) break;
        after = [last.grp, last.rank, last.seq];
        yield;
      }
    }
  }

  return {
    pause: ({ tenant, queue, paused }) =>
      writer.write(function* () {
        const id = lanes.queueId(tenant, queue);
        if (paused) pause.run(clock.now(), id);
        else resume.run(id);
      }),

    configure: ({ tenant, queue, settings }) =>
      writer.write(function* () {
        const id = lanes.queueId(tenant, queue);
        for (const name of Object.keys(setting) as (keyof QueueSettings)[]) {
          const value = settings[name];
          if (value !== undefined) setting[name].run(value === null ? null : JSON.stringify(value), id);
        }
        if (settings.escalation === undefined) return;
        if (settings.escalation !== null) yield* raiseLater(id, settings.escalation.afterMs);
        flow.changed();
      }),

    stats: ({ tenant, queue }) => writer.read(() => (counts.all(tenant ?? null, queue ?? null) as SqlRow[]).map(stats)),
  };
}
