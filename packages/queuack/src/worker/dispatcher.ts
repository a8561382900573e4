import type { Clock } from "../core/clock.ts";
import { QueuackError } from "../core/errors.ts";
import type { ClaimedJob, LogLevel, Payload } from "../core/job.ts";
import type { Settlement } from "../core/settlement.ts";
import type { Enqueue } from "../core/task.ts";
import type { Broker, WorkSignal } from "../engine/broker.ts";
import { Claimer } from "./claimer.ts";
import { Execution } from "./execution.ts";
import type { ExecutionHost, IsolatedAttempt, IsolatedRun, RunningAttempt } from "./execution-host.ts";
import { ExecutorPool } from "./isolation/executor-pool.ts";
import type { IsolatedTask } from "./isolation/isolation-options.ts";
import { type LeaseEpoch, LeaseKeeper, leaseLost } from "./lease-keeper.ts";
import type { WorkerDependencies, WorkerSettings } from "./options.ts";
import { Reporter } from "./reporter.ts";
import { Settler } from "./settler.ts";
import { Slots } from "./slots.ts";
import type { OnTrouble } from "./trouble.ts";

/** How long before a job that came by mistake may come again, milliseconds. */
const mistakeDelayMs = 1_000;

/**
 * The heart of a worker: jobs come in, run in slots, and their outcomes go out. What happens within one tick travels
 * together: at the end of the tick (a *turn*) reports are sent, then outcomes, then the next claim, all synchronously,
 * so that the store can put them into one commit.
 */
export class Dispatcher implements ExecutionHost {
  readonly clock: Clock;
  readonly random: () => number;
  readonly payloadLimit: number;
  readonly enqueue: Enqueue;
  readonly trouble: OnTrouble;
  readonly slots: Slots;
  readonly settler: Settler;
  readonly leases: LeaseKeeper;
  readonly executors: ExecutorPool;
  readonly killGraceMs: number;
  readonly #settings: WorkerSettings;
  readonly #claimer: Claimer;
  readonly #reporter: Reporter;
  /** Executions that have started since the last turn. */
  #fresh: Execution[] = [];
  #turnScheduled = false;
  #turning = false;
  #emptied: (() => void)[] = [];

