import type { Codecs } from "../../codecs/codecs.ts";
import type { Clock } from "../../core/clock.ts";
import type { IsolatedAttempt, IsolatedRun } from "../execution-host.ts";
import type { OnTrouble } from "../trouble.ts";
import { reportDeath } from "./death-report.ts";
import type { Death, Executor, ExecutorListener } from "./executor.ts";
import { HandlerRun } from "./handler-run.ts";
import type { IsolatedTask, IsolationSettings } from "./isolation-options.ts";
import { unpackError } from "./packed-error.ts";
import { ProcessExecutor } from "./process-executor.ts";
import { ThreadExecutor } from "./thread-executor.ts";
import type { FromChild, RunOrder, ToChild } from "./wire.ts";

/** How long an executor that was told to end may take, milliseconds; then it is killed. */
const endingMs = 2_000;

/** An executor and what it is at. */
interface Seat {
  readonly task: IsolatedTask;
  /** `null` until it is started. */
  executor: Executor | null;
  /** What it is to hear then. */
  readonly outbox: ToChild[];
  run: HandlerRun | null;
  runs: number;
  /** Told to end, or killed: no more work for it. */
  ending: boolean;
  stopTimer: () => void;
}

/**
 * The threads and processes of a worker. Each runs one job at a time and stays warm, with its modules loaded, for the
 * next one of the same kind and memory limit. They are started when there is work and none is free; at most as many as
 * the worker has slots stay without work.
 */
export class ExecutorPool {
  readonly #settings: IsolationSettings;
  readonly #clock: Clock;
  readonly #payloadLimit: number;
  readonly #codecs: Codecs;
  readonly #mostIdle: () => number;
  readonly #trouble: OnTrouble;
  /** Those that worked last stand last. */
  readonly #seats = new Set<Seat>();
  /** Those that have yet to be started. */
  readonly #unstarted: Seat[] = [];
  #runs = 0;
  #emptied: (() => void)[] = [];

  constructor(params: {
    settings: IsolationSettings;
    clock: Clock;
    payloadLimit: number;
    codecs: Codecs;
    mostIdle: () => number;
    trouble: OnTrouble;
  }) {
    this.#settings = params.settings;
    this.#clock = params.clock;
    this.#payloadLimit = params.payloadLimit;
    this.#codecs = params.codecs;
    this.#mostIdle = params.mostIdle;
    this.#trouble = params.trouble;
  }

  /** How many threads and processes there are. */
  get size(): number {
    return this.#seats.size;
  }

