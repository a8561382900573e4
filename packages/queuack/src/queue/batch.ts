import { type Duration, milliseconds } from "../core/duration.ts";
import { QueuackError } from "../core/errors.ts";
import type { NewJob } from "../core/job.ts";
import type { Broker, EnqueuedJob } from "../engine/broker.ts";
import { type BatchView, batchView } from "./batch-view.ts";
import { Job } from "./job.ts";
import { invalid, type Settings } from "./settings.ts";
import { type BatchJobs, batchedJobs, type KnownTask, type SameJobs, type Submission } from "./submission.ts";
import type { Submitter } from "./submitter.ts";

/** What a handle of a batch needs from the queue that it is of. */
export interface BatchHost {
  readonly broker: Broker;
  readonly settings: Settings;
  readonly submitter: Submitter;
  readonly known: KnownTask;
}

/** The handle of a batch: asks and tells about it, by its id. */
export class Batch {
  readonly id: string;
  readonly #host: BatchHost;

  constructor(host: BatchHost, id: string) {
    this.#host = host;
    this.id = id;
  }

  /** The batch as it stands. @throws {QueuackError} `QUEUACK_UNKNOWN_BATCH` */
  async get(): Promise<BatchView> {
    const [batch] = await this.#host.broker.getBatches({ ids: [this.id] });
    if (batch == null) {
      const message = `There is no batch ${this.id}.`;
      throw new QueuackError("QUEUACK_UNKNOWN_BATCH", { message, details: { id: this.id } });
    }
    return batchView(batch);
  }

  /**
   * Waits until nothing of it is open, however its members ended; resolves to how it stands then.
   * @throws {QueuackError} `QUEUACK_RESULT_TIMEOUT` when `timeout` passed first; `QUEUACK_UNKNOWN_BATCH`
   */
  async wait(options: { readonly timeout?: Duration | undefined } = {}): Promise<BatchView> {
    const timeoutMs = options.timeout === undefined ? undefined : milliseconds(options.timeout, "timeout");
    const batch = await this.#host.broker.waitBatch({ id: this.id, timeoutMs });
    if (batch === null) {
      throw new QueuackError("QUEUACK_RESULT_TIMEOUT", {
        message: `Batch ${this.id} was not over after ${timeoutMs} ms.`,
        details: { id: this.id, timeoutMs },
      });
    }
    return batchView(batch);
  }

  /**
   * Adds jobs while something of it is open, from anywhere: a job of the batch may add to it. Up to 10,000 are accepted
   * all or nothing; more go in chunks of at most that many.
   * @throws {QueuackError} `QUEUACK_BATCH_FINISHED` when nothing is open any more, or it was cancelled;
   *   `QUEUACK_UNKNOWN_BATCH`; and as `enqueue`
   */
  async add<Sent>(jobs: SameJobs<Sent>): Promise<Job[]>;
  async add(jobs: Iterable<Submission>): Promise<Job[]>;
  async add(jobs: BatchJobs): Promise<Job[]> {
    const { broker, settings, submitter, known } = this.#host;
    const { tenant } = await this.get();
    const { id } = this;
    const handle = (accepted: EnqueuedJob) => new Job(broker, accepted.id, accepted, settings.codecs);
    return await submitter.submit(batchedJobs(jobs, { batch: id, tenant }, known, settings), handle, {
      checkRows: (rows, from) => allOf(rows, from, id, tenant),
    });
  }

  /**
   * Cancels what is open, in its batches too, and lets it take no more: waiting jobs at once, running ones through their
   * abort signal. Resolves to how many jobs it took effect on. @throws {QueuackError} `QUEUACK_UNKNOWN_BATCH`
   */
  async cancel(): Promise<number> {
    return await this.#host.broker.cancelBatch({ id: this.id });
  }
}

/** Refuses jobs that say of themselves that they belong elsewhere. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
export function allOf(rows: readonly NewJob[], from: number, id: string, tenant: string): void {
  for (const [i, row] of rows.entries()) {
    const n = from + i;
    if (row.batch !== id) throw invalid(`Job ${n} of batch ${id} names batch ${row.batch}.`, "Leave batch out.");
    if (row.tenant !== tenant) {
      throw invalid(`Job ${n} of a batch of tenant ${tenant} is of tenant ${row.tenant}.`, "Leave tenant out.");
    }
  }
}
