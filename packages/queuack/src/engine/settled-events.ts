import type { EventName, QueueEvent } from "../core/events.ts";
import type { ClaimedJob, JobRecord } from "../core/job.ts";
import type { Settlement } from "../core/settlement.ts";

/** The event that tells of a settlement; a job that is given back unharmed makes none. */
export const settledEvents = {
  completed: "job:completed",
  retryable: "job:retrying",
  discarded: "job:discarded",
  cancelled: "job:cancelled",
  released: null,
} as const satisfies Record<Settlement["to"], EventName | null>;

/** What an event needs to know of the job that was settled. */
export type SettledJob = Pick<ClaimedJob, "id" | "tenant" | "queue" | "task" | "attempt"> & {
  readonly startedAt: number | null;
};

/** The event of a settlement that was accepted; `null` where there is none. */
export function settledEvent(settlement: Settlement, job: SettledJob, at: number): QueueEvent | null {
  const { id, tenant, queue, task, attempt } = job;
  const facts = { id, tenant, queue, task, attempt, at };
  const durationMs = job.startedAt === null ? null : at - job.startedAt;
  switch (settlement.to) {
    case "completed":
      return { name: "job:completed", ...facts, result: settlement.result, durationMs: durationMs ?? 0 };
    case "retryable": {
      const { outcome, error, delayMs } = settlement;
      return { name: "job:retrying", ...facts, outcome, error, durationMs, delayMs };
    }
    case "discarded": {
      const { outcome, error } = settlement;
      return { name: "job:discarded", ...facts, outcome, error, durationMs };
    }
    case "cancelled":
      return { name: "job:cancelled", id, tenant, queue, task, at };
    case "released":
      return null;
  }
}

/** The event of a job that ended while it waited: cancelled or expired. */
export function endedWaiting(job: JobRecord): QueueEvent | null {
  const { id, tenant, queue, task, attempt, finishedAt, outcome } = job;
  const facts = { id, tenant, queue, task, at: finishedAt ?? job.createdAt };
  if (job.state === "cancelled") return { name: "job:cancelled", ...facts };
  if (job.state !== "discarded" || outcome === null) return null;
  const error = { name: "ExpiredError", message: "The job had not started when its time ran out." };
  return { name: "job:discarded", ...facts, attempt, outcome, error: job.error ?? error, durationMs: null };
}
