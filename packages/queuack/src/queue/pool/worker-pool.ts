import { type Duration, milliseconds } from "../../core/duration.ts";
import { QueuackError } from "../../core/errors.ts";
import type { Broker } from "../../engine/broker.ts";
import { onShutdownSignal, type SignalSource } from "../../worker/shutdown.ts";
import { handOver } from "./hand-over.ts";
import { type PoolOptions, type PoolSettings, poolSettings, processCount } from "./options.ts";
import { isPoolMember } from "./pool-member-mark.ts";
import { type PoolHost, PoolProcess, type PoolProcessStatus, type PoolTrouble } from "./pool-process.ts";

/** Where a pool stands. */
export type PoolState = "idle" | "starting" | "running" | "stopping" | "stopped";

/** A pool and its processes at one moment. */
export interface PoolStatus {
  readonly state: PoolState;
  /** How many processes there should be. */
  readonly wanted: number;
  /** Jobs that run, in all processes. */
  readonly running: number;
  /** Those that are there, those that are still ending, and those that could not start with the pool. */
  readonly processes: readonly PoolProcessStatus[];
}

/**
 * Worker processes under supervision. Made by `q.workers({ processes, modules, … })`; lives once, from `run()` or
 * `start()` to `stop()`.
 *
 * Each process runs one worker over the tasks that the modules export. One that ends unasked is started anew, after a wait
 * that doubles from 100 ms to 30 s and is short again once a process has run for 10 s. They end with this process, however
 * it ends. While the pool runs it keeps this process alive.
 */
export class WorkerPool {
  readonly #broker: Broker;
  readonly #settings: PoolSettings;
  readonly #connection: Readonly<Record<string, unknown>>;
  readonly #signals: SignalSource;
  readonly #onChange: (process: PoolProcessStatus) => void;
  readonly #onError: (trouble: PoolTrouble) => void;
  readonly #processes = new Set<PoolProcess>();
  readonly #stopped: Promise<void>;
  #resolveStopped: () => void = () => undefined;
  #state: PoolState = "idle";
  #wanted: number;
  #made = 0;
  #host: PoolHost | null = null;
  #keepAlive: NodeJS.Timeout | undefined;

