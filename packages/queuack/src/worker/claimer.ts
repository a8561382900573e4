import type { Clock } from "../core/clock.ts";
import type { ClaimedJob } from "../core/job.ts";
import type { Broker } from "../engine/broker.ts";
import type { LeaseEpoch } from "./lease-keeper.ts";
import type { WorkerSettings } from "./options.ts";
import { Quotas } from "./quotas.ts";
import type { OnTrouble } from "./trouble.ts";

/** A worker that has room and has heard of nothing looks for itself this often: a signal may have gone astray. */
const backstopMs = 1_000;

/** The first delay after a claim that failed, and the largest. */
const retryMs = { first: 50, largest: 5_000 } as const;

/**
 * Asks for jobs: never for more than there are free slots, one question at a time, and only when there is a reason to
 * think that there are any (a signal, a claim that was filled to the brim, a second of silence).
 */
export class Claimer {
  readonly #broker: Pick<Broker, "claim">;
  readonly #clock: Clock;
  readonly #settings: WorkerSettings;
  readonly #tasks: readonly string[];
  readonly #quotas: Quotas;
  readonly #trouble: OnTrouble;
  readonly #room: () => number;
  readonly #lease: () => LeaseEpoch;
  readonly #deliver: (jobs: readonly ClaimedJob[], lease: LeaseEpoch, wanted: boolean) => void;
  #worker: string | null = null;
  #inFlight = false;
  #asked = 0;
  /** There may be something to claim. */
  #hungry = true;
  /** A signal has come since the last question was sent. */
  #signalled = false;
  #failures = 0;
  /** A claim has failed, and the time to try again has not come. */
  #backingOff = false;
  #cancelTimer: (() => void) | null = null;
  #settled: (() => void)[] = [];
  /** How many questions were sent, and what the latest that was answered brought. */
  #questions = 0;
  #answered = { question: 0, jobs: 0 };

  constructor(params: {
    broker: Pick<Broker, "claim">;
    clock: Clock;
    settings: WorkerSettings;
    /** Whose jobs. */
    tasks: readonly string[];
    trouble: OnTrouble;
    /** How many jobs can start now. */
    room: () => number;
    /** The moment from which leases taken now are reckoned. */
    lease: () => LeaseEpoch;
    /** Takes what came; not `wanted`: the worker was told to stop claiming meanwhile. */
    deliver: (jobs: readonly ClaimedJob[], lease: LeaseEpoch, wanted: boolean) => void;
  }) {
    this.#broker = params.broker;
    this.#clock = params.clock;
    this.#settings = params.settings;
    this.#tasks = params.tasks;
    this.#quotas = new Quotas(params.settings.plan);
    this.#trouble = params.trouble;
    this.#room = params.room;
    this.#lease = params.lease;
    this.#deliver = params.deliver;
  }

  /** How many jobs the question that is open may bring. */
  get asked(): number {
    return this.#asked;
  }

  /** Whether it would ask if there were room. */
  get wants(): boolean {
    return this.#worker !== null && !this.#inFlight && this.#hungry && !this.#backingOff;
  }

  /** Begins to claim, in the name of a worker that is registered. */
  open(worker: string): void {
    this.#worker = worker;
    this.#failures = 0;
    this.#backingOff = false;
    this.wake();
  }

  /** Stops claiming. */
  close(): void {
    this.#worker = null;
    this.#clearTimer();
    this.#tellSettled();
  }

  /** There may be something to claim. */
  wake(): void {
    this.#hungry = true;
    this.#signalled = true;
  }

  /** Asks for jobs if there is room, and a reason to. Synchronous up to the question. */
  claim(): void {
    if (this.#worker === null || !this.wants) return;
    this.#ask(this.#worker);
  }

  /** Resolves when no question is open. */
  async settled(): Promise<void> {
    while (this.#inFlight) await new Promise<void>((resolve) => this.#settled.push(resolve));
  }

  /** Resolves to how many jobs the next question brings; to 0 when no more are asked. */
  async nextAnswer(): Promise<number> {
    const asked = this.#questions;
    while (this.#worker !== null && this.#answered.question <= asked) {
      await new Promise<void>((resolve) => this.#settled.push(resolve));
    }
    return this.#answered.question > asked ? this.#answered.jobs : 0;
  }

  #ask(worker: string): void {
    const limit = this.#room();
    if (limit === 0) return;
    this.#inFlight = true;
    this.#asked = limit;
    this.#signalled = false;
    this.#clearTimer();
    void this.#exchange(worker, limit, this.#lease());
  }

  async #exchange(worker: string, limit: number, lease: LeaseEpoch): Promise<void> {
    const { tenant, leaseMs } = this.#settings;
    const question = ++this.#questions;
    try {
      const queues = this.#quotas.next(limit);
      const jobs = await this.#broker.claim({ worker, tenant, tasks: this.#tasks, queues, limit, leaseMs });
      this.#inFlight = false;
      this.#asked = 0;
      this.#failures = 0;
      this.#answered = { question, jobs: jobs.length };
      this.#quotas.took(jobs);
      this.#hungry = this.#signalled || jobs.length >= limit;
      this.#deliver(jobs, lease, this.#worker === worker);
      if (!this.#hungry) this.#later(backstopMs);
    } catch (error) {
      this.#inFlight = false;
      this.#asked = 0;
      this.#failures++;
      if (this.#worker !== null) {
        this.#backingOff = true;
        this.#trouble({ during: "claim", message: "Jobs could not be claimed; trying again.", error });
        this.#later(Math.min(retryMs.first * 2 ** (this.#failures - 1), retryMs.largest));
      }
    }
    this.#tellSettled();
  }

  #tellSettled(): void {
    const settled = this.#settled;
    this.#settled = [];
    for (const resolve of settled) resolve();
  }

  /** Looks again after a while, signal or no signal. */
  #later(ms: number): void {
    if (this.#worker === null || this.#inFlight) return;
    this.#clearTimer();
    this.#cancelTimer = this.#clock.timer(ms, () => {
      this.#cancelTimer = null;
      this.#backingOff = false;
      this.#hungry = true;
      this.claim();
    });
  }

  #clearTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }
}
