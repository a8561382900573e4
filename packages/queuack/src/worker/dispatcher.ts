import { Codecs } from "../codecs/codecs.ts";
import type { CacheAddress, CachedResult } from "../core/cache.ts";
import type { Clock } from "../core/clock.ts";
import type { CodecOption } from "../core/codec.ts";
import { QueuackError } from "../core/errors.ts";
import type { ClaimedJob, LogLevel, Payload } from "../core/job.ts";
import type { RunMiddleware } from "../core/middleware.ts";
import type { Provided } from "../core/provided.ts";
import { nothingProvided } from "../core/provisions.ts";
import type { Settlement } from "../core/settlement.ts";
import type { Enqueue } from "../core/task.ts";
import type { Broker, WorkSignal } from "../engine/broker.ts";
import { LookUps } from "./caching/look-ups.ts";
import { Chunks } from "./chunks/chunks.ts";
import { Claimer } from "./claimer.ts";
import { Execution } from "./execution.ts";
import type { ExecutionHost, IsolatedAttempt, IsolatedRun, RunningAttempt } from "./execution-host.ts";
import { ExecutorPool } from "./isolation/executor-pool.ts";
import type { IsolatedTask } from "./isolation/isolation-options.ts";
import { type LeaseEpoch, LeaseKeeper, leaseLost } from "./lease-keeper.ts";
import type { WorkerDependencies, WorkerSettings } from "./options.ts";
import type { RegisteredTask } from "./registered-task.ts";
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
  readonly codecs: Codecs;
  readonly provided: Provided;
  readonly middleware: () => readonly RunMiddleware[];
  readonly trouble: OnTrouble;
  readonly slots: Slots;
  readonly settler: Settler;
  readonly leases: LeaseKeeper;
  readonly executors: ExecutorPool;
  readonly killGraceMs: number;
  readonly #settings: WorkerSettings;
  /** One for the tasks whose jobs run alone, and one for each task whose jobs run in chunks. */
  readonly #claimers: readonly Claimer[];
  readonly #ordinary: Claimer | null;
  readonly #chunks: Chunks | null;
  readonly #reporter: Reporter;
  readonly #lookUps: LookUps;
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
    this.codecs = deps.codecs ?? new Codecs();
    this.provided = deps.provided ?? nothingProvided;
    this.middleware = deps.middleware ?? (() => []);
    this.trouble = trouble;
    this.#settings = settings;
    const schedule = () => this.#schedule();
    this.slots = new Slots({ concurrency: settings.concurrency, clock, trouble, onFree: schedule });
    this.settler = new Settler({ broker, clock, trouble, onRecovered: schedule });
    this.#reporter = new Reporter({ broker, clock, payloadLimit: settings.payloadLimit, trouble, schedule });
    this.#lookUps = new LookUps({ broker, trouble, schedule });
    this.leases = new LeaseKeeper({
      broker,
      clock,
      leaseMs: settings.leaseMs,
      heartbeatMs: settings.heartbeatMs,
      held: () => this.#held(),
      onHeartbeat: params.onHeartbeat,
      trouble,
    });
    this.killGraceMs = settings.isolation.killGraceMs;
    this.executors = new ExecutorPool({
      settings: settings.isolation,
      clock,
      payloadLimit: settings.payloadLimit,
      codecs: this.codecs,
      mostIdle: () => this.slots.concurrency,
      trouble,
    });
    const claimer = (names: readonly string[], room: () => number, answered: () => void = () => undefined) =>
      new Claimer({
        broker,
        clock,
        settings,
        tasks: names,
        trouble,
        // While the broker takes no outcomes, more work would only pile up more of them.
        room: () => (this.settler.failing ? 0 : room()),
        lease: () => this.leases.now(),
        deliver: (jobs, lease, wanted) => {
          answered();
          this.#deliver(jobs, lease, wanted);
        },
      });
    const tasks = [...settings.tasks.values()];
    const gathered = tasks.filter(({ chunk }) => chunk !== undefined);
    const alone = tasks.filter(({ chunk }) => chunk === undefined).map(({ name }) => name);
    const chunks =
      gathered.length === 0 ? null : new Chunks({ tasks: gathered, host: this, slots: this.slots, schedule });
    this.#chunks = chunks;
    this.#ordinary =
      alone.length === 0
        ? null
        : claimer(
            alone,
            () => this.slots.free,
            () => chunks?.ordinaryServed(),
          );
    this.#claimers = [
      ...(this.#ordinary === null ? [] : [this.#ordinary]),
      ...gathered.map(({ name }) => claimer([name], () => chunks?.room(name) ?? 0)),
    ];
  }

  /** Begins to claim, in the name of a worker that is registered. */
  open(worker: string): void {
    for (const claimer of this.#claimers) claimer.open(worker);
    this.#schedule();
  }

  /** Stops claiming; what runs goes on. */
  close(): void {
    for (const claimer of this.#claimers) claimer.close();
  }

  setConcurrency(concurrency: number): void {
    this.slots.concurrency = concurrency;
    for (const claimer of this.#claimers) claimer.wake();
    this.#schedule();
  }

  /** Takes a signal of the broker. */
  hear(signal: WorkSignal): void {
    if (signal.kind === "cancel") {
      const ids = new Set(signal.ids);
      for (const execution of [...this.#held()]) if (ids.has(execution.job.id)) execution.cancel();
      return;
    }
    for (const claimer of this.#claimers) claimer.wake();
    // A turn that is coming anyway takes the claim along; otherwise not even a tick is lost.
    if (!this.#turnScheduled && !this.#turning) this.#turn();
  }

  /** Gives back the jobs that wait for their chunk, with no attempt consumed; what runs goes on. */
  releaseWaiting(): void {
    this.#chunks?.release(stopping());
  }

  /** Tells every handler to stop; what has not ended by then is released after the grace, with no attempt consumed. */
  releaseAll(graceMs: number): void {
    const reason = stopping();
    for (const execution of [...this.#held()]) execution.interrupt("released", reason, graceMs);
  }

  /** Treats every lease as another's. */
  loseAll(message: string): void {
    for (const execution of [...this.#held()]) execution.lose(leaseLost(message));
  }

  /** Asks for jobs once what has ended is on its way; resolves to how many came, to 0 when closed. */
  async look(): Promise<number> {
    for (const claimer of this.#claimers) claimer.wake();
    this.#schedule();
    const came = await Promise.all(this.#claimers.map((claimer) => claimer.nextAnswer()));
    return came.reduce((sum, jobs) => sum + jobs, 0);
  }

  /** Resolves when no claim is open any more. */
  async claimsSettled(): Promise<void> {
    await Promise.all(this.#claimers.map((claimer) => claimer.settled()));
  }

  /** Resolves when no attempt is running. */
  async emptied(): Promise<void> {
    while (this.busy) await new Promise<void>((resolve) => this.#emptied.push(resolve));
  }

  ended(attempt: RunningAttempt, settlement: Settlement | null): void {
    if (!this.slots.end(attempt)) this.#chunks?.ended(attempt);
    if (settlement !== null) this.settler.add(settlement, attempt.lease);
    else this.#reporter.forget(attempt);
    this.#schedule();
    if (this.#emptied.length === 0 || this.busy) return;
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

  cached(address: CacheAddress, job: string): Promise<CachedResult | null> {
    return this.#lookUps.find(address, job);
  }

  async heartbeat(attempt: RunningAttempt): Promise<void> {
    await this.leases.renew([attempt]);
    attempt.throwIfOver();
  }

  isolate(attempt: IsolatedAttempt, task: IsolatedTask, codec: CodecOption | undefined): IsolatedRun {
    const job = { ...attempt.job, input: this.codecs.portable(attempt.job.input, "input") };
    return this.executors.run(attempt, task, { job, codec: this.codecs.portableCodec(codec) });
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
      const execution = task.chunk === undefined ? this.#alone(job, task, lease) : this.#gathered(job, lease);
      execution.start();
      if (!execution.over) this.#fresh.push(execution);
    }
    this.#schedule();
  }

  /** The attempt of a job that has a slot of its own. */
  #alone(job: ClaimedJob, task: RegisteredTask, lease: LeaseEpoch): Execution {
    const execution = new Execution(job, task, lease, this);
    this.slots.take(execution);
    return execution;
  }

  /** The attempt of a job that waits for its chunk. */
  #gathered(job: ClaimedJob, lease: LeaseEpoch): Execution {
    return (this.#chunks as Chunks).admit(job, lease);
  }

  /** Every attempt under a lease. */
  #held(): Iterable<RunningAttempt> {
    return this.#chunks === null ? this.slots.active : [...this.slots.active, ...this.#chunks.active];
  }

  /** Whether any attempt is under a lease. */
  get busy(): boolean {
    return this.slots.active.size > 0 || (this.#chunks !== null && this.#chunks.size > 0);
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
    this.#lookUps.flush();
    this.settler.flush();
    const chunks = this.#chunks?.take(this.#ordinary) ?? [];
    for (const claimer of this.#claimers) claimer.claim();
    this.#turning = false;
    for (const chunk of chunks) chunk.run();
  }
}

function stopping(): QueuackError {
  return new QueuackError("QUEUACK_WORKER_STOPPING", { message: "The worker is shutting down." });
}
