import type { Codecs } from "../codecs/codecs.ts";
import type { AttemptRecord, JobRecord, LogRecord } from "../core/job.ts";
import { decodePayload } from "../core/payload.ts";

/** A job as it is shown: values instead of stored text, dates instead of numbers. */
export interface JobView
  extends Omit<
    JobRecord,
    "input" | "result" | "progress" | "createdAt" | "runAt" | "startedAt" | "finishedAt" | "expiresAt" | "leaseUntil"
  > {
  readonly input: unknown;
  readonly result: unknown;
  /** What was last reported: a number or an object; `undefined` before. */
  readonly progress: unknown;
  readonly createdAt: Date;
  readonly runAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly expiresAt: Date | null;
  readonly leaseUntil: Date | null;
}

/** A failed attempt as it is shown. */
export interface AttemptView extends Omit<AttemptRecord, "startedAt" | "finishedAt"> {
  readonly startedAt: Date;
  readonly finishedAt: Date;
}

/** A log line as it is shown. */
export interface LogView extends Omit<LogRecord, "at" | "data"> {
  readonly at: Date;
  readonly data: unknown;
}

/** A job for people; a payload that can't be read here is shown as `{ $codec, $error }`. */
export function jobView(job: JobRecord, codecs: Codecs): JobView {
  const date = (ms: number | null) => (ms === null ? null : new Date(ms));
  return {
    ...job,
    input: codecs.shown(job.input),
    result: codecs.shown(job.result),
    progress: codecs.shown(job.progress),
    createdAt: new Date(job.createdAt),
    runAt: new Date(job.runAt),
    startedAt: date(job.startedAt),
    finishedAt: date(job.finishedAt),
    expiresAt: date(job.expiresAt),
    leaseUntil: date(job.leaseUntil),
  };
}

/** A failed attempt for people. */
export function attemptView(attempt: AttemptRecord): AttemptView {
  return { ...attempt, startedAt: new Date(attempt.startedAt), finishedAt: new Date(attempt.finishedAt) };
}

/** A log line for people. */
export function logView(line: LogRecord): LogView {
  return { ...line, at: new Date(line.at), data: decodePayload(line.data) };
}
