import type { Payload } from "../../core/job.ts";
import type { FinalState } from "../../core/job-state.ts";
import type { ErrorRecord, Outcome } from "../../core/outcome.ts";
import { outcomeCode, stateCode } from "./codes.ts";
import type { Statement } from "./database.ts";
import type { Tally } from "./lanes.ts";
import type { Session } from "./session.ts";
import type { Uniques } from "./uniques.ts";

/** A job that reaches a final state. */
export interface Ending {
  readonly seq: number;
  readonly lane: number;
  readonly attempts: number;
  readonly worker?: number | null | undefined;
  readonly startedAt?: number | null | undefined;
  /** `job.uniq`. */
  readonly uniq: string | null;
  /** `job.batch`. */
  readonly batch: number | null;
}

/** A failed attempt, to be kept. */
export interface Failure extends Omit<Required<Ending>, "uniq" | "batch"> {
  readonly outcome: Outcome;
  readonly error: ErrorRecord;
}

/** Puts jobs among the done, and failed attempts into their history. */
export class Endings {
  readonly #done: Statement;
  readonly #failure: Statement;
  readonly #uniques: Uniques;

  constructor({ db }: Session, uniques: Uniques) {
    this.#uniques = uniques;
    this.#done =
      db.prepare(`INSERT INTO done (seq, lane, state, outcome, attempts, worker, started_at, finished_at, result)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#failure = db.prepare(`INSERT INTO failure
        (seq, generation, attempt, outcome, error, worker, started_at, finished_at)
      SELECT seq, generation, ?, ?, ?, ?, ?, ? FROM job WHERE seq = ?`);
  }

  /** Ends a job and counts it. */
  end(ending: Ending, state: FinalState, outcome: Outcome, result: Payload, now: number, tally: Tally): void {
    const { seq, lane, attempts, worker = null, startedAt = null, uniq, batch } = ending;
    this.#done.run(seq, lane, stateCode[state], outcomeCode[outcome], attempts, worker, startedAt, now, result);
    tally.add(lane, state, 1);
    // Where another job holds the key by now, this one goes without: it is over, and the other is not.
    this.#uniques.enter(seq, uniq, state);
    if (batch !== null) tally.counted(batch, { open: -1, failed: countsAsFailed(state) ? 1 : 0 });
    if (state === "completed" || state === "discarded") tally.ended(lane, state === "completed");
  }

  /** Ends a job that nobody started in time. */
  expire(ending: Ending, now: number, tally: Tally): void {
    this.end(ending, "discarded", "expired", null, now, tally);
  }

  /** Keeps what went wrong in an attempt. */
  fail({ seq, attempts, outcome, error, worker, startedAt }: Failure, now: number): void {
    this.#failure.run(
      attempts,
      outcomeCode[outcome],
      JSON.stringify(error),
      worker ?? null,
      startedAt ?? now,
      now,
      seq,
    );
  }
}

/** Whether a member that ended so counts among the failed of its batch. */
export function countsAsFailed(state: FinalState): boolean {
  return state !== "completed" && state !== "skipped";
}
