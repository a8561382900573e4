import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { defaults } from "../../core/defaults.ts";
import { QueuackError } from "../../core/errors.ts";
import { ownFile } from "../../core/own-file.ts";
import { type PoolOrder, type PoolPlan, type PoolReport, receivedError } from "./messages.ts";

/** Where a place in the pool stands. `failed`: its first process could not start; `stopped`: it was told to end. */
export type PoolProcessState = "starting" | "running" | "stopping" | "waiting-to-restart" | "failed" | "stopped";

/** How a process ended. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly at: Date;
}

/** One place in the pool, whatever process fills it. */
export interface PoolProcessStatus {
  /** Tells the places of a pool apart; never given twice. */
  readonly number: number;
  readonly state: PoolProcessState;
  /** When it came into this state. */
  readonly since: Date;
  readonly pid: number | null;
  /** Id of the process's worker, as `q.listWorkers()` has it. */
  readonly worker: string | null;
  /** Jobs that run, as the process has last told. */
  readonly running: number;
  /** How often a process was started in the place of another. */
  readonly restarts: number;
  readonly lastExit: ProcessExit | null;
}

/** Something that went wrong with a process of the pool, or in it: the pool goes on, and tells. */
export interface PoolTrouble {
  /**
   * `start`: it could not start. `exit`: it ended although nobody had told it to. `stop`: it did not end in time and was
   * killed. `work`: what its queue or its worker had to tell.
   */
  readonly during: "start" | "exit" | "stop" | "work";
  readonly message: string;
  readonly error?: unknown;
  readonly process: PoolProcessStatus;
}

/** What a place needs from its pool. */
export interface PoolHost {
  readonly plan: PoolPlan;
  readonly execArgv: readonly string[];
  readonly onChange: (process: PoolProcessStatus) => void;
  readonly onTrouble: (trouble: PoolTrouble) => void;
}

/** The program of a child. */
const program = fileURLToPath(ownFile("queue/pool/pool-program.js"));

/** One place in a pool: starts a process, starts another one when it ends unasked, each time after a longer wait. */
export class PoolProcess {
  readonly #number: number;
  readonly #host: PoolHost;
  #state: PoolProcessState = "starting";
  #since = new Date();
  #child: ChildProcess | null = null;
  #worker: string | null = null;
  #running = 0;
  #restarts = 0;
  #lastExit: ProcessExit | null = null;
  /** Processes in a row that did not run well for a while. */
  #failures = 0;
  /** When the process at hand began to work, on the monotonic clock. */
  #steadyFrom = Number.POSITIVE_INFINITY;
  /** What the process at hand said before it ended. */
  #problem: Error | null = null;
  #wanted = true;
  #restart: NodeJS.Timeout | undefined;
  #kill: NodeJS.Timeout | undefined;
  #killAt = Number.POSITIVE_INFINITY;
  #first: { resolve(): void; reject(error: Error): void } | null = null;
  readonly #over: Promise<void>;
  #resolveOver: () => void = () => undefined;

