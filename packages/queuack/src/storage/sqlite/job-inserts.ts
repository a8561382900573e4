import type { NewJob } from "../../core/job.ts";
import type { Statement } from "./database.ts";
import { optionsText } from "./job-rows.ts";
import type { Tables } from "./session.ts";

/** Where a new job belongs, as the tables have it. */
export interface NewRow {
  readonly seq: number;
  /** The bytes of its id. */
  readonly id: Uint8Array | null;
  readonly lane: number;
  readonly runAt: number;
  readonly uniq: string | null;
  /** Number of the batch that it is a member of. */
  readonly batch: number | null;
}

/** Writes the rows of new jobs; putting them in their place is another's business. */
export class JobInserts {
  readonly #insert: Statement;

  constructor({ db }: Tables) {
    this.#insert = db.prepare(`INSERT INTO job
    (seq, id, lane, grp, priority, max_attempts, created_at, run_at, expires_at, options, input, uniq, batch)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`);
  }

  /** Writes one; `false` where a job of its id is there already. */
  insert(job: NewJob, { seq, id, lane, runAt, uniq, batch }: NewRow, now: number): boolean {
    const { changes } = this.#insert.run(
      seq,
      id,
      lane,
      job.group ?? "",
      job.priority,
      job.maxAttempts,
      now,
      runAt,
      job.expiresInMs === undefined ? null : now + job.expiresInMs,
      optionsText(job),
      job.input,
      uniq,
      batch,
    );
    return changes !== 0;
  }
}
