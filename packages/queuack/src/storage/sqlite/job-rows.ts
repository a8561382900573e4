import type { JobRecord, NewJob } from "../../core/job.ts";
import type { ErrorRecord } from "../../core/outcome.ts";
import type { RetryPolicy } from "../../core/retry.ts";
import { idText, outcomeOf, stateCode, stateOf } from "./codes.ts";
import type { SqlRow } from "./database.ts";

/** The tables that say where a job stands, to be joined to `job`. */
export const placeJoins = `LEFT JOIN done ON done.seq = job.seq
  LEFT JOIN lease ON lease.seq = job.seq
  LEFT JOIN timer ON timer.at = job.run_at AND timer.seq = job.seq
  LEFT JOIN pending ON pending.seq = job.seq`;

/** The state of a job where `placeJoins` are joined: what stands nowhere else is ready. */
export const stateExpression = `CASE
  WHEN done.seq IS NOT NULL THEN done.state
  WHEN lease.seq IS NOT NULL THEN ${stateCode.running}
  WHEN timer.seq IS NOT NULL THEN timer.state
  WHEN pending.seq IS NOT NULL THEN ${stateCode.pending}
  ELSE ${stateCode.available} END`;

/** All that `jobRecord` reads; the last failure is the one that explains a state. */
export const recordColumns = `job.seq, job.id, job.priority, job.max_attempts, job.attempts, job.generation,
  job.grp, job.created_at, job.run_at, job.expires_at, job.options, job.input,
  queue.tenant, queue.name AS queue, lane.task, ${stateExpression} AS state,
  done.outcome, done.attempts AS done_attempts, done.started_at AS done_started_at, done.finished_at, done.result,
  lease.attempt AS lease_attempt, lease.started_at AS lease_started_at, lease.until, lease.cancel_requested,
  pending.waiting_for, progress.value AS progress, idempotency.key AS idempotency_key, worker.id AS worker,
  (SELECT batch.id FROM batch WHERE batch.seq = job.batch) AS batch_id,
  failure.error, failure.outcome AS failure_outcome, failure.started_at AS failure_started_at`;

/** Everything that `recordColumns` names, with `job` first. */
export const recordTables = `job JOIN lane ON lane.id = job.lane JOIN queue ON queue.id = lane.queue
  ${placeJoins}
  LEFT JOIN progress ON progress.seq = job.seq
  LEFT JOIN idempotency ON idempotency.seq = job.seq
  LEFT JOIN worker ON worker.number = coalesce(done.worker, lease.worker)
  LEFT JOIN failure ON failure.seq = job.seq AND failure.generation = job.generation
    AND failure.attempt = (SELECT max(attempt) FROM failure AS f WHERE f.seq = job.seq AND f.generation = job.generation)`;

/** What `job.options` holds. */
export interface JobOptionsText {
  readonly retry?: RetryPolicy;
  readonly timeoutMs?: number;
  readonly tags?: readonly string[];
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly callbackOf?: string;
}

/** The options of a job; an empty object where none were set. */
export function parseOptions(text: unknown): JobOptionsText {
  return typeof text === "string" ? (JSON.parse(text) as JobOptionsText) : {};
}

/** What is rarely said about a job, as JSON; `null` when nothing was. */
export function optionsText({ retry, timeoutMs, tags, metadata, callbackOf }: NewJob): string | null {
  const said = retry ?? timeoutMs ?? metadata ?? callbackOf;
  if (said === undefined && !tags?.length) return null;
  return JSON.stringify({ retry, timeoutMs, tags, metadata, callbackOf });
}

/** A row of `recordColumns` as the engine reads it. */
export function jobRecord(row: SqlRow): JobRecord {
  const options = parseOptions(row.options);
  const state = stateOf(row.state as number);
  const outcome = (row.outcome ?? row.failure_outcome) as number | null;
  return {
    id: idText(row.id as Uint8Array),
    tenant: row.tenant as string,
    queue: row.queue as string,
    task: row.task as string,
    state,
    outcome: outcome === null ? null : outcomeOf(outcome),
    priority: row.priority as number,
    input: row.input as string | null,
    result: row.result as string | null,
    error: row.error === null || state === "completed" ? null : (JSON.parse(row.error as string) as ErrorRecord),
    attempt: (row.done_attempts ?? row.lease_attempt ?? row.attempts) as number,
    maxAttempts: row.max_attempts as number,
    retry: options.retry ?? null,
    timeoutMs: options.timeoutMs ?? null,
    generation: row.generation as number,
    createdAt: row.created_at as number,
    runAt: row.run_at as number,
    startedAt: (row.done_started_at ?? row.lease_started_at ?? row.failure_started_at) as number | null,
    finishedAt: row.finished_at as number | null,
    expiresAt: row.expires_at as number | null,
    leaseUntil: row.until as number | null,
    worker: row.worker as string | null,
    cancelRequested: row.cancel_requested === 1,
    waitingFor: row.waiting_for as string | null,
    progress: row.progress as string | null,
    tags: options.tags ?? [],
    metadata: options.metadata ?? null,
    idempotencyKey: row.idempotency_key as string | null,
    group: row.grp === "" ? null : (row.grp as string),
    batch: row.batch_id === null ? null : idText(row.batch_id as Uint8Array),
    callbackOf: options.callbackOf ?? null,
  };
}
