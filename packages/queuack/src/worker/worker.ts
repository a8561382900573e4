import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { type Duration, milliseconds } from "../core/duration.ts";
import { QueuackError } from "../core/errors.ts";
import type { Broker } from "../engine/broker.ts";
import { Dispatcher } from "./dispatcher.ts";
import { isIsolated } from "./isolation/inside.ts";
import {
  validConcurrency,
  type WorkerDependencies,
  type WorkerOptions,
  type WorkerSettings,
  workerSettings,
} from "./options.ts";
import { onShutdownSignal, type SignalSource } from "./shutdown.ts";
import { guarded, type OnTrouble, warnOfTrouble } from "./trouble.ts";
import { VitalsProbe } from "./vitals.ts";

/** How long handlers may take to end once the shutdown grace is over and their signals have aborted. */
const abortGraceMs = 1_000;

/** How long the broker's answers are waited for while shutting down. */
const farewellMs = 5_000;

/** Where a worker stands. `paused`: it runs what it has and claims nothing. */
export type WorkerState = "idle" | "running" | "paused" | "stopping" | "stopped";

/**
 * Runs jobs. Made by `q.worker({ tasks, … })`; lives once, from `run()` or `start()` to `stop()`.
 *
 * It claims only what it can start, keeps its leases alive, and gives back what it can't finish. While it runs it keeps
 * the process alive; once stopped, nothing of it does.
 */
export class Worker {
  readonly #broker: Broker;
  readonly #settings: WorkerSettings;
  readonly #deps: WorkerDependencies;
  readonly #signals: SignalSource;
  readonly #trouble: OnTrouble;
  readonly #dispatcher: Dispatcher;
  readonly #vitals = new VitalsProbe();
  readonly #stopped: Promise<void>;
  #resolveStopped: () => void = () => undefined;
  #state: WorkerState = "idle";
  #id = "";
  #registered = false;
  /** The latest registration; settled when there is none under way. */
  #registering: Promise<void> = Promise.resolve();
  #beating = false;
  #stopListening: () => void = () => undefined;
  #keepAlive: NodeJS.Timeout | undefined;
  #graceTimer: (() => void) | undefined;

