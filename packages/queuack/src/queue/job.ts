import type { Codecs } from "../codecs/codecs.ts";
import { type Duration, milliseconds } from "../core/duration.ts";
import { QueuackError } from "../core/errors.ts";
import type { Explanation } from "../core/flow/explain.ts";
import type { ConflictOutcome } from "../core/unique.ts";
import type { Broker, FinishedJob } from "../engine/broker.ts";
import { type AttemptView, attemptView, type JobView, jobView, type LogView, logView } from "./job-view.ts";

/** The handle of a job that was accepted: asks and tells about it, by its id. */
export class Job<Result = unknown> {
  readonly id: string;
  /** Whether it had been accepted before, under this id, idempotency key or unique key. */
  readonly duplicate: boolean;
  /** What became of the job that held its unique key, and that this is; `undefined` where none did. */
  readonly conflict: ConflictOutcome | undefined;
  readonly #broker: Broker;
  readonly #codecs: Codecs;

  constructor(
    broker: Broker,
    id: string,
    accepted: { readonly duplicate?: boolean; readonly conflict?: ConflictOutcome | undefined },
    codecs: Codecs,
  ) {
    this.#broker = broker;
    this.#codecs = codecs;
    this.id = id;
    this.duplicate = accepted.duplicate ?? false;
    this.conflict = accepted.conflict;
  }

  /**
   * Waits for the job's result.
   * @throws {QueuackError} `QUEUACK_JOB_FAILED` when it ended without one, with the last error as `cause`;
   *   `QUEUACK_JOB_CANCELLED`; `QUEUACK_RESULT_TIMEOUT` when `timeout` passed first; `QUEUACK_UNKNOWN_JOB`;
   *   `QUEUACK_UNKNOWN_CODEC` and `QUEUACK_CODEC_FAILED` where it can't be read here
   */
  async result(options: { readonly timeout?: Duration | undefined } = {}): Promise<Result> {
    const timeoutMs = options.timeout === undefined ? undefined : milliseconds(options.timeout, "timeout");
    const finished = await this.#broker.wait({ id: this.id, timeoutMs });
    return resultOf(finished, { id: this.id, timeoutMs, codecs: this.#codecs }) as Result;
  }

  /** The job as it stands. @throws {QueuackError} `QUEUACK_UNKNOWN_JOB` */
  async get(): Promise<JobView> {
    const [job] = await this.#broker.get({ ids: [this.id] });
    if (job == null) throw unknownJob(this.id);
    return jobView(job, this.#codecs);
  }

  /** Failed attempts, oldest first. */
  async attempts(): Promise<AttemptView[]> {
    return (await this.#broker.history({ id: this.id })).attempts.map(attemptView);
  }

  /** The job's own log, oldest first. */
  async logs(): Promise<LogView[]> {
    return (await this.#broker.history({ id: this.id })).logs.map(logView);
  }

  /** Why it does not run, in words and as facts. @throws {QueuackError} `QUEUACK_UNKNOWN_JOB` */
  async explain(): Promise<Explanation> {
    const explanation = await this.#broker.explain({ id: this.id });
    if (explanation === null) throw unknownJob(this.id);
    return explanation;
  }

  /** Cancels it: at once while it waits, through its abort signal while it runs. Answers whether it took effect. */
  async cancel(): Promise<boolean> {
    const [reply] = await this.#broker.change({ ids: [this.id], change: { kind: "cancel" } });
    if (reply === "missing") throw unknownJob(this.id);
    return reply !== "unchanged";
  }
}

/** The error for a job that is not there. */
export function unknownJob(id: string): QueuackError {
  return new QueuackError("QUEUACK_UNKNOWN_JOB", { message: `There is no job ${id}.`, details: { id } });
}

/**
 * The result of a job that was waited for; `null`: it had not ended in time.
 * @throws {QueuackError} as `Job.result()`
 */
export function resultOf(
  finished: FinishedJob | null,
  { id, timeoutMs, codecs }: { readonly id: string; readonly timeoutMs: number | undefined; readonly codecs: Codecs },
): unknown {
  if (finished === null) {
    throw new QueuackError("QUEUACK_RESULT_TIMEOUT", {
      message: `Job ${id} had not ended after ${timeoutMs} ms.`,
      details: { id, timeoutMs },
    });
  }
  if (finished.state === "completed") return codecs.decode(finished.result, `result of job ${id}`);
  throw failure(finished);
}

function failure({ id, state, outcome, error }: FinishedJob): QueuackError {
  if (state === "cancelled") {
    return new QueuackError("QUEUACK_JOB_CANCELLED", { message: `Job ${id} was cancelled.`, details: { id } });
  }
  const cause = error === null ? undefined : Object.assign(new Error(error.message), error);
  return new QueuackError("QUEUACK_JOB_FAILED", {
    message: `Job ${id} ended as ${state}${outcome === null ? "" : ` (${outcome})`}${error === null ? "" : `: ${error.message}`}.`,
    cause,
    details: { id, state, outcome },
  });
}
