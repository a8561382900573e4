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

/** Leases whose jobs' numbers leave no gap, and whose tokens are as far from those all along: the same claim gave them. */
interface Span {
  readonly first: number;
  readonly last: number;
  /** Token less number. */
  readonly ahead: number;
}

/** Ends the leases of completed jobs as sets: what most jobs come to. */
export class Completions {
  readonly #done: SetStatement;
  readonly #doneSpan: Statement;
  readonly #endLeases: SetStatement;
  readonly #endSpan: Statement;
  readonly #holds: Statement;

  constructor({ db }: Session) {
    const done = `INSERT INTO done (seq, lane, state, attempts, worker, started_at, finished_at, outcome, result)
      SELECT lease.seq, lease.lane, ${stateCode.completed}, lease.attempt, lease.worker, lease.started_at, ?`;
    this.#done = new SetStatement(
      db,
      4,
      (rows) => `${done}, column4, column3
      FROM ${rows} CROSS JOIN lease ON lease.seq = column1 AND lease.token = column2`,
    );
    this.#doneSpan = db.prepare(`${done}, ?, NULL FROM lease WHERE seq BETWEEN ? AND ? AND token = seq + ?`);
    this.#endLeases = new SetStatement(db, 2, (rows) => `DELETE FROM lease WHERE (seq, token) IN ${rows}`);
    this.#endSpan = db.prepare("DELETE FROM lease WHERE seq BETWEEN ? AND ? AND token = seq + ?");
    this.#holds = db.prepare("SELECT 1 FROM lease WHERE seq = ? AND token = ?");
  }

  /** Ends the leases that still hold, in the order of their jobs' numbers, and counts their jobs; answers with those. */
  complete(jobs: readonly Completed[], now: number, tally: Tally): readonly Completed[] {
    const span = spanOf(jobs);
    const outcome = span === null ? undefined : plainOutcome(jobs);
    const done =
      span !== null && outcome !== undefined
        ? (this.#doneSpan.run(now, outcome, span.first, span.last, span.ahead).changes as number)
        : this.#done.run([now], rowsOf(jobs));
    const ended =
      done === jobs.length
        ? jobs
        : jobs.filter((job) => this.#holds.get(job.leased.seq, job.settlement.token) !== undefined);
    if (span !== null) this.#endSpan.run(span.first, span.last, span.ahead);
    else this.#endLeases.run([], keysOf(jobs));
    for (const { leased } of ended) {
      tally.add(leased.lane, "running", -1);
      tally.add(leased.lane, "completed", 1);
      tally.ended(leased.lane, true);
      if (leased.batch !== null) tally.counted(leased.batch, { open: -1 });
    }
    return ended;
  }
}

/** The span of these leases, in the order of their jobs' numbers; `null` where they are none. */
function spanOf(jobs: readonly Completed[]): Span | null {
  const first = jobs[0]?.leased.seq ?? 0;
  const ahead = (jobs[0]?.settlement.token ?? 0) - first;
  for (let i = 1; i < jobs.length; i++) {
    const { leased, settlement } = jobs[i] as Completed;
    if (leased.seq !== first + i || settlement.token !== leased.seq + ahead) return null;
  }
  return { first, last: first + jobs.length - 1, ahead };
}

/** The code of the outcome that all of them have without a result, as most handlers do; `undefined` where they differ. */
function plainOutcome(jobs: readonly Completed[]): number | undefined {
  const outcome = jobs[0]?.settlement.outcome;
  const alike = jobs.every(({ settlement }) => settlement.result === null && settlement.outcome === outcome);
  return alike ? outcomeCode[outcome ?? "succeeded"] : undefined;
}

/** Their rows one behind the other: a list for each would be garbage at once. */
function rowsOf(jobs: readonly Completed[]): SqlValue[] {
  const rows: SqlValue[] = [];
  for (const { settlement, leased } of jobs) {
    const { token, result, outcome = "succeeded" } = settlement;
    rows.push(leased.seq, token, result, outcomeCode[outcome]);
  }
  return rows;
}

function keysOf(jobs: readonly Completed[]): SqlValue[] {
  const keys: SqlValue[] = [];
  for (const { settlement, leased } of jobs) keys.push(leased.seq, settlement.token);
  return keys;
}
