import type { CacheAddress, CachedResult } from "../../core/cache.ts";
import type { Broker } from "../../engine/broker.ts";
import type { OnTrouble } from "../trouble.ts";

/** Most keys in one question. */
const askAtOnce = 500;

interface LookUp {
  readonly address: CacheAddress;
  /** Named in trouble. */
  readonly job: string;
  readonly resolve: (found: CachedResult | null) => void;
}

/** Asks the broker for kept results: what is wanted within one tick, with one question. */
export class LookUps {
  readonly #broker: Pick<Broker, "cached">;
  readonly #trouble: OnTrouble;
  readonly #schedule: () => void;
  #waiting: LookUp[] = [];

  constructor(params: {
    broker: Pick<Broker, "cached">;
    trouble: OnTrouble;
    /** Sees to it that `flush` is called at the end of the tick. */
    schedule: () => void;
  }) {
    this.#broker = params.broker;
    this.#trouble = params.trouble;
    this.#schedule = params.schedule;
  }

  /**
   * The result that is kept at an address; `null` where there is none. Never rejects: a cache that can't be read is told
   * as trouble, and the job runs as if nothing were kept.
   */
  find(address: CacheAddress, job: string): Promise<CachedResult | null> {
    return new Promise((resolve) => {
      this.#waiting.push({ address, job, resolve });
      if (this.#waiting.length === 1) this.#schedule();
    });
  }

  /** Sends what has come together, synchronously. */
  flush(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let from = 0; from < waiting.length; from += askAtOnce) void this.#ask(waiting.slice(from, from + askAtOnce));
  }

  async #ask(together: readonly LookUp[]): Promise<void> {
    let found: readonly (CachedResult | null)[] = [];
    try {
      found = await this.#broker.cached({ entries: together.map(({ address }) => address) });
    } catch (error) {
      const jobs = together.map(({ job }) => job);
      this.#trouble({ during: "cache", message: "The cache could not be read; the jobs run instead.", error, jobs });
    }
    for (const [i, { resolve }] of together.entries()) resolve(found[i] ?? null);
  }
}
