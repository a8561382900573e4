import type { NewJob } from "../../core/job.ts";

/** Whether a job is ready at once, and nothing has to be looked up for it: many such can be written as one set. */
export function isOrdinary(job: NewJob): boolean {
  return (
    job.runAt === undefined &&
    job.delayMs === undefined &&
    job.idempotencyKey === undefined &&
    job.unique === undefined &&
    job.waitingFor === undefined &&
    job.expiresInMs === undefined
  );
}

/** Whether a job is ordinary as well, and differs from an ordinary one in nothing but id and input. */
export function isAlike(ordinary: NewJob, job: NewJob): boolean {
  return (
    job.task === ordinary.task &&
    job.queue === ordinary.queue &&
    job.tenant === ordinary.tenant &&
    job.priority === ordinary.priority &&
    job.maxAttempts === ordinary.maxAttempts &&
    job.group === ordinary.group &&
    job.batch === ordinary.batch &&
    job.retry === ordinary.retry &&
    job.timeoutMs === ordinary.timeoutMs &&
    job.tags === ordinary.tags &&
    job.metadata === ordinary.metadata &&
    job.callbackOf === ordinary.callbackOf &&
    isOrdinary(job)
  );
}