  /** @throws {QueuackError} `QUEUACK_INVALID_OPTION`, `QUEUACK_INVALID_TASK` */
  constructor(broker: Broker, options: WorkerOptions, deps: WorkerDependencies, signals: SignalSource = process) {
    this.#broker = broker;
    this.#settings = workerSettings(options);
    this.#deps = deps;
    this.#signals = signals;
    this.#trouble = guarded(options.onError ?? warnOfTrouble);
    this.#dispatcher = new Dispatcher({
      broker,
      settings: this.#settings,
      deps,
      trouble: this.#trouble,
      onHeartbeat: () => void this.#beat(),
    });
    this.#stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve;
    });
  }

  get state(): WorkerState {
    return this.#state;
  }

  /** As it is registered: host, process, and a part that is never the same; empty before the start. */
  get id(): string {
    return this.#id;
  }

  /** Slots in use: jobs and chunks that run, and handlers that go on although their attempt is over. */
  get running(): number {
    return this.#dispatcher.slots.held;
  }

  /** Outcomes that came after the lease had been lost, and changed nothing. */
  get lost(): number {
    return this.#dispatcher.settler.lost;
  }

  /** Runs until SIGTERM, SIGINT or `stop()`; resolves when all is drained. A second signal ends the process at once. */
  async run(): Promise<void> {
    const stopListening = onShutdownSignal(this.#signals, () => void this.stop());
    try {
      if (this.#state === "idle") await this.start();
      await this.#stopped;
    } finally {
      stopListening();
    }
  }

  /** Begins to work, without listening for signals; resolves when the worker is registered. */
  async start(): Promise<void> {
    if (this.#state !== "idle") {
      throw new QueuackError("QUEUACK_NOT_ALLOWED", {
        message: `The worker is ${this.#state}.`,
        hint: "A worker starts once; make another.",
      });
    }
    if (isIsolated()) {
      throw new QueuackError("QUEUACK_NOT_ALLOWED", {
        message: "A worker can't start in the thread or process of an isolated task.",
        hint: "Put the task into a module of its own: what it names as its module is imported there as well.",
      });
    }
    this.#state = "running";
    // The clock's timers keep no process alive, and a worker that waits for jobs has nothing else that would.
    this.#keepAlive = setInterval(() => undefined, 2 ** 30);
    try {
      const isElsewhere = [...this.#settings.tasks.values()].some(({ isolation }) => isolation?.kind === "process");
      this.#registering = isElsewhere ? this.#share().then(() => this.#register()) : this.#register();
      await this.#registering;
    } catch (error) {
      this.#end();
      throw error;
    }
    this.#vitals.start();
    this.#stopListening = this.#broker.onWork((signal) => this.#dispatcher.hear(signal));
    this.#dispatcher.leases.start();
    // Told to stop meanwhile, it claims nothing, and what was begun here ends in `#drain`.
    if (this.state === "running") this.#dispatcher.open(this.#id);
  }

  /**
   * Stops: claims nothing more, lets running jobs go on for the grace, then aborts their signals and gives them back
   * without consuming an attempt. Resolves when every outcome is settled; never rejects. Called again, it can only
   * shorten the grace.
   * @param options.grace by default the worker's `shutdownGrace`
   */
  async stop(options: { readonly grace?: Duration | undefined } = {}): Promise<void> {
    const { shutdownGraceMs } = this.#settings;
    const graceMs = options.grace === undefined ? shutdownGraceMs : milliseconds(options.grace, "grace");
    if (this.#state === "idle") this.#end();
    else if (this.#state === "running" || this.#state === "paused") {
      this.#state = "stopping";
      this.#dispatcher.close();
      this.#dispatcher.releaseWaiting();
      this.#limitGrace(graceMs);
      void this.#drain();
    } else if (this.#state === "stopping" && options.grace !== undefined) this.#limitGrace(graceMs);
    await this.#stopped;
  }

  /**
   * Resolves when nothing runs and there is nothing more that this worker could run now: what waits for a time, in a
   * paused queue or behind a limit is not waited for. Resolves as well when the worker is paused or stopped, once what it
   * had has ended.
   */
  async untilIdle(): Promise<void> {
    do await this.#dispatcher.emptied();
    while ((await this.#dispatcher.look()) > 0 || this.#dispatcher.busy);
    await this.#dispatcher.settler.drained();
  }

  /** Claims nothing until `resume()`; running jobs go on. */
  pause(): void {
    if (this.#state !== "running") return;
    this.#state = "paused";
    this.#dispatcher.close();
  }

  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    if (this.#registered) this.#dispatcher.open(this.#id);
  }

  /** Changes how many jobs run at a time. With fewer, running jobs go on and their slots are not filled again. */
  setConcurrency(concurrency: number): void {
    this.#dispatcher.setConcurrency(validConcurrency(concurrency));
  }

  /** Lets processes reach the queue that handlers run in; they do their work without it where that can't be. */
  async #share(): Promise<void> {
    try {
      await this.#broker.share({ reason: "tasks in processes of their own" });
    } catch (error) {
      if (!(error instanceof QueuackError && error.code === "QUEUACK_UNSUPPORTED")) throw error;
    }
  }

  async #register(): Promise<void> {
    const host = hostname();
    const id = `${host}-${process.pid}-${randomBytes(6).toString("hex")}`;
    this.#id = id;
    const { taskNames: tasks, plan, tenant } = this.#settings;
    const { concurrency } = this.#dispatcher.slots;
    const { queues } = plan;
    await this.#broker.registerWorker({ worker: { id, host, pid: process.pid, tasks, queues, tenant, concurrency } });
    this.#registered = true;
  }

  /** Says that the worker is alive; where nobody knows it any more, it begins anew under another id. */
  async #beat(): Promise<void> {
    if (this.#beating) return;
    this.#beating = true;
    try {
      if (this.#registered) {
        if (await this.#broker.beat({ id: this.#id, vitals: this.#vitals.read(this.running) })) return;
        // Others took this worker for dead: whatever it held is theirs.
        this.#registered = false;
        this.#dispatcher.close();
        this.#dispatcher.loseAll("The worker was taken for dead.");
      }
      if (this.#state === "stopping") return;
      this.#registering = this.#register();
      await this.#registering;
      if (this.state === "running") this.#dispatcher.open(this.#id);
    } catch (error) {
      const during = this.#registered ? "beat" : "register";
      this.#trouble({ during, message: "The worker could not make itself known; trying again.", error });
    } finally {
      this.#beating = false;
    }
  }

  #limitGrace(graceMs: number): void {
    this.#graceTimer?.();
    this.#graceTimer = this.#deps.clock.timer(graceMs, () => this.#dispatcher.releaseAll(abortGraceMs));
  }

  async #drain(): Promise<void> {
    const { settler, leases, slots, executors } = this.#dispatcher;
    // A start that failed has told whoever called it.
    await this.#registering.catch(() => undefined);
    await this.#within(farewellMs, this.#dispatcher.claimsSettled());
    await this.#dispatcher.emptied();
    this.#graceTimer?.();
    // After that long, nobody would take the outcomes any more.
    await this.#within(this.#settings.leaseMs, settler.drained());
    leases.stop();
    slots.close();
    await this.#within(farewellMs, executors.close());
    this.#stopListening();
    this.#vitals.stop();
    if (this.#registered) await this.#within(farewellMs, this.#deregister());
    this.#end();
  }

  /** Waits for a broker that may never answer, but not for longer than this. */
  async #within(ms: number, answer: Promise<void>): Promise<void> {
    let cancel: () => void = () => undefined;
    const enough = new Promise<void>((resolve) => {
      cancel = this.#deps.clock.timer(ms, resolve);
    });
    await Promise.race([answer, enough]);
    cancel();
  }

  async #deregister(): Promise<void> {
    try {
      await this.#broker.deregisterWorker({ id: this.#id });
    } catch (error) {
      const message = "The worker could not say goodbye; others will take it for dead.";
      this.#trouble({ during: "deregister", message, error });
    }
  }

  #end(): void {
    this.#state = "stopped";
    clearInterval(this.#keepAlive);
    this.#resolveStopped();
  }
}
