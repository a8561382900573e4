import { type JobState, jobStates, waitingStates } from "../../core/job.ts";
import type { Backpressure, QueueSettings, Retention } from "../../core/queue-settings.ts";
import type { QueueStats } from "../../core/stats.ts";
import type { QueueStore } from "../store.ts";
import type { SqlRow } from "./database.ts";
import type { Session } from "./session.ts";

/** How far back the rates look. */
const rateWindowMinutes = 5;

/** The queues' part of the store, without what `removal` brings. */
export function queues(session: Session): Omit<QueueStore, "prune"> {
  const { db, writer, clock, lanes } = session;
  const pause = db.prepare("UPDATE queue SET paused_at = coalesce(paused_at, ?) WHERE id = ?");
  const resume = db.prepare("UPDATE queue SET paused_at = NULL WHERE id = ?");
  const setting = {
    backpressure: db.prepare("UPDATE queue SET backpressure = ? WHERE id = ?"),
    retention: db.prepare("UPDATE queue SET retention = ? WHERE id = ?"),
  };
  const sums = jobStates.map((state) => `coalesce(sum(lane.${state}), 0) AS ${state}`).join(", ");
  const counts =
    db.prepare(`SELECT queue.id, queue.tenant, queue.name, queue.paused_at, queue.backpressure, queue.retention,
      ${sums}
    FROM queue LEFT JOIN lane ON lane.queue = queue.id
    WHERE queue.tenant = coalesce(?, queue.tenant) AND queue.name = coalesce(?, queue.name)
    GROUP BY queue.id ORDER BY queue.tenant, queue.name`);
  // Within a lane and a priority the first is the oldest: one look-up for each of the 101 ranks, however many wait.
  const oldest =
    db.prepare(`WITH RECURSIVE rank (value) AS (SELECT 0 UNION ALL SELECT value + 1 FROM rank WHERE value < 100)
    SELECT min(job.created_at) AS at
    FROM lane CROSS JOIN rank
      CROSS JOIN job ON job.seq = (SELECT min(seq) FROM ready WHERE ready.lane = lane.id AND ready.rank = rank.value)
    WHERE lane.queue = ? AND lane.available > 0`);
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
      }),

    stats: ({ tenant, queue }) => writer.read(() => (counts.all(tenant ?? null, queue ?? null) as SqlRow[]).map(stats)),
  };
}
