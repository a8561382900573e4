import type { WorkerInfo, WorkerRecord, WorkerVitals } from "../../core/worker-record.ts";
import type { WorkerStore } from "../store.ts";
import type { SqlRow } from "./database.ts";
import type { ProcessLock } from "./process-lock.ts";
import type { Session } from "./session.ts";

/** The workers' part of the store. */
export function workers(session: Session, lock: ProcessLock): WorkerStore {
  const { db, writer, clock } = session;
  const register = db.prepare(`INSERT INTO worker (id, instance, state, info, started_at, beat_at)
    VALUES (?, ?, 'running', ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET instance = excluded.instance, state = 'running', info = excluded.info, beat_at = excluded.beat_at`);
  const beat = db.prepare("UPDATE worker SET vitals = ?, beat_at = ? WHERE id = ? AND state = 'running'");
  const stop = db.prepare("UPDATE worker SET state = 'stopped', beat_at = ? WHERE id = ? AND state = 'running'");
  const list = db.prepare("SELECT * FROM worker ORDER BY number");
  const instances = db.prepare("SELECT DISTINCT instance FROM worker WHERE state = 'running'");
  const bury = db.prepare("UPDATE worker SET state = 'dead' WHERE instance = ? AND state = 'running' RETURNING id");

  return {
    register: async ({ worker }) => {
      lock.hold();
      await writer.write(function* () {
        const now = clock.now();
        register.run(worker.id, lock.instance, JSON.stringify(worker), now, now);
      }, false);
    },

    beat: ({ id, vitals }) =>
      writer.write(function* () {
        return beat.run(JSON.stringify(vitals), clock.now(), id).changes !== 0;
      }, false),

    deregister: ({ id }) =>
      writer.write(function* () {
        stop.run(clock.now(), id);
      }, false),

    list: () => writer.read(() => (list.all() as SqlRow[]).map(workerRecord)),

    findDead: async () => {
      const gone = await writer.read(() =>
        (instances.all() as { instance: string }[]).map((row) => row.instance).filter((one) => !lock.isAlive(one)),
      );
      if (gone.length === 0) return [];
      const dead = await writer.write(function* () {
        return gone.flatMap((instance) => (bury.all(instance) as { id: string }[]).map(({ id }) => id));
      });
      for (const instance of gone) lock.forget(instance);
      return dead;
    },
  };
}

/** A row of `worker` as the engine reads it. */
export function workerRecord(row: SqlRow): WorkerRecord {
  return {
    ...(JSON.parse(row.info as string) as WorkerInfo),
    state: row.state as WorkerRecord["state"],
    startedAt: row.started_at as number,
    beatAt: row.beat_at as number,
    vitals: row.vitals === null ? null : (JSON.parse(row.vitals as string) as WorkerVitals),
  };
}