  /** Begins to run an attempt's handler; the attempt hears how it ended, never before this returns. */
  run(attempt: IsolatedAttempt, task: IsolatedTask, order: Pick<RunOrder, "job" | "codec">): IsolatedRun {
    const seat = this.#idleSeats().findLast((one) => isFor(one, task)) ?? this.#open(task);
    seat.stopTimer();
    const run: HandlerRun = new HandlerRun(++this.#runs, attempt, task, this.#codecs, {
      send: (message) => this.#send(seat, message),
      // Once the run has ended, its seat may be another's.
      kill: () => {
        if (seat.run === run) this.#kill(seat);
      },
    });
    seat.run = run;
    seat.executor?.forget();
    run.begin({ ...order, payloadLimit: this.#payloadLimit });
    return run;
  }

  /** Ends them all; resolves when they are gone. */
  async close(): Promise<void> {
    for (const seat of this.#seats) {
      if (seat.run === null) this.#end(seat);
      else this.#kill(seat);
    }
    while (this.#seats.size > 0) await new Promise<void>((resolve) => this.#emptied.push(resolve));
  }

  #open(task: IsolatedTask): Seat {
    const stopTimer = () => undefined;
    const seat: Seat = { task, executor: null, outbox: [], run: null, runs: 0, ending: false, stopTimer };
    this.#seats.add(seat);
    // Starting one holds up the event loop for a while: one in each turn, so that heartbeats go out in between.
    if (this.#unstarted.push(seat) === 1) setImmediate(() => this.#startNext());
    return seat;
  }

  #startNext(): void {
    const seat = this.#unstarted[0];
    if (seat === undefined) return;
    const { task, outbox } = seat;
    const listener: ExecutorListener = {
      heard: (message) => this.#heard(seat, message),
      died: (death) => this.#died(seat, death),
    };
    try {
      if (seat.ending) this.#died(seat, { kind: "signal", signal: "SIGKILL" });
      else {
        seat.executor =
          task.kind === "thread"
            ? new ThreadExecutor(task.memoryLimit, listener)
            : new ProcessExecutor(task.memoryLimit, listener);
        for (const message of outbox.splice(0)) seat.executor.send(message);
      }
    } catch (error) {
      // The system refuses another thread or process.
      this.#died(seat, { kind: "unstarted", error });
    }
    this.#unstarted.shift();
    if (this.#unstarted.length > 0) setImmediate(() => this.#startNext());
  }

  #send({ executor, outbox }: Seat, message: ToChild): void {
    if (executor === null) outbox.push(message);
    else executor.send(message);
  }

  #heard(seat: Seat, message: FromChild): void {
    if (message.type === "stray") {
      const what = `What a handler left behind in its ${seat.task.kind} has failed; the ${seat.task.kind} will be replaced.`;
      this.#trouble({ during: "isolation", message: what, error: unpackError(message.error) });
      // Without a run there is no message to come that would say how worn it is.
      if (seat.run === null) this.#end(seat);
      return;
    }
    const { run } = seat;
    // What an earlier run still has to say is nobody's any more; whose fault an exit is, the run itself finds out.
    if (run === null || (message.type !== "exit" && message.run !== run.number)) return;
    if (message.type !== "ended") {
      run.heard(message);
      return;
    }
    seat.run = null;
    seat.runs++;
    const { maxRuns, maxMemory } = this.#settings;
    if (message.worn || message.memory > maxMemory || seat.runs >= maxRuns) this.#end(seat);
    else if (!seat.ending) this.#rest(seat);
    run.ended(message.end);
  }

  #died(seat: Seat, death: Death): void {
    if (!this.#seats.delete(seat)) return;
    seat.stopTimer();
    const { run } = seat;
    if (death.kind === "unstarted") {
      const message = `A ${seat.task.kind} for isolated tasks could not be started.`;
      this.#trouble({ during: "isolation", message, error: death.error });
    } else if (run === null && !seat.ending) {
      const { error } = reportDeath(death, seat.task);
      this.#trouble({ during: "isolation", message: `A ${seat.task.kind} without work has died.`, error });
    }
    seat.run = null;
    run?.died(death, seat.runs > 0);
    if (this.#seats.size > 0) return;
    const emptied = this.#emptied;
    this.#emptied = [];
    for (const resolve of emptied) resolve();
  }

  /** Lets a seat wait for work, and ends those that have waited longest where there are too many. */
  #rest(seat: Seat): void {
    this.#seats.delete(seat);
    this.#seats.add(seat);
    seat.stopTimer = this.#clock.timer(this.#settings.idleMs, () => this.#end(seat));
    const idle = this.#idleSeats();
    for (const surplus of idle.slice(0, Math.max(0, idle.length - this.#mostIdle()))) this.#end(surplus);
  }

  #idleSeats(): Seat[] {
    return [...this.#seats].filter(({ run, ending }) => run === null && !ending);
  }

  /** Lets an executor without work end by itself. */
  #end(seat: Seat): void {
    if (seat.ending) return;
    seat.ending = true;
    this.#send(seat, { type: "end" });
    seat.stopTimer();
    seat.stopTimer = this.#clock.timer(endingMs, () => seat.executor?.kill());
  }

  #kill(seat: Seat): void {
    seat.ending = true;
    seat.executor?.kill();
  }
}

function isFor({ task }: Seat, { kind, memoryLimit }: IsolatedTask): boolean {
  return task.kind === kind && task.memoryLimit === memoryLimit;
}
