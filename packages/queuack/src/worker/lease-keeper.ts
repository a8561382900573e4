import type { Clock } from "../core/clock.ts";
import { QueuackError } from "../core/errors.ts";
import type { Broker } from "../engine/broker.ts";
import type { OnTrouble } from "./trouble.ts";

/** A moment at which leases were taken or prolonged; `gone` once they have surely run out. */
export interface LeaseEpoch {
  /** Grows. */
  readonly number: number;
  gone: boolean;
}

/** What holds a lease. */
export interface Leased {
  readonly job: { readonly token: number; readonly id: string };
  /** When the lease was last known to be good. */
  lease: LeaseEpoch;
  /** The lease is another's. */
  lose(reason: QueuackError): void;
  /** Somebody wants the job to stop. */
  cancel(): void;
}

/** How finely moments are told apart: leases taken within this span share a timer, reckoned from its start. */
const epochMs = 1_000;

/** How long an answer that was asked for late (the event loop was blocked) is waited for. */
const lateAnswerMs = 1_000;

/** How long after a failed renewal the next is tried. */
const retryMs = 1_000;

/**
 * Keeps the leases of running jobs: one `renew` for all of them at every heartbeat. Reckons with timers, not with the
 * time of day, so that a step of the host's clock neither ends a lease nor prolongs one.
 */
export class LeaseKeeper {
  readonly #broker: Broker;
  readonly #clock: Clock;
  readonly #leaseMs: number;
  readonly #heartbeatMs: number;
  readonly #held: () => Iterable<Leased>;
  readonly #onHeartbeat: () => void;
  readonly #trouble: OnTrouble;
  readonly #timers = new Set<() => void>();
  #current: LeaseEpoch | null = null;
  #epochs = 0;
  /** Renewals under way that were sent within the last `lateAnswerMs`. */
  #fresh = 0;
  #retrying = false;
  #stopped = false;

  constructor(params: {
    broker: Broker;
    clock: Clock;
    leaseMs: number;
    heartbeatMs: number;
    held: () => Iterable<Leased>;
    /** Called at every heartbeat, after the renewal was sent. */
    onHeartbeat: () => void;
    trouble: OnTrouble;
  }) {
    this.#broker = params.broker;
    this.#clock = params.clock;
    this.#leaseMs = params.leaseMs;
    this.#heartbeatMs = params.heartbeatMs;
    this.#held = params.held;
    this.#onHeartbeat = params.onHeartbeat;
    this.#trouble = params.trouble;
  }

  /** Begins to beat. */
  start(): void {
    this.#after(this.#heartbeatMs, () => {
      this.start();
      void this.renew();
      this.#onHeartbeat();
    });
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  /** The present moment, for leases that are asked for now: taken before the question is sent, to be on the safe side. */
  now(): LeaseEpoch {
    if (this.#current !== null) return this.#current;
    const epoch = { number: ++this.#epochs, gone: false };
    this.#current = epoch;
    this.#after(Math.min(epochMs, this.#leaseMs / 10), () => {
      this.#current = null;
    });
    this.#after(this.#leaseMs, () => this.#runOut(epoch));
    return epoch;
  }

  /** Prolongs the leases of all that is running, or of these; tells them what became of it. Never rejects. */
  async renew(held: readonly Leased[] = [...this.#held()]): Promise<void> {
    if (held.length === 0 || this.#stopped) return;
    const epoch = this.now();
    const tokens = held.map(({ job }) => job.token);
    this.#fresh++;
    const stale = this.#after(lateAnswerMs, () => this.#fresh--);
    try {
      const { lost, cancelled } = await this.#broker.renew({ tokens, leaseMs: this.#leaseMs });
      this.#told(held, epoch, new Set(lost), new Set(cancelled));
    } catch (error) {
      const jobs = held.map(({ job }) => job.id);
      this.#trouble({ during: "renew", message: "Leases could not be renewed; trying again.", error, jobs });
      this.#retry();
    } finally {
      if (stale()) this.#fresh--;
    }
  }

  #told(held: readonly Leased[], epoch: LeaseEpoch, lost: ReadonlySet<number>, cancelled: ReadonlySet<number>): void {
    for (const leased of held) {
      const { token, id } = leased.job;
      if (lost.has(token)) {
        leased.lose(leaseLost(`The lease of job ${id} was lost.`));
        continue;
      }
      if (epoch.number > leased.lease.number) leased.lease = epoch;
      if (cancelled.has(token)) leased.cancel();
    }
  }

  #retry(): void {
    if (this.#retrying) return;
    this.#retrying = true;
    this.#after(Math.min(retryMs, this.#heartbeatMs / 2), () => {
      this.#retrying = false;
      void this.renew();
    });
  }

  /** The leases of this moment that nobody has prolonged are over: another may run the jobs now. */
  #runOut(epoch: LeaseEpoch, waited = false): void {
    // After the event loop was blocked, the heartbeat that was due long ago has only just been sent: see what it says.
    if (this.#fresh > 0 && !waited) {
      this.#after(lateAnswerMs, () => this.#runOut(epoch, true));
      return;
    }
    epoch.gone = true;
    for (const leased of [...this.#held()]) {
      if (leased.lease !== epoch) continue;
      leased.lose(leaseLost(`The lease of job ${leased.job.id} ran out, because it could not be renewed.`));
    }
  }

  /** A timer that ends with the keeper. Returns the way to cancel, which says whether it came in time. */
  #after(ms: number, callback: () => void): () => boolean {
    if (this.#stopped) return () => false;
    const cancelTimer = this.#clock.timer(ms, () => {
      this.#timers.delete(cancelTimer);
      callback();
    });
    this.#timers.add(cancelTimer);
    return () => {
      cancelTimer();
      return this.#timers.delete(cancelTimer);
    };
  }
}

/** The error of an attempt whose lease is another's. */
export function leaseLost(message: string): QueuackError {
  return new QueuackError("QUEUACK_LEASE_LOST", { message });
}
