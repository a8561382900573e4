/** What does not change about a lease while it lasts. */
export interface LeasedJob {
  readonly id: string;
  readonly seq: number;
  readonly lane: number;
  readonly group: string;
  /** Number of the batch that the job is a member of. */
  readonly batch: number | null;
}

/** Most leases that are remembered: far more than run at once; those that were never settled here are forgotten then. */
const most = 100_000;

/**
 * The leases that this connection has given out, by token, so that settling them needs not look up what it knows. The table
 * alone says whether a lease still holds. Jobs with a unique key are not among them.
 */
export class Leased {
  readonly #byToken = new Map<number, LeasedJob>();

  add(token: number, job: LeasedJob): void {
    if (this.#byToken.size >= most) this.#byToken.clear();
    this.#byToken.set(token, job);
  }

  /** The job that a lease is on, to be forgotten now; `undefined` where it is not known here, or is another job's. */
  take(token: number, id: string): LeasedJob | undefined {
    const leased = this.#byToken.get(token);
    if (leased?.id !== id) return undefined;
    this.#byToken.delete(token);
    return leased;
  }
}
