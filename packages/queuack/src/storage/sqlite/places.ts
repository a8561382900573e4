import type { NewJob } from "../../core/job.ts";
import type { JobState } from "../../core/job-state.ts";
import { stateCode } from "./codes.ts";
import type { Statement } from "./database.ts";
import type { Lanes, Tally } from "./lanes.ts";
import type { Tables } from "./session.ts";
import { SetStatement } from "./set-statement.ts";

/** A job that is to be put where it waits. */
export interface Waiting {
  readonly seq: number;
  readonly lane: number;
  readonly group: string;
  readonly priority: number;
  readonly runAt: number;
  /** Whether an attempt of this generation has failed already. */
  readonly failed: boolean;
  readonly waitingFor?: string | null | undefined;
}

/** A job that leaves the place where it stands. */
export interface Departing {
  readonly seq: number;
  readonly lane: number;
  readonly group: string;
  readonly priority: number;
  readonly runAt: number;
  readonly state: JobState;
}

/** Jobs with numbers in a row, of which some may not be there: at most `SetStatement.most` numbers. */
export interface JobSpan {
  readonly from: number;
  readonly to: number;
  /** How many there are. */
  readonly jobs: number;
}

/** Puts waiting jobs where they belong, among the pending, the timers or the ready, and takes them out again. */
export class Places {
  readonly #lanes: Lanes;
  readonly #ready: Statement;
  readonly #readyAll: Statement;
  readonly #readySpan: Statement;
  readonly #rise: Statement;
  readonly #timer: Statement;
  readonly #pending: Statement;
  readonly #leaveReady: Statement;
  readonly #leaveTimer: Statement;
  readonly #leavePending: Statement;
  readonly #leaveDone: Statement;

  constructor({ db, lanes }: Tables) {
    this.#lanes = lanes;
    this.#ready = db.prepare("INSERT INTO ready (lane, grp, rank, seq) VALUES (?, ?, ?, ?)");
    // From numbers that are written down here: those who are all there need not be looked up.
    const offsets = Array.from({ length: SetStatement.most }, (_, i) => `(${i})`).join(", ");
    this.#readyAll = db.prepare(`INSERT INTO ready (lane, grp, rank, seq)
      SELECT ?, ?, ?, ? + column1 FROM (VALUES ${offsets}) WHERE column1 < ?`);
    this.#readySpan = db.prepare(`INSERT INTO ready (lane, grp, rank, seq)
      SELECT lane, grp, 100 - priority, seq FROM job WHERE seq BETWEEN ? AND ?`);
    this.#rise = db.prepare("INSERT INTO rise (seq, at) VALUES (?, ?) ON CONFLICT DO UPDATE SET at = excluded.at");
    this.#timer = db.prepare("INSERT INTO timer (at, seq, state) VALUES (?, ?, ?)");
    this.#pending = db.prepare("INSERT INTO pending (seq, waiting_for) VALUES (?, ?)");
    this.#leaveReady = db.prepare("DELETE FROM ready WHERE lane = ? AND grp = ? AND rank = ? AND seq = ?");
    this.#leaveTimer = db.prepare("DELETE FROM timer WHERE at = ? AND seq = ?");
    this.#leavePending = db.prepare("DELETE FROM pending WHERE seq = ?");
    this.#leaveDone = db.prepare("DELETE FROM done WHERE seq = ?");
  }

  /** Puts a job in its place and counts it there. */
  put(job: Waiting, now: number, tally: Tally): JobState {
    const { seq, lane } = job;
    let state: JobState;
    if (job.waitingFor != null) {
      state = "pending";
      this.#pending.run(seq, job.waitingFor);
    } else if (job.runAt > now) {
      state = job.failed ? "retryable" : "scheduled";
      this.#timer.run(job.runAt, seq, stateCode[state]);
    } else {
      state = "available";
      this.#ready.run(lane, job.group, 100 - job.priority, seq);
      tally.listed(lane, job.group, 100 - job.priority);
      this.#riseLater(job, now, tally);
    }
    tally.add(lane, state, 1);
    return state;
  }

  /** Puts new jobs that are alike among the ready and counts them there. Not where priorities rise. */
  putReady(
    { from, to, jobs }: JobSpan,
    lane: number,
    { group = "", priority }: Pick<NewJob, "group" | "priority">,
    tally: Tally,
  ): void {
    if (jobs === to - from + 1) this.#readyAll.run(lane, group, 100 - priority, from, jobs);
    else this.#readySpan.run(from, to);
    tally.listed(lane, group, 100 - priority);
    tally.add(lane, "available", jobs);
  }

  /** Lets the priority of a ready job rise when it has waited long enough, where its queue says so. */
  #riseLater({ seq, lane, priority }: Waiting, now: number, tally: Tally): void {
    const { escalations } = tally.flow;
    if (escalations.size === 0 || priority >= 100) return;
    const escalation = escalations.get(this.#lanes.byId(lane).queueId);
    if (escalation !== undefined) this.#rise.run(seq, now + escalation.afterMs);
  }

  /** Takes a job out and counts it off. Never a running one: a lease ends by settling it. */
  leave({ seq, lane, group, priority, runAt, state }: Departing, tally: Tally): void {
    tally.add(lane, state, -1);
    switch (state) {
      case "available":
        this.#leaveReady.run(lane, group, 100 - priority, seq);
        return;
      case "scheduled":
      case "retryable":
        this.#leaveTimer.run(runAt, seq);
        return;
      case "pending":
        this.#leavePending.run(seq);
        return;
      case "running":
        throw new Error(`job ${seq} is running and can't be taken out`);
      default:
        this.#leaveDone.run(seq);
    }
  }
}
