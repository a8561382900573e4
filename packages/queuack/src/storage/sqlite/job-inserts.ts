import type { NewJob } from "../../core/job.ts";
import type { SqlValue } from "./database.ts";
import { optionsText } from "./job-rows.ts";
import type { Tables } from "./session.ts";
import { SetStatement } from "./set-statement.ts";

/** Where a new job belongs, as the tables have it. */
export interface NewRow {
  readonly seq: number;
  readonly lane: number;
  readonly runAt: number;
  readonly uniq: string | null;
  /** Number of the batch that it is a member of. */
  readonly batch: number | null;
}

/** Writes the rows of new jobs; putting them in their place is another's business. */
export class JobInserts {
  readonly #insert: SetStatement;

  constructor({ db }: Tables) {
    this.#insert = new SetStatement(
      db,
      3,
      (rows) => `INSERT INTO job
    (seq, id, input, lane, grp, priority, max_attempts, created_at, run_at, expires_at, options, uniq, batch)
    SELECT column1, unhex(column2, '-'), column3, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM ${rows} WHERE true
    ON CONFLICT (id) DO NOTHING`,
    );
  }

  /**
   * Writes jobs that differ in nothing but id and input, with numbers from `row.seq` on; how many were not there already.
   */
  insert(jobs: readonly NewJob[], { seq, lane, runAt, uniq, batch }: NewRow, now: number): number {
    const job = jobs[0] as NewJob;
    const expiresAt = job.expiresInMs === undefined ? null : now + job.expiresInMs;
    const { group = "", priority, maxAttempts } = job;
    const cells: SqlValue[] = [];
    for (let i = 0; i < jobs.length; i++) {
      const { id, input } = jobs[i] as NewJob;
      cells.push(seq + i, id, input);
    }
    const shared = [lane, group, priority, maxAttempts, now, runAt, expiresAt, optionsText(job), uniq, batch];
    return this.#insert.run(shared, cells);
  }
}
