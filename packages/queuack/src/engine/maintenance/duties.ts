import type { Clock } from "../../core/clock.ts";
import type { Retention } from "../../core/queue-settings.ts";
import type { Settlement } from "../../core/settlement.ts";
import type { Store } from "../../storage/store.ts";
import { rescue } from "./rescue.ts";

/** How often the living are counted, milliseconds: a dead worker is to be noticed within a second. */
const watchEveryMs = 400;

/** How often final jobs past their keeping are looked for, milliseconds. */
const pruneEveryMs = 30_000;

/** Longest time without a look at the timers, milliseconds: another process may have set an earlier one. */
const promoteAtLeastEveryMs = 1_000;

const batch = 1_000;

/** What the duties need from the engine around them. */
export interface DutyHost {
  readonly store: Store;
  readonly clock: Clock;
  readonly retention: Retention;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Something became available. */
  readonly onAvailable: () => void;
  readonly onExpired: (ids: readonly string[]) => void;
  readonly onWorkerLost: (id: string) => void;
  readonly onError: (error: unknown) => void;
  settle(settlements: readonly Settlement[]): Promise<unknown>;
}

/** Promotes, rescues and prunes for as long as it is started. */
export class Duties {
  readonly #host: DutyHost;
  #running = false;
  readonly #cancels = new Set<() => void>();
  #cancelPromotion: (() => void) | null = null;
  #promotionAt = Number.POSITIVE_INFINITY;
  #cancelSignal: (() => void) | null = null;
  #signalAt = Number.POSITIVE_INFINITY;
  readonly #active = new Set<Promise<void>>();

  constructor(host: DutyHost) {
    this.#host = host;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#repeat(watchEveryMs, () => this.rescue());
    this.#repeat(pruneEveryMs, () => this.prune());
    this.promoteIn(0);
  }

  /** Stops, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#running = false;
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
    this.#cancelPromotion?.();
    this.#cancelPromotion = null;
    this.#promotionAt = Number.POSITIVE_INFINITY;
    this.#cancelSignal?.();
    this.#cancelSignal = null;
    this.#signalAt = Number.POSITIVE_INFINITY;
    await Promise.all(this.#active);
  }

  /** Sees to it that timers are looked at in `ms` milliseconds or sooner. */
  promoteIn(ms: number): void {
    if (!this.#running) return;
    const delay = Math.min(ms, promoteAtLeastEveryMs);
    const at = this.#host.clock.now() + delay;
    if (at >= this.#promotionAt) return;
    this.#cancelPromotion?.();
    this.#promotionAt = at;
    this.#cancelPromotion = this.#host.clock.timer(delay, () => {
      this.#promotionAt = Number.POSITIVE_INFINITY;
      this.#do(() => this.#promote());
    });
  }

  /** Says in `ms` milliseconds or sooner that something may be claimed: a rate has room again then. */
  signalIn(ms: number): void {
    if (!this.#running) return;
    const { clock, onAvailable } = this.#host;
    const at = clock.now() + ms;
    if (at >= this.#signalAt) return;
    this.#cancelSignal?.();
    this.#signalAt = at;
    this.#cancelSignal = clock.timer(ms, () => {
      this.#signalAt = Number.POSITIVE_INFINITY;
      this.promoteIn(0);
      onAvailable();
    });
  }

  /** Gives the jobs of dead and silent workers back. */
  async rescue(): Promise<void> {
    const { store, random, settle, onWorkerLost } = this.#host;
    for (const id of await store.workers.findDead({})) onWorkerLost(id);
    for (;;) {
      const leases = await store.jobs.abandoned({ limit: batch });
      if (leases.length > 0) await settle(leases.map((lease) => rescue(lease, random())));
      if (leases.length < batch) return;
    }
  }

  /** Deletes what is past its keeping. */
  async prune(): Promise<void> {
    const { store, retention } = this.#host;
    let pruned = 0;
    let step: number;
    do pruned += step = await store.queues.prune({ retention, limit: batch });
    while (step === batch && this.#running);
    do pruned += step = await store.cache.prune({ limit: batch });
    while (step === batch && this.#running);
    if (pruned > 0) await store.compact();
  }

  async #promote(): Promise<void> {
    const { store, onAvailable, onExpired } = this.#host;
    const { promoted, expired, nextInMs } = await store.jobs.promote({ limit: batch });
    if (expired.length > 0) onExpired(expired);
    if (promoted > 0) onAvailable();
    this.promoteIn(nextInMs ?? promoteAtLeastEveryMs);
  }

  #repeat(everyMs: number, duty: () => Promise<void>): void {
    const cancel = this.#host.clock.timer(everyMs, () => {
      this.#cancels.delete(cancel);
      this.#do(duty);
      this.#repeat(everyMs, duty);
    });
    this.#cancels.add(cancel);
  }

  /** A duty that fails is reported and tried again at its next time. */
  #do(duty: () => Promise<void>): void {
    const done = duty()
      .catch((error) => {
        this.#host.onError(error);
        this.promoteIn(promoteAtLeastEveryMs);
      })
      .finally(() => this.#active.delete(done));
    this.#active.add(done);
  }
}
