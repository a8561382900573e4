import type { Settlement } from "../../core/settlement.ts";
import { outcomeCode, stateCode } from "./codes.ts";
import type { SqlValue, Statement } from "./database.ts";
import type { Tally } from "./lanes.ts";
import type { LeasedJob } from "./leased.ts";
import type { Session } from "./session.ts";
import { SetStatement } from "./set-statement.ts";

/** A job that was leased here and has completed. */
export interface Completed {
  /** Its place among the settlements. */
  readonly at: number;
  readonly settlement: Settlement & { readonly to: "completed" };
  readonly leased: LeasedJob;
}

/** Ends the leases of completed jobs as sets: what most jobs come to. */
export class Completions {
  readonly #done: SetStatement;
  readonly #endLeases: SetStatement;
  readonly #holds: Statement;

  constructor({ db }: Session) {
    this.#done = new SetStatement(
      db,
      4,
      (rows) => `INSERT INTO done (seq, lane, state, outcome, attempts, worker, started_at, finished_at, result)
      SELECT lease.seq, lease.lane, ${stateCode.completed}, column4, lease.attempt, lease.worker, lease.started_at, ?, column3
      FROM ${rows} CROSS JOIN lease ON lease.seq = column1 AND lease.token = column2`,
    );
    this.#endLeases = new SetStatement(db, 2, (rows) => `DELETE FROM lease WHERE (seq, token) IN ${rows}`);
    this.#holds = db.prepare("SELECT 1 FROM lease WHERE seq = ? AND token = ?");
  }

  /** Ends the leases that still hold and counts their jobs; answers with those. */
  complete(jobs: readonly Completed[], now: number, tally: Tally): readonly Completed[] {
    const rows: SqlValue[] = [];
    const keys: SqlValue[] = [];
    for (const { settlement, leased } of jobs) {
      const { token, result, outcome = "succeeded" } = settlement;
      rows.push(leased.seq, token, result, outcomeCode[outcome]);
      keys.push(leased.seq, token);
    }
    const all = this.#done.run([now], rows) === jobs.length;
    const ended = all
      ? jobs
      : jobs.filter((job) => this.#holds.get(job.leased.seq, job.settlement.token) !== undefined);
    this.#endLeases.run([], keys);
    for (const { leased } of ended) {
      tally.add(leased.lane, "running", -1);
      tally.add(leased.lane, "completed", 1);
      tally.ended(leased.lane, true);
      if (leased.batch !== null) tally.counted(leased.batch, { open: -1 });
    }
    return ended;
  }
}