  constructor(number: number, host: PoolHost) {
    this.#number = number;
    this.#host = host;
    this.#over = new Promise((resolve) => {
      this.#resolveOver = resolve;
    });
  }

  get status(): PoolProcessStatus {
    return {
      number: this.#number,
      state: this.#state,
      since: this.#since,
      pid: this.#child?.pid ?? null,
      worker: this.#worker,
      running: this.#running,
      restarts: this.#restarts,
      lastExit: this.#lastExit,
    };
  }

  /** Whether it is to go on: neither told to stop nor failed. */
  get wanted(): boolean {
    return this.#wanted;
  }

  /**
   * Starts the first process; resolves when its worker is registered, or when it was told to stop meanwhile.
   * @throws {QueuackError} what the process said, or `QUEUACK_PROCESS_FAILED` when it ended without a word
   */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#first = { resolve, reject };
      this.#spawn();
    });
  }

  /**
   * Tells the process to drain; resolves when it is gone. One that stays long after its grace is killed. Called again, it
   * can only shorten the grace.
   */
  stop(graceMs: number): Promise<void> {
    this.#wanted = false;
    clearTimeout(this.#restart);
    if (this.#child === null) this.#end("stopped");
    else {
      if (this.#state !== "stopping") this.#become("stopping");
      this.#send(this.#child, { kind: "stop", graceMs });
      this.#killIn(graceMs + defaults.pool.killAfterMs);
    }
    return this.#over;
  }

  /** Ends the process at once; its jobs go back as those of any dead worker. */
  kill(): void {
    this.#child?.kill("SIGKILL");
  }

  #spawn(): void {
    this.#problem = null;
    this.#steadyFrom = Number.POSITIVE_INFINITY;
    let child: ChildProcess;
    try {
      child = fork(program, { execArgv: [...this.#host.execArgv], stdio: ["ignore", "inherit", "inherit", "ipc"] });
    } catch (error) {
      this.#problem = error as Error;
      return this.#ended(null, null);
    }
    this.#child = child;
    child.on("message", (report: PoolReport) => this.#hear(report));
    child.on("error", (error) => {
      this.#problem ??= error;
      // A process that never was has no end to wait for.
      if (child.pid === undefined && this.#child === child) this.#ended(null, null);
    });
    // Not `exit`: what the process said last is read by now.
    child.on("close", (code, signal) => {
      if (this.#child === child) this.#ended(code, signal);
    });
    this.#send(child, { kind: "start", plan: this.#host.plan });
    this.#become("starting");
  }

  #hear(report: PoolReport): void {
    if (report.kind === "failed") this.#problem = receivedError(report.error);
    else if (report.kind === "stopping") {
      // By a signal of its own; otherwise it is known.
      if (this.#state !== "stopping") this.#become("stopping");
    } else if (report.kind === "trouble") {
      const error = report.error && receivedError(report.error);
      this.#host.onTrouble({ during: "work", message: report.message, error, process: this.status });
    } else {
      this.#worker = report.worker;
      this.#running = report.running;
      if (this.#state === "starting") this.#started();
    }
  }

  #started(): void {
    this.#steadyFrom = performance.now();
    this.#become("running");
    this.#first?.resolve();
    this.#first = null;
  }

  #ended(code: number | null, signal: string | null): void {
    const { pid } = this.status;
    const steady = performance.now() - this.#steadyFrom >= defaults.pool.steadyMs;
    const started = this.#steadyFrom !== Number.POSITIVE_INFINITY;
    this.#child = null;
    this.#worker = null;
    this.#running = 0;
    this.#lastExit = { code, signal, at: new Date() };
    clearTimeout(this.#kill);
    if (!this.#wanted) return this.#end("stopped");
    const ending = signal === null ? `exit code ${code}.` : `signal ${signal}.`;
    const how = started ? `ended: ${ending}` : `could not start: ${this.#problem?.message ?? ending}`;
    const message = `Worker process ${pid ?? this.#number} ${how}`;
    const error = this.#problem ?? new QueuackError("QUEUACK_PROCESS_FAILED", { message });
    if (this.#first !== null) {
      const { reject } = this.#first;
      this.#first = null;
      this.#wanted = false;
      this.#end("failed");
      return reject(error);
    }
    this.#failures = steady ? 0 : this.#failures + 1;
    const delayMs = restartDelayMs(this.#failures);
    this.#become("waiting-to-restart");
    const again = `${message} Another one starts in ${delayMs} ms.`;
    this.#host.onTrouble({ during: started ? "exit" : "start", message: again, error, process: this.status });
    // A listener may have stopped it.
    if (!this.#wanted) return;
    this.#restart = setTimeout(() => {
      this.#restarts++;
      this.#spawn();
    }, delayMs);
  }

  #end(state: "stopped" | "failed"): void {
    if (this.#state !== "stopped" && this.#state !== "failed") this.#become(state);
    this.#first?.resolve();
    this.#first = null;
    this.#resolveOver();
  }

  #killIn(ms: number): void {
    const at = performance.now() + ms;
    if (at >= this.#killAt) return;
    this.#killAt = at;
    clearTimeout(this.#kill);
    this.#kill = setTimeout(() => {
      const message = `Worker process ${this.#child?.pid} did not end ${ms} ms after it had been told to, and is killed.`;
      this.#host.onTrouble({ during: "stop", message, process: this.status });
      this.kill();
    }, ms);
  }

  #become(state: PoolProcessState): void {
    this.#state = state;
    this.#since = new Date();
    this.#host.onChange(this.status);
  }

  /** Sends, if the process still hears: its end is heard of by itself. */
  #send(child: ChildProcess, order: PoolOrder): void {
    if (child.connected) child.send(order, (error) => error && child.connected && child.emit("error", error));
  }
}

/** How long to wait before a process is started in the place of another, milliseconds. @param failures in a row */
export function restartDelayMs(failures: number): number {
  const { restartMs, restartCapMs } = defaults.pool;
  return Math.min(restartCapMs, restartMs * 2 ** Math.max(0, failures - 1));
}
