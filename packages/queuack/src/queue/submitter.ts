import type { NewBatch } from "../core/batch.ts";
import { QueuackError } from "../core/errors.ts";
import type { NewJob } from "../core/job.ts";
import type { Provided } from "../core/provided.ts";
import type { TransactionConnection } from "../core/task.ts";
import type { Broker, EnqueuedJob } from "../engine/broker.ts";
import { Ahead } from "./ahead.ts";
import type { MiddlewareList } from "./middleware-list.ts";
import { Passages } from "./passages.ts";
import { nameOf, Rows, type SubmittedJob } from "./rows.ts";
import { invalid, type Settings } from "./settings.ts";
import { chunkOf, type ManyOptions, type SubmittedJobs } from "./submission.ts";

/** How long a submission prepares rows before it lets others run, milliseconds. */
const prepareMs = 8;

/** What a submission is besides its jobs. */
export interface SubmitOptions {
  readonly onProgress?: ManyOptions["onProgress"];
  /** Made with the first of the jobs; it takes more until the last is in. */
  readonly batch?: Omit<NewBatch, "sealed"> | undefined;
  /** Looks at the rows of a chunk before it is submitted; `from`: how many there were in earlier ones. */
  readonly checkRows?: ((rows: readonly NewJob[], from: number) => void) | undefined;
  /** The error for a submission of which some was accepted. */
  readonly partly?: ((error: unknown, accepted: number) => unknown) | undefined;
}

/** Brings what is submitted to the broker: by way of the middleware, where there is any, and in chunks. */
export class Submitter {
  readonly #broker: Broker;
  readonly #rows: Rows;
  readonly #middleware: MiddlewareList;
  readonly #provided: Provided;

  constructor(params: { broker: Broker; settings: Settings; middleware: MiddlewareList; provided: Provided }) {
    this.#broker = params.broker;
    this.#rows = new Rows(params.settings);
    this.#middleware = params.middleware;
    this.#provided = params.provided;
  }

  /**
   * Has one job accepted; resolves after the commit, and when the middleware has ended.
   * @throws {QueuackError} as `Rows.of`, at once or by the promise
   */
  submitOne(job: SubmittedJob): Promise<readonly EnqueuedJob[]> {
    if (this.#middleware.enqueue.length > 0) return this.submit({ jobs: [job], all: 1 }, (accepted) => accepted);
    const row = this.#rows.of(job);
    if (row instanceof Promise) return row.then((made) => this.#broker.enqueue({ jobs: [made] }));
    return this.#broker.enqueue({ jobs: [row] });
  }

  /**
   * Has jobs accepted, chunk by chunk: each is read, checked and committed before the next. Resolves after the last
   * commit, and when the middleware has ended, to what `each` makes of those that were accepted.
   */
  async submit<Accepted>(
    { jobs, all }: SubmittedJobs,
    each: (job: EnqueuedJob) => Accepted,
    { onProgress, batch, checkRows, partly = partlyAccepted }: SubmitOptions = {},
  ): Promise<Accepted[]> {
    const { enqueue } = this.#middleware;
    const passages = enqueue.length === 0 ? null : new Passages(enqueue);
    const accepted: Accepted[] = [];
    const row = (job: SubmittedJob) => (passages === null ? this.#rows.of(job) : this.#passed(job, passages));
    const ahead = new Ahead(jobs);
    const most = chunkOf(all);
    try {
      for (let more = true; more; ) {
        const rows = await nextRows(ahead, most, row);
        checkRows?.(rows, accepted.length);
        more = ahead.more;
        // A batch is made although it has no jobs.
        if (rows.length === 0 && batch === undefined) break;
        const chunk = await this.#broker.enqueue({ jobs: rows, batch: batch && { ...batch, sealed: !more } });
        for (const job of chunk) accepted.push(each(job));
        passages?.accepted(chunk);
        onProgress?.(accepted.length, all ?? accepted.length + (more ? 1 : 0));
      }
    } catch (error) {
      await passages?.refused(error);
      throw accepted.length === 0 ? error : partly(error, accepted.length);
    } finally {
      ahead.close();
    }
    await passages?.ended();
    return accepted;
  }

  /**
   * Has a job accepted within the caller's transaction. Not async: what is wrong is thrown at once.
   * @throws {QueuackError} as `Rows.of`; `QUEUACK_UNSUPPORTED` where there is middleware, which may take its time
   */
  submitWithin(tx: TransactionConnection, job: SubmittedJob): ReturnType<Broker["enqueueWithin"]> {
    if (this.#middleware.enqueue.length > 0) {
      throw new QueuackError("QUEUACK_UNSUPPORTED", {
        message: "Middleware around enqueueing can't be passed within a transaction: it may take its time.",
        hint: "Enqueue with tx from a connection that has no such middleware.",
      });
    }
    const row = this.#rows.of(job);
    if (!(row instanceof Promise)) return this.#broker.enqueueWithin({ jobs: [row], tx });
    // Nobody will wait for what it comes to.
    row.catch(() => undefined);
    throw invalid(
      `The schema of task ${nameOf(job.task)} is asynchronous.`,
      "Within a transaction it must answer at once.",
    );
  }

  /** The row of what the middleware makes of a job. */
  #passed(job: SubmittedJob, passages: Passages): Promise<NewJob> {
    const submission = { task: nameOf(job.task), input: job.input, options: job.options, provided: this.#provided };
    return passages.enter(submission, ({ input, options }) => {
      // Other options make another template.
      const { template, ...bare } = job;
      return this.#rows.of({ ...(options === job.options ? job : bare), input, options });
    });
  }
}

/** Makes rows of the next `most` jobs, and lets others run now and then. */
async function nextRows(
  jobs: Ahead<SubmittedJob>,
  most: number,
  row: (job: SubmittedJob) => NewJob | Promise<NewJob>,
): Promise<NewJob[]> {
  const rows: NewJob[] = [];
  let started = performance.now();
  while (rows.length < most) {
    const job = jobs.next();
    if (job.done) break;
    const made = row(job.value);
    rows.push(made instanceof Promise ? await made : made);
    if (rows.length % 64 === 0 && performance.now() - started > prepareMs) {
      await new Promise((resolve) => setImmediate(resolve));
      started = performance.now();
    }
  }
  return rows;
}

/** The error for a submission of which the first chunks were accepted. */
export function partlyAccepted(error: unknown, accepted: number): unknown {
  if (!(error instanceof QueuackError)) return error;
  return new QueuackError(error.code, {
    message: `${error.message} The first ${accepted} jobs were accepted before.`,
    hint: `Enqueue those after the first ${accepted} again, once the reason is gone.`,
    cause: error,
    details: { ...error.details, accepted },
  });
}