  constructor(params: {
    broker: Broker;
    settings: WorkerSettings;
    deps: WorkerDependencies;
    trouble: OnTrouble;
    onHeartbeat: () => void;
  }) {
    const { broker, settings, deps, trouble } = params;
    const { clock } = deps;
    this.clock = clock;
    this.random = deps.random ?? Math.random;
    this.payloadLimit = settings.payloadLimit;
    this.enqueue = deps.enqueue;
    this.trouble = trouble;
    this.#settings = settings;
    const schedule = () => this.#schedule();
    this.slots = new Slots({ concurrency: settings.concurrency, clock, trouble, onFree: schedule });
    this.settler = new Settler({ broker, clock, trouble, onRecovered: schedule });
    this.#reporter = new Reporter({ broker, clock, payloadLimit: settings.payloadLimit, trouble, schedule });
    this.leases = new LeaseKeeper({
      broker,
      clock,
      leaseMs: settings.leaseMs,
      heartbeatMs: settings.heartbeatMs,
      held: () => this.slots.active,
      onHeartbeat: params.onHeartbeat,
      trouble,
    });
    this.killGraceMs = settings.isolation.killGraceMs;
    this.executors = new ExecutorPool({
      settings: settings.isolation,
      clock,
      payloadLimit: settings.payloadLimit,
      mostIdle: () => this.slots.concurrency,
      trouble,
    });
    this.#claimer = new Claimer({
      broker,
      clock,
      settings,
      trouble,
      // While the broker takes no outcomes, more work would only pile up more of them.
      room: () => (this.settler.failing ? 0 : this.slots.free),
      lease: () => this.leases.now(),
      deliver: (jobs, lease, wanted) => this.#deliver(jobs, lease, wanted),
    });
  }

  /** Begins to claim, in the name of a worker that is registered. */
  open(worker: string): void {
    this.#claimer.open(worker);
    this.#schedule();
  }

  /** Stops claiming; what runs goes on. */
  close(): void {
    this.#claimer.close();
  }

  setConcurrency(concurrency: number): void {
    this.slots.concurrency = concurrency;
    this.#claimer.wake();
    this.#schedule();
  }

  /** Takes a signal of the broker. */
  hear(signal: WorkSignal): void {
    if (signal.kind === "cancel") {
      const ids = new Set(signal.ids);
      for (const execution of [...this.slots.active]) if (ids.has(execution.job.id)) execution.cancel();
      return;
    }
    this.#claimer.wake();
    // A turn that is coming anyway takes the claim along; otherwise not even a tick is lost.
    if (!this.#turnScheduled && !this.#turning) this.#turn();
  }

  /** Tells every handler to stop; what has not ended by then is released after the grace, with no attempt consumed. */
  releaseAll(graceMs: number): void {
    const reason = new QueuackError("QUEUACK_WORKER_STOPPING", { message: "The worker is shutting down." });
    for (const execution of [...this.slots.active]) execution.interrupt("released", reason, graceMs);
  }

  /** Treats every lease as another's. */
  loseAll(message: string): void {
    for (const execution of [...this.slots.active]) execution.lose(leaseLost(message));
  }

  /** Resolves when no claim is open any more. */
  claimsSettled(): Promise<void> {
    return this.#claimer.settled();
  }

  /** Resolves when no attempt is running. */
  async emptied(): Promise<void> {
    while (this.slots.active.size > 0) await new Promise<void>((resolve) => this.#emptied.push(resolve));
  }

  ended(attempt: RunningAttempt, settlement: Settlement | null): void {
    this.slots.end(attempt);
    if (settlement !== null) this.settler.add(settlement, attempt.lease);
    else this.#reporter.forget(attempt);
    this.#schedule();
    if (this.slots.active.size > 0 || this.#emptied.length === 0) return;
    const emptied = this.#emptied;
    this.#emptied = [];
    for (const resolve of emptied) resolve();
  }

  returned(attempt: RunningAttempt): void {
    this.slots.returned(attempt);
  }

  progress(attempt: RunningAttempt, progress: Payload): Promise<void> {
    return this.#reporter.progress(attempt, progress);
  }

  log(attempt: RunningAttempt, level: LogLevel, message: string, data: unknown): void {
    this.#reporter.log(attempt, level, message, data);
  }

  async heartbeat(attempt: RunningAttempt): Promise<void> {
    await this.leases.renew([attempt]);
    attempt.throwIfOver();
  }

  isolate(attempt: IsolatedAttempt, task: IsolatedTask): IsolatedRun {
    return this.executors.run(attempt, task);
  }

  #deliver(jobs: readonly ClaimedJob[], lease: LeaseEpoch, wanted: boolean): void {
    for (const job of jobs) {
      const task = this.#settings.tasks.get(job.task);
      if (!wanted || task === undefined) {
        // Claimed when the worker was told to stop, or never asked for: given back unharmed.
        const delayMs = wanted ? mistakeDelayMs : 0;
        this.settler.add({ token: job.token, id: job.id, to: "released", delayMs }, lease);
        continue;
      }
      const execution = new Execution(job, task, lease, this);
      this.slots.take(execution);
      execution.start();
      if (!execution.over) this.#fresh.push(execution);
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#turnScheduled) return;
    this.#turnScheduled = true;
    setImmediate(() => {
      this.#turnScheduled = false;
      this.#turn();
    });
  }

  #turn(): void {
    this.#turning = true;
    const fresh = this.#fresh;
    this.#fresh = [];
    for (const execution of fresh) execution.startTimer();
    this.#reporter.flush();
    this.settler.flush();
    this.#claimer.claim();
    this.#turning = false;
  }
}
