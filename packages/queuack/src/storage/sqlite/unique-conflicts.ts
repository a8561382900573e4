import { QueuackError } from "../../core/errors.ts";
import type { NewJob } from "../../core/job.ts";
import { isFinal } from "../../core/job-state.ts";
import type { Uniqueness } from "../../core/unique.ts";
import type { InsertReply } from "../store.ts";
import { idText, stateOf } from "./codes.ts";
import type { Statement } from "./database.ts";
import { optionsText, placeJoins, stateExpression } from "./job-rows.ts";
import type { Tally } from "./lanes.ts";
import type { Places } from "./places.ts";
import type { Tables } from "./session.ts";

interface HolderRow {
  readonly id: Uint8Array;
  readonly lane: number;
  readonly grp: string;
  readonly priority: number;
  readonly run_at: number;
  readonly attempts: number;
  readonly waiting_for: string | null;
  readonly state: number;
}

/** What becomes of a new job whose unique key another job holds. */
export class UniqueConflicts {
  readonly #places: Places;
  readonly #holder: Statement;
  readonly #replace: Statement;
  readonly #reschedule: Statement;

  constructor({ db }: Tables, places: Places) {
    this.#places = places;
    this.#holder = db.prepare(`SELECT job.id, job.lane, job.grp, job.priority, job.run_at, job.attempts,
        pending.waiting_for, ${stateExpression} AS state
      FROM job ${placeJoins} WHERE job.seq = ?`);
    this.#replace = db.prepare(`UPDATE job
      SET input = ?, priority = ?, max_attempts = max(?, attempts + 1), run_at = ?, expires_at = ?, options = ?
      WHERE seq = ?`);
    this.#reschedule = db.prepare("UPDATE job SET run_at = ? WHERE seq = ?");
  }

  /**
   * Answers with the job that holds the key, changed as the new one asks for; one that has started is left as it is.
   * @throws {QueuackError} `QUEUACK_DUPLICATE_JOB` where the new one asks for that
   */
  resolve(job: NewJob, seq: number, runAt: number, now: number, tally: Tally): InsertReply["jobs"][number] {
    const row = this.#holder.get(seq) as HolderRow;
    const { lane, grp: group, priority, attempts, waiting_for: waitingFor } = row;
    const { onConflict } = job.unique as Uniqueness;
    const id = idText(row.id);
    const state = stateOf(row.state);
    if (onConflict === "reject") {
      throw new QueuackError("QUEUACK_DUPLICATE_JOB", {
        message: `Job ${id} (${state}) holds the unique key of this job of task ${job.task}. Nothing was accepted.`,
        details: { id: job.id, existing: id, state, task: job.task },
      });
    }
    if (onConflict === "ignore" || isFinal(state) || state === "running") {
      return { id, state, duplicate: true, conflict: "ignored" };
    }
    const replaced = onConflict === "replace";
    const waiting = { seq, lane, group, runAt, failed: attempts > 0, waitingFor };
    this.#places.leave({ seq, lane, group, priority, runAt: row.run_at, state }, tally);
    if (replaced) {
      const expiresAt = job.expiresInMs === undefined ? null : now + job.expiresInMs;
      this.#replace.run(job.input, job.priority, job.maxAttempts, runAt, expiresAt, optionsText(job), seq);
    } else this.#reschedule.run(runAt, seq);
    return {
      id,
      state: this.#places.put({ ...waiting, priority: replaced ? job.priority : priority }, now, tally),
      duplicate: true,
      conflict: replaced ? "replaced" : "rescheduled",
    };
  }
}