  /**
   * @param given what `connect()` was given
   * @throws {QueuackError} `QUEUACK_INVALID_OPTION`, `QUEUACK_UNSUPPORTED`
   */
  constructor(
    broker: Broker,
    given: Readonly<Record<string, unknown>>,
    options: PoolOptions,
    signals: SignalSource = process,
  ) {
    this.#broker = broker;
    this.#settings = poolSettings(options);
    this.#connection = handOver(given);
    this.#signals = signals;
    this.#wanted = this.#settings.processes;
    const { onChange, onError = warnOfPool } = options;
    this.#onError = (trouble) => unharmed(onError, trouble);
    this.#onChange = (status) => onChange && unharmed(onChange, status);
    this.#stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve;
    });
  }

  /** The pool and its processes as they are now. */
  status(): PoolStatus {
    const processes = [...this.#processes].map(({ status }) => status);
    const running = processes.reduce((sum, one) => sum + one.running, 0);
    return { state: this.#state, wanted: this.#wanted, running, processes };
  }

  /**
   * Starts the processes; resolves when each has registered its worker. If one can't, all are stopped again.
   * @throws {QueuackError} what the first process to fail said: `QUEUACK_UNKNOWN_MODULE`, `QUEUACK_INVALID_TASK` …;
   *   `QUEUACK_PROCESS_FAILED` when it ended without a word; `QUEUACK_NOT_ALLOWED`, `QUEUACK_UNSUPPORTED`
   */
  async start(): Promise<void> {
    if (this.#state !== "idle") throw notAllowed(this.#state, "A pool starts once; make another.");
    if (isPoolMember()) {
      throw new QueuackError("QUEUACK_NOT_ALLOWED", {
        message: "A worker process was about to start worker processes of its own.",
        hint: "Keep tasks in modules of their own, apart from the program that starts the pool.",
      });
    }
    this.#state = "starting";
    this.#keepAlive = setInterval(() => undefined, 2 ** 30);
    try {
      this.#host = await this.#makeHost();
      // Told to stop meanwhile: there is nothing to begin.
      if (this.state === "starting") await this.#grow(this.#wanted);
    } catch (error) {
      await this.stop({ grace: 0 });
      throw error;
    }
    if (this.state === "starting") this.#state = "running";
  }

  /**
   * Runs until SIGTERM, SIGINT or `stop()`; resolves when all processes have drained and ended. A second signal kills
   * them and ends this process at once.
   */
  async run(): Promise<void> {
    const signals: SignalSource = {
      on: (signal, listener) => this.#signals.on(signal, listener),
      off: (signal, listener) => this.#signals.off(signal, listener),
      exit: (code) => {
        for (const process of this.#processes) process.kill();
        this.#signals.exit(code);
      },
    };
    const stopListening = onShutdownSignal(signals, () => void this.stop());
    try {
      if (this.#state === "idle") await this.start();
      await this.#stopped;
    } finally {
      stopListening();
    }
  }

  /**
   * Stops every process as `Worker.stop` stops a worker: none claims more, running jobs go on for the grace, what is left
   * goes back without consuming an attempt. Resolves when all have ended. A process that does not end within 10 s after
   * its grace is killed. Called again, it can only shorten the grace.
   * @param options.grace by default the pool's `shutdownGrace`
   */
  async stop(options: { readonly grace?: Duration | undefined } = {}): Promise<void> {
    const { shutdownGraceMs } = this.#settings;
    const graceMs = options.grace === undefined ? shutdownGraceMs : milliseconds(options.grace, "grace");
    if (this.#state === "stopped") return;
    this.#state = "stopping";
    await Promise.all([...this.#processes].map((process) => process.stop(graceMs)));
    this.#end();
  }

  /**
   * Grows or shrinks to this many processes. Growing resolves when the new ones have registered their workers; shrinking,
   * when the surplus has drained and ended.
   * @throws {QueuackError} as `start`, and then the processes that were there go on; `QUEUACK_INVALID_OPTION`,
   *   `QUEUACK_NOT_ALLOWED`
   */
  async scale(processes: number): Promise<void> {
    const wanted = processCount(processes);
    if (this.#state !== "idle" && this.#state !== "running") {
      throw notAllowed(this.#state, "Scale a pool that runs, or before it starts.");
    }
    this.#wanted = wanted;
    if (this.#state === "idle") return;
    const there = [...this.#processes].filter((process) => process.wanted);
    if (there.length < wanted) await this.#grow(wanted - there.length);
    else
      await Promise.all(
        firstToKeep(there)
          .slice(wanted)
          .map((process) => this.#remove(process)),
      );
  }

  get state(): PoolState {
    return this.#state;
  }

  async #makeHost(): Promise<PoolHost> {
    const { modules, worker, execArgv } = this.#settings;
    const { url, temporary } = await this.#broker.share({ reason: "worker processes" });
    // What goes with this process needs no disk to wait for.
    const connection = temporary ? { ...this.#connection, durability: "relaxed" } : this.#connection;
    const plan = { url, temporary, connection, worker, modules };
    return { plan, execArgv, onChange: this.#onChange, onTrouble: this.#onError };
  }

  async #grow(count: number): Promise<void> {
    const host = this.#host as PoolHost;
    const fresh = Array.from({ length: count }, () => new PoolProcess(++this.#made, host));
    for (const process of fresh) this.#processes.add(process);
    try {
      await Promise.all(fresh.map((process) => process.start()));
    } catch (error) {
      await Promise.all(fresh.map((process) => process.stop(0)));
      if (this.#state === "running") {
        // Those that were there go on, and no more are wanted.
        for (const process of fresh) this.#processes.delete(process);
        this.#wanted = [...this.#processes].filter(({ wanted }) => wanted).length;
      }
      throw error;
    }
  }

  async #remove(process: PoolProcess): Promise<void> {
    await process.stop(this.#settings.shutdownGraceMs);
    this.#processes.delete(process);
  }

  #end(): void {
    this.#state = "stopped";
    for (const process of this.#processes) if (process.status.state !== "failed") this.#processes.delete(process);
    clearInterval(this.#keepAlive);
    this.#resolveStopped();
  }
}

/** Those that work, the oldest first; behind them those that don't. */
function firstToKeep(processes: readonly PoolProcess[]): PoolProcess[] {
  const [working, others] = [true, false].map((works) =>
    processes.filter(({ status }) => (status.state === "running") === works),
  ) as [PoolProcess[], PoolProcess[]];
  return [...working, ...others];
}

function notAllowed(state: PoolState, hint: string): QueuackError {
  return new QueuackError("QUEUACK_NOT_ALLOWED", { message: `The pool is ${state}.`, hint });
}

/** Tells trouble as a warning of the process, for those who gave no `onError`. */
function warnOfPool({ during, message, error }: PoolTrouble): void {
  const detail = error instanceof Error && !message.includes(error.message) ? ` ${error.message}` : "";
  process.emitWarning(`${message}${detail}`, { type: "QueuackWarning", code: `QUEUACK_POOL_${during.toUpperCase()}` });
}

/** Calls a user's hook; what it throws becomes a warning. */
function unharmed<T>(hook: (value: T) => void, value: T): void {
  try {
    hook(value);
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error));
  }
}
