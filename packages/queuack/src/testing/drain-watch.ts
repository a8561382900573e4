import { QueuackError } from "../core/errors.ts";
import type { QueueEvent } from "../core/events.ts";
import type { JobState } from "../core/job-state.ts";
import type { ErrorRecord, Outcome } from "../core/outcome.ts";
import type { Queue } from "../queue/queue.ts";
import type { WorkerTrouble } from "../worker/trouble.ts";

/** A failed attempt that draining has seen. */
export interface DrainFailure {
  readonly id: string;
  readonly task: string;
  readonly attempt: number;
  readonly outcome: Outcome;
  readonly error: ErrorRecord;
}

/** What draining did: the ids of the jobs that it touched, by where they stand now, each in order of its first attempt. */
export interface DrainSummary {
  readonly completed: readonly string[];
  readonly discarded: readonly string[];
  readonly cancelled: readonly string[];
  /** Failed, and wait for another attempt. */
  readonly retryable: readonly string[];
  /** Snoozed, and wait for their time. */
  readonly scheduled: readonly string[];
  /** How many attempts were made. */
  readonly attempts: number;
  /** Every attempt that failed, in order. */
  readonly failures: readonly DrainFailure[];
}

/** Sees what happens while a queue is drained, and when that should end. */
export class DrainWatch {
  readonly #q: Queue;
  readonly #limit: number;
  readonly #stop: () => void;
  readonly #touched = new Set<string>();
  readonly #failures: DrainFailure[] = [];
  #attempts = 0;
  #reason: QueuackError | undefined;
  #break: () => void = () => undefined;
  readonly #broken: Promise<void>;

  /** @param limit the most attempts that may be made */
  constructor(q: Queue, limit: number) {
    this.#q = q;
    this.#limit = limit;
    this.#broken = new Promise((resolve) => {
      this.#break = resolve;
    });
    const names = ["job:started", "job:retrying", "job:discarded", "job:cancelled"] as const;
    this.#stop = q.broker.subscribe({ names }, (event) => this.#see(event));
  }

  /** Takes what a worker tells of: a test should not pass over it. */
  hear({ message, error, jobs }: WorkerTrouble): void {
    this.#breakOff(
      new QueuackError("QUEUACK_WORKER_TROUBLE", {
        message: error instanceof Error ? `${message} (${error.message})` : message,
        cause: error,
        details: { jobs },
      }),
    );
  }

  /** Waits, but not on when there is a reason to break off. @throws that reason */
  async unlessBroken(done: Promise<void>): Promise<void> {
    await Promise.race([done, this.#broken]);
    this.throwIfBroken();
  }

  throwIfBroken(): void {
    if (this.#reason !== undefined) throw this.#reason;
  }

  close(): void {
    this.#stop();
  }

  /** What has happened, with every job where it stands now. */
  async summary(): Promise<DrainSummary> {
    const standing = new Map<string, JobState>();
    const ids = [...this.#touched];
    for (const job of await this.#q.broker.get({ ids })) if (job !== null) standing.set(job.id, job.state);
    const those = (state: JobState) => ids.filter((id) => standing.get(id) === state);
    return {
      completed: those("completed"),
      discarded: those("discarded"),
      cancelled: those("cancelled"),
      retryable: those("retryable"),
      scheduled: those("scheduled"),
      attempts: this.#attempts,
      failures: this.#failures,
    };
  }

  #see(event: QueueEvent): void {
    if (!("id" in event)) return;
    const { id, task } = event;
    this.#touched.add(id);
    if (event.name === "job:started") this.#count(task);
    else if (event.name === "job:retrying" || event.name === "job:discarded") {
      const { attempt, outcome, error } = event;
      this.#failures.push({ id, task, attempt, outcome, error });
    }
  }

  #count(task: string): void {
    if (++this.#attempts <= this.#limit) return;
    this.#breakOff(
      new QueuackError("QUEUACK_NEVER_IDLE", {
        message: `After ${this.#limit} attempts the queue is still not idle; the last was of task ${task}.`,
        details: { limit: this.#limit, task },
      }),
    );
  }

  #breakOff(reason: QueuackError): void {
    this.#reason ??= reason;
    this.#break();
  }
}
