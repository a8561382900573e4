import type { Clock } from "../core/clock.ts";
import { QueuackError } from "../core/errors.ts";
import type { JobRecord } from "../core/job.ts";
import { isFinal } from "../core/job-state.ts";
import type { Settlement } from "../core/settlement.ts";
import type { Store } from "../storage/store.ts";
import type { FinishedJob } from "./broker.ts";
import { Waiters } from "./waiters.ts";

/** Those who wait for jobs to end. */
export class ResultWaiters extends Waiters<FinishedJob> {
  constructor(store: Store, clock: Clock) {
    super(store, clock, {
      what: "a result",
      look: async (ids) =>
        (await store.jobs.get({ ids })).map((job, i) => {
          if (job === null) return unknownJob(ids[i] as string);
          return isFinal(job.state) ? finishedJob(job) : null;
        }),
    });
  }

  /** Tells everybody who waits for this job. */
  finished(job: FinishedJob): void {
    this.told(job.id, job);
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
