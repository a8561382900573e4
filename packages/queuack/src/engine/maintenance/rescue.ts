import { afterFailure } from "../../core/retry.ts";
import type { Settlement } from "../../core/settlement.ts";
import type { AbandonedLease } from "../../storage/store.ts";

/**
 * What becomes of a job whose worker is gone: the attempt counts as crashed, so that a job that kills its worker ends
 * in the dead letter queue; one that somebody wanted cancelled is cancelled. Needs none of the user's code.
 */
export function rescue(lease: AbandonedLease, random: number): Settlement {
  const { token, id } = lease;
  if (lease.cancelRequested) return { token, id, to: "cancelled" };
  const what =
    lease.reason === "dead"
      ? `Worker ${lease.worker ?? "unknown"} died while it ran the job.`
      : `Worker ${lease.worker ?? "unknown"} let the lease run out.`;
  const after = afterFailure(
    {
      attempt: lease.attempt,
      maxAttempts: lease.maxAttempts,
      policy: lease.retry,
      outcome: "crashed",
      error: { name: "WorkerLostError", message: what, code: "QUEUACK_WORKER_LOST" },
    },
    random,
  );
  return { token, id, ...after };
}
