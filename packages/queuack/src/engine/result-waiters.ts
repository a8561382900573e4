import type { Clock } from "../core/clock.ts";
import { QueuackError } from "../core/errors.ts";
import type { JobRecord } from "../core/job.ts";
import { isFinal } from "../core/job-state.ts";
import type { Settlement } from "../core/settlement.ts";
import type { Store } from "../storage/store.ts";
import type { FinishedJob } from "./broker.ts";

/** How soon after a foreign commit the store is asked, milliseconds: many commits share one question. */
const askAfterMs = 5;

/** How soon after a question that failed the store is asked again, milliseconds. */
const askAgainMs = 1_000;

/** Most ids in one question. */
const askAtOnce = 500;

type Settle = (outcome: FinishedJob | null | QueuackError) => void;

/** Those who wait for jobs to end: told by this process's settlements, and by other processes' commits. */
export class ResultWaiters {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<Settle>>();
  #stopListening: (() => void) | null = null;
  /** Timers and file events keep no process alive; somebody who waits for a result must. */
  #keepAlive: NodeJS.Timeout | null = null;
  #asking = false;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Whether anybody waits for a job. */
  has(id: string): boolean {
    return this.#waiting.has(id);
  }

  /** Tells everybody who waits for this job. */
  finished(job: FinishedJob): void {
    this.#settle(job.id, job);
  }

  /** Asks the store about all that is waited for: jobs may have ended or gone. */
  async ask(): Promise<void> {
    const ids = [...this.#waiting.keys()];
    for (let i = 0; i < ids.length; i += askAtOnce) {
      const some = ids.slice(i, i + askAtOnce);
      const jobs = await this.#store.jobs.get({ ids: some });
      for (const [at, id] of some.entries()) {
        const job = jobs[at];
        if (job == null) this.#settle(id, unknownJob(id));
        else if (isFinal(job.state)) this.finished(finishedJob(job));
      }
    }
  }

  /** Waits until a job is final; `null` when the time runs out. @throws {QueuackError} `QUEUACK_UNKNOWN_JOB` */
  async wait(id: string, timeoutMs: number | undefined): Promise<FinishedJob | null> {
    // Listening starts before the look, so that an end between the two is not missed.
    let settle: Settle = () => undefined;
    const result = new Promise<FinishedJob | null | QueuackError>((resolve) => {
      settle = resolve;
    });
    const waiters = this.#waiting.get(id) ?? new Set();
    waiters.add(settle);
    this.#waiting.set(id, waiters);
    this.#keepAlive ??= setInterval(() => undefined, 2 ** 30);
    this.#stopListening ??= this.#store.onForeignCommit(() => this.#askSoon());
    const cancelTimer = timeoutMs === undefined ? undefined : this.#clock.timer(timeoutMs, () => settle(null));
    try {
      const [job] = await this.#store.jobs.get({ ids: [id] });
      if (job == null) throw unknownJob(id);
      if (isFinal(job.state)) return finishedJob(job);
      const ended = await result;
      if (ended instanceof QueuackError) throw ended;
      return ended;
    } finally {
      cancelTimer?.();
      waiters.delete(settle);
      if (waiters.size === 0 && this.#waiting.get(id) === waiters) this.#waiting.delete(id);
      if (this.#waiting.size === 0) this.#rest();
    }
  }

  /** Tells everybody who still waits that nothing will come, and stops listening. */
  close(): void {
    const closed = new QueuackError("QUEUACK_CLOSED", {
      message: "The queue was closed while a result was waited for.",
    });
    for (const waiters of this.#waiting.values()) for (const settle of waiters) settle(closed);
    this.#waiting.clear();
    this.#rest();
  }

  /** Nobody waits: nothing is listened to, and the process may end. */
  #rest(): void {
    this.#stopListening?.();
    this.#stopListening = null;
    if (this.#keepAlive !== null) clearInterval(this.#keepAlive);
    this.#keepAlive = null;
  }

  #settle(id: string, outcome: FinishedJob | QueuackError): void {
    const waiters = this.#waiting.get(id);
    if (waiters === undefined) return;
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#rest();
    for (const settle of waiters) settle(outcome);
  }

  #askSoon(afterMs = askAfterMs): void {
    if (this.#asking) return;
    this.#asking = true;
    this.#clock.timer(afterMs, () => {
      this.#asking = false;
      // A store that can't be read now may be read later; those who wait have their own time limits.
      this.ask().catch(() => this.#askSoon(askAgainMs));
    });
  }
}

function unknownJob(id: string): QueuackError {
  return new QueuackError("QUEUACK_UNKNOWN_JOB", { message: `There is no job ${id}.`, details: { id } });
}

/** What a final job left. */
export function finishedJob(job: JobRecord): FinishedJob {
  if (!isFinal(job.state)) throw new Error(`job ${job.id} is ${job.state}, which is not final`);
  const { id, state, outcome, result, error } = job;
  return { id, state, outcome, result, error };
}

/** What a settlement leaves, where it makes the job final; `null` where the job goes on. */
export function finishedBy(settlement: Settlement): FinishedJob | null {
  const { id, to: state } = settlement;
  switch (state) {
    case "completed":
      return { id, state, outcome: settlement.outcome ?? "succeeded", result: settlement.result, error: null };
    case "discarded":
      return { id, state, outcome: settlement.outcome, result: null, error: settlement.error };
    case "cancelled":
      return { id, state, outcome: "cancelled", result: null, error: null };
    default:
      return null;
  }
}
