import type { NewBatch } from "../core/batch.ts";
import type { Clock } from "../core/clock.ts";
import { QueuackError } from "../core/errors.ts";
import type { NewJob } from "../core/job.ts";
import type { InsertReply, Store } from "../storage/store.ts";
import type { EnqueuedJob } from "./broker.ts";

/** Most jobs that one commit takes from several callers. */
const mergeUpTo = 2_000;

/** What is refused because of what was submitted. */
const refusals: readonly string[] = [
  "QUEUACK_QUEUE_FULL",
  "QUEUACK_DUPLICATE_JOB",
  "QUEUACK_UNKNOWN_BATCH",
  "QUEUACK_BATCH_FINISHED",
];

/** What an enqueuer tells, of what it inserts together. */
export interface EnqueuerListener {
  /** The store was asked for it, and has done nothing yet. Synchronous. */
  asked?(jobs: readonly NewJob[]): void;
  /** It is committed, and nobody has heard what comes of it. */
  accepted?(jobs: readonly NewJob[], reply: InsertReply): void;
}

interface Submission {
  readonly jobs: readonly NewJob[];
  readonly batch: NewBatch | undefined;
  readonly resolve: (accepted: readonly EnqueuedJob[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Hands submissions that come together to the store together: one statement set, one commit for many callers. */
export class Enqueuer {
  readonly #store: Store;
  readonly #limit: number | undefined;
  readonly #listener: EnqueuerListener;
  #waiting: Submission[] = [];
  #underWay = 0;
  #idle: (() => void)[] = [];
  readonly #flush = (): void => this.#send();

  /** @param limit most waiting jobs of a queue without settings of its own */
  constructor(store: Store, limit: number | undefined, listener: EnqueuerListener = {}) {
    this.#store = store;
    this.#limit = limit;
    this.#listener = listener;
  }

  /** Accepts the jobs of one caller, and the batch that they make, all or nothing. */
  submit(jobs: readonly NewJob[], batch?: NewBatch): Promise<readonly EnqueuedJob[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ jobs, batch, resolve, reject });
      // When everything that runs now has had its turn, and still before the store's next commit.
      if (this.#waiting.length === 1) process.nextTick(this.#flush);
    });
  }

  /** Resolves when everything submitted so far is accepted or refused. */
  async drain(): Promise<void> {
    while (this.#waiting.length > 0 || this.#underWay > 0) {
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
  }

  #send(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let from = 0; from < waiting.length; ) {
      let to = from;
      let jobs = 0;
      do jobs += waiting[to++]?.jobs.length ?? 0;
      while (to < waiting.length && jobs + (waiting[to]?.jobs.length ?? 0) <= mergeUpTo);
      this.#underWay++;
      void this.#insert(from === 0 && to === waiting.length ? waiting : waiting.slice(from, to)).finally(() =>
        this.#ended(),
      );
      from = to;
    }
  }

  #ended(): void {
    this.#underWay--;
    const idle = this.#idle;
    this.#idle = [];
    for (const wake of idle) wake();
  }

  async #insert(together: readonly Submission[]): Promise<void> {
    try {
      const [first] = together;
      const jobs = together.length === 1 ? (first as Submission).jobs : together.flatMap((one) => one.jobs);
      const batches = together.flatMap(({ batch }) => batch ?? []);
      const inserted = this.#store.jobs.insert({ jobs, batches, limit: this.#limit });
      this.#listener.asked?.(jobs);
      const reply = await inserted;
      this.#listener.accepted?.(jobs, reply);
      if (together.length === 1) (first as Submission).resolve(reply.jobs);
      else {
        let from = 0;
        for (const { jobs, resolve } of together) {
          const to = from + jobs.length;
          resolve(reply.jobs.slice(from, to));
          from = to;
        }
      }
    } catch (error) {
      // One caller's full queue, duplicate or finished batch must not refuse its neighbours.
      if (together.length > 1 && error instanceof QueuackError && refusals.includes(error.code)) {
        for (const one of together) await this.#insert([one]);
      } else for (const { reject } of together) reject(error);
    }
  }
}

/** Waits until something may have left a full queue: `onRoom` here, a commit elsewhere, or at most a second. */
export function roomSignal(store: Store, clock: Clock, onRoom: (listener: () => void) => () => void): Promise<void> {
  return new Promise((resolve) => {
    const stops = [store.onForeignCommit(done), onRoom(done), clock.timer(1_000, done)];
    function done(): void {
      for (const stop of stops) stop();
      resolve();
    }
  });
}
