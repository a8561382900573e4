import type { Clock } from "../core/clock.ts";
import { QueuackError } from "../core/errors.ts";
import type { Settlement } from "../core/settlement.ts";
import type { Broker } from "../engine/broker.ts";
import type { LeaseEpoch } from "./lease-keeper.ts";
import type { OnTrouble } from "./trouble.ts";

/** The first delay before outcomes are sent again, and the largest. */
const retryMs = { first: 50, largest: 2_000 } as const;

/** Outcomes that travel together, each beside the lease it was won under. */
interface Batch {
  readonly settlements: Settlement[];
  readonly leases: LeaseEpoch[];
}

/**
 * Brings outcomes to the broker: those of one tick together. What is refused is sent again for as long as the lease may
 * hold, in halves from the second time on, so that one outcome the store can't take doesn't take its neighbours along.
 * An outcome that has to be given up is told as trouble.
 */
export class Settler {
  readonly #broker: Pick<Broker, "settle">;
  readonly #clock: Clock;
  readonly #trouble: OnTrouble;
  readonly #onRecovered: () => void;
  #batch: Batch = { settlements: [], leases: [] };
  #unsettled = 0;
  /** Batches that wait for another try. */
  #failing = 0;
  #lost = 0;
  #drained: (() => void)[] = [];

  constructor(params: {
    broker: Pick<Broker, "settle">;
    clock: Clock;
    trouble: OnTrouble;
    /** Called when nothing fails any more. */
    onRecovered: () => void;
  }) {
    this.#broker = params.broker;
    this.#clock = params.clock;
    this.#trouble = params.trouble;
    this.#onRecovered = params.onRecovered;
  }

  /** Outcomes that came too late: the lease was another's by then. */
  get lost(): number {
    return this.#lost;
  }

  /** Whether the broker refuses outcomes at the moment. */
  get failing(): boolean {
    return this.#failing > 0;
  }

  add(settlement: Settlement, lease: LeaseEpoch): void {
    this.#batch.settlements.push(settlement);
    this.#batch.leases.push(lease);
    this.#unsettled++;
  }

  /** Sends what has come together, synchronously. */
  flush(): void {
    if (this.#batch.settlements.length === 0) return;
    const batch = this.#batch;
    this.#batch = { settlements: [], leases: [] };
    void this.#send(batch, 0);
  }

  /** Resolves when every outcome is settled or given up. */
  async drained(): Promise<void> {
    this.flush();
    while (this.#unsettled > 0) await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  async #send(batch: Batch, failures: number): Promise<void> {
    try {
      const replies = await this.#broker.settle({ settlements: batch.settlements });
      for (const reply of replies) if (reply === "lost") this.#lost++;
      this.#done(batch.settlements.length);
    } catch (error) {
      this.#again(batch, failures, error);
    }
  }

  #again(refused: Batch, failures: number, error: unknown): void {
    const closed = error instanceof QueuackError && error.code === "QUEUACK_CLOSED";
    const batch: Batch = { settlements: [], leases: [] };
    const givenUp: string[] = [];
    refused.settlements.forEach((settlement, i) => {
      const lease = refused.leases[i] as LeaseEpoch;
      if (closed || lease.gone) givenUp.push(settlement.id);
      else {
        batch.settlements.push(settlement);
        batch.leases.push(lease);
      }
    });
    if (givenUp.length > 0) {
      const message = "Outcomes could not be settled while their leases held; the jobs will run again.";
      this.#trouble({ during: "settle", message, error, jobs: givenUp });
      this.#done(givenUp.length);
    }
    const ids = batch.settlements.map(({ id }) => id);
    if (ids.length === 0) return;
    this.#trouble({ during: "settle", message: "Outcomes could not be settled; trying again.", error, jobs: ids });
    this.#failing++;
    this.#clock.timer(Math.min(retryMs.first * 2 ** failures, retryMs.largest), () => {
      this.#failing--;
      const half = failures === 0 ? ids.length : Math.ceil(ids.length / 2);
      for (let from = 0; from < ids.length; from += half) {
        const settlements = batch.settlements.slice(from, from + half);
        void this.#send({ settlements, leases: batch.leases.slice(from, from + half) }, failures + 1);
      }
      if (this.#failing === 0) this.#onRecovered();
    });
  }

  #done(count: number): void {
    this.#unsettled -= count;
    if (this.#unsettled > 0) return;
    const drained = this.#drained;
    this.#drained = [];
    for (const resolve of drained) resolve();
  }
}
