import { defaults } from "../core/defaults.ts";
import { QueuackError } from "../core/errors.ts";
import type { NewJob } from "../core/job.ts";
import type { Provided } from "../core/provided.ts";
import type { TransactionConnection } from "../core/task.ts";
import type { Broker, EnqueuedJob } from "../engine/broker.ts";
import type { MiddlewareList } from "./middleware-list.ts";
import { Passages } from "./passages.ts";
import { invalid, type Settings } from "./settings.ts";
import { type ManyOptions, nameOf, rowOf, type SubmittedJob } from "./submission.ts";

/** How long a submission prepares rows before it lets others run, milliseconds. */
const prepareMs = 8;

/** Brings what is submitted to the broker: by way of the middleware, where there is any, and in chunks. */
export class Submitter {
  readonly #broker: Broker;
  readonly #settings: Settings;
  readonly #middleware: MiddlewareList;
  readonly #provided: Provided;

  constructor(params: { broker: Broker; settings: Settings; middleware: MiddlewareList; provided: Provided }) {
    this.#broker = params.broker;
    this.#settings = params.settings;
    this.#middleware = params.middleware;
    this.#provided = params.provided;
  }

  /** Has jobs accepted; resolves after the last commit, and when the middleware has ended. */
  async submit(jobs: Iterable<SubmittedJob>, onProgress?: ManyOptions["onProgress"]): Promise<EnqueuedJob[]> {
    const { enqueue } = this.#middleware;
    const passages = enqueue.length === 0 ? null : new Passages(enqueue);
    const accepted: EnqueuedJob[] = [];
    try {
      const rows = await inSlices(jobs, (job) =>
        passages === null ? rowOf(job, this.#settings) : this.#passed(job, passages),
      );
      for (let from = 0; from < rows.length; from += defaults.enqueueChunk) {
        const chunk = await this.#broker.enqueue({ jobs: rows.slice(from, from + defaults.enqueueChunk) });
        for (const job of chunk) accepted.push(job);
        passages?.accepted(chunk);
        onProgress?.(accepted.length, rows.length);
      }
    } catch (error) {
      await passages?.refused(error);
      throw error;
    }
    await passages?.ended();
    return accepted;
  }

  /**
   * Has a job accepted within the caller's transaction. Not async: what is wrong is thrown at once.
   * @throws {QueuackError} as `rowOf`; `QUEUACK_UNSUPPORTED` where there is middleware, which may take its time
   */
  submitWithin(tx: TransactionConnection, job: SubmittedJob): ReturnType<Broker["enqueueWithin"]> {
    if (this.#middleware.enqueue.length > 0) {
      throw new QueuackError("QUEUACK_UNSUPPORTED", {
        message: "Middleware around enqueueing can't be passed within a transaction: it may take its time.",
        hint: "Enqueue with tx from a connection that has no such middleware.",
      });
    }
    const row = rowOf(job, this.#settings);
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
      return rowOf({ ...(options === job.options ? job : bare), input, options }, this.#settings);
    });
  }
}

/** Makes a row of every item, and lets others run now and then. */
async function inSlices<Item, Row>(items: Iterable<Item>, row: (item: Item) => Row | Promise<Row>): Promise<Row[]> {
  const rows: Row[] = [];
  let started = performance.now();
  for (const item of items) {
    const made = row(item);
    rows.push(made instanceof Promise ? await made : made);
    if (rows.length % 64 === 0 && performance.now() - started > prepareMs) {
      await new Promise((resolve) => setImmediate(resolve));
      started = performance.now();
    }
  }
  return rows;
}
