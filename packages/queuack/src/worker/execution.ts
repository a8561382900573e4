import type { CacheKeeping, CacheSettings } from "../core/cache.ts";
import { defaults } from "../core/defaults.ts";
import { QueuackError } from "../core/errors.ts";
import type { ClaimedJob, LogLevel, Payload } from "../core/job.ts";
import type { Outcome } from "../core/outcome.ts";
import { encodePayload } from "../core/payload.ts";
import type { Provided } from "../core/provided.ts";
import type { Settlement } from "../core/settlement.ts";
import type { Enqueue } from "../core/task.ts";
import { Abort } from "./abort.ts";
import { type CacheVerdict, consultCache } from "./caching/cached-attempt.ts";
import { Context, Discard, Snooze } from "./context.ts";
import type { ExecutionHost, IsolatedAttempt, IsolatedEnd, IsolatedRun, RunningAttempt } from "./execution-host.ts";
import {
  decideByPolicy,
  decideFailure,
  type Failure,
  InvalidResult,
  isAbort,
  isThenable,
  safeErrorRecord,
} from "./failure.ts";
import { type InputVerdict, readInput } from "./input.ts";
import type { IsolatedTask } from "./isolation/isolation-options.ts";
import type { LeaseEpoch } from "./lease-keeper.ts";
import type { RegisteredTask } from "./registered-task.ts";
import { runWithin } from "./run-middleware.ts";

/** How long a handler may take to end after its job was cancelled. */
const cancelGraceMs = 5_000;

/** How long an asynchronous `retryIf` may think. */
const decisionMs = 5_000;

/** What becomes of an attempt, before it is addressed. */
type Fate = Settlement extends infer S ? (S extends Settlement ? Omit<S, "token" | "id"> : never) : never;

/**
 * One attempt of one job: validates the input, runs the handler, turns what comes of it into a settlement, exactly once.
 * Nothing it does throws, whatever the user's code does.
 */
export class Execution implements IsolatedAttempt, RunningAttempt {
  readonly job: ClaimedJob;
  lease: LeaseEpoch;
  over = false;
  handlerDone = false;
  readonly #task: RegisteredTask;
  readonly #host: ExecutionHost;
  readonly #abort = new Abort();
  /** What the attempt ends as when it was told to stop. */
  #interruption: "cancelled" | "released" | "timed_out" | undefined;
  /** The handler, where it runs in a thread or process. */
  #isolated: IsolatedRun | undefined;
  /** The isolated handler has not begun: what it takes to start and to load a module is no part of its timeout. */
  #loading = false;
  /** A failure whose fate waits for the user's `retryIf`. */
  #undecided: Failure | undefined;
  #stopTimer: (() => void) | undefined;
  /** How the result is to be kept for later jobs. */
  #keeping: CacheKeeping | undefined;
  /** It waits for its chunk: no code of the user runs for it, and its time doesn't run. */
  #resting = false;

  constructor(job: ClaimedJob, task: RegisteredTask, lease: LeaseEpoch, host: ExecutionHost) {
    this.job = job;
    this.lease = lease;
    this.#task = task;
    this.#host = host;
  }

  start(): void {
    try {
      // What a cache asks for is the checked input; otherwise checking it is left to where the handler runs.
      if (this.#task.isolation !== undefined && this.#task.cache === undefined) {
        this.#isolate(this.#task.isolation);
        return;
      }
      const input = readInput(this.job, this.#task.schema, this.#host.codecs);
      if (!isThenable(input)) this.#run(input);
      else {
        Promise.resolve(input).then(
          (verdict) => this.#run(verdict),
          (thrown: unknown) => this.#threw(thrown),
        );
      }
    } catch (thrown) {
      this.#threw(thrown);
    }
  }

  /** Starts the attempt's timer. Apart from `start`, because most attempts end within a tick and never need one. */
  startTimer(): void {
    if (this.over || this.#resting || this.#stopTimer !== undefined) return;
    const timeoutMs = this.#timeoutMs + (this.#loading ? defaults.isolation.loadMs : 0);
    this.#stopTimer = this.#host.clock.timer(timeoutMs, () => this.#timedOut(timeoutMs));
  }

  /** Waits for its chunk: told to stop meanwhile, it ends at once. */
  rest(): void {
    this.#resting = true;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  /** Its chunk starts. */
  wake(): void {
    this.#resting = false;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get enqueue(): Enqueue {
    return this.#host.enqueue;
  }

  get provided(): Provided {
    return this.#host.provided;
  }

  progress(progress: number | Record<string, unknown>): Promise<void> {
    const told = typeof progress === "number" ? Math.min(1, Math.max(0, progress)) : progress;
    // Throws here rather than rejects: progress is seldom awaited, and a rejection nobody awaits would end the process.
    const payload = encodePayload(told, "progress", this.#host.payloadLimit);
    return this.over ? this.#abort.tooLate() : this.#host.progress(this, payload);
  }

  log(level: LogLevel, message: string, data: unknown): void {
    if (!this.over) this.#host.log(this, level, message, data);
  }

  heartbeat(): Promise<void> {
    if (this.over) return this.#abort.tooLate();
    const beaten = this.#host.heartbeat(this);
    beaten.catch(() => undefined);
    return beaten;
  }

  cancel(): void {
    const { id } = this.job;
    if (this.#interruption === "cancelled" || this.#interruption === "timed_out") return;
    const reason = new QueuackError("QUEUACK_JOB_CANCELLED", { message: `Job ${id} was cancelled while it ran.` });
    this.interrupt("cancelled", reason, this.#isolated === undefined ? cancelGraceMs : this.#host.killGraceMs);
  }

  interrupt(kind: "cancelled" | "released", reason: QueuackError, graceMs: number): void {
    if (this.over) return;
    if (this.#interruption === undefined || this.#interruption === "released") this.#interruption = kind;
    this.#tellToStop(reason);
    // An abort listener of the user may have ended the attempt.
    if (this.over) return;
    if (this.#undecided !== undefined) this.#endInterrupted(this.#undecided.thrown);
    else if (this.#resting) {
      this.handlerDone = true;
      this.#endInterrupted();
    } else this.#stopWithin(graceMs);
  }

  lose(reason: QueuackError): void {
    if (this.over) return;
    this.#finish(null);
    this.#tellToStop(reason);
    // Another may run the job already: no grace.
    this.#isolated?.kill();
  }

  throwIfOver(): void {
    if (this.over && this.#abort.reason !== undefined) throw this.#abort.reason;
  }

  isolatedBegan(): void {
    this.#loading = false;
    if (this.over || this.#interruption !== undefined || this.#stopTimer === undefined) return;
    this.#timer(this.#timeoutMs, () => this.#timedOut(this.#timeoutMs));
  }

  isolatedEnded(end: IsolatedEnd): void {
    if (end.kind === "threw") this.#threw(end.thrown, end.final);
    else if (!this.#isStillAwaited()) return;
    else if (end.kind === "returned") {
      if (this.#isHalf(end.heeded)) this.#endInterrupted();
      else
        this.#complete(() =>
          this.#host.codecs.recoded(end.result, "result", this.#host.payloadLimit, this.#task.codec),
        );
    } else if (this.#interruption !== undefined) this.#endInterrupted();
    else if (end.kind === "blameless") this.#end({ to: "released", delayMs: end.delayMs });
    else this.#fail(end.outcome, end.error);
  }

  get #timeoutMs(): number {
    return this.job.timeoutMs ?? this.#task.timeoutMs ?? defaults.timeoutMs;
  }

  #run(input: InputVerdict): void {
    if (!this.#goesOn()) return;
    if ("invalid" in input) {
      this.handlerDone = true;
      this.#fail("failed", input.invalid, true);
    } else if (this.#task.cache !== undefined) this.#consultCache(this.#task.cache, input.value);
    else this.#handle(input.value);
  }

  /** Whether there is still reason to call the handler, after something was waited for; if there is none, that's that. */
  #goesOn(): boolean {
    if (this.over) {
      this.#lateReturn();
      return false;
    }
    if (this.#undecided === undefined && this.#interruption === undefined) return true;
    this.handlerDone = true;
    if (this.#undecided === undefined) this.#endInterrupted();
    return false;
  }

  #consultCache(cache: CacheSettings, input: unknown): void {
    consultCache({ cache, job: this.job, input, find: (address, id) => this.#host.cached(address, id) }).then(
      (verdict) => this.#consulted(verdict, input),
      (thrown: unknown) => this.#threw(thrown),
    );
  }

  #consulted(verdict: CacheVerdict, input: unknown): void {
    if (!this.#goesOn()) return;
    if (verdict !== null && "result" in verdict) {
      this.handlerDone = true;
      const { token, id } = this.job;
      this.#finish({ token, id, to: "completed", outcome: "cached", result: verdict.result });
    } else {
      this.#keeping = verdict?.keeping;
      this.#handle(input);
    }
  }

  /** Hands the handler to a thread or process. */
  #isolate(where: IsolatedTask): void {
    this.#isolated = this.#host.isolate(this, where, this.#task.codec);
    this.#loading = true;
    if (this.#stopTimer === undefined) return;
    this.#stopTimer();
    this.#stopTimer = undefined;
    this.startTimer();
  }

  #handle(input: unknown): void {
    let value: unknown;
    try {
      if (this.#task.isolation !== undefined) {
        this.#isolate(this.#task.isolation);
        return;
      }
      value = runWithin(this.#host.middleware(), new Context(input, this), this.#task.run);
      if (isThenable(value)) {
        Promise.resolve(value).then(
          (result) => this.#returned(result),
          (thrown: unknown) => this.#threw(thrown),
        );
        return;
      }
    } catch (thrown) {
      this.#threw(thrown);
      return;
    }
    this.#returned(value);
  }

  #returned(value: unknown): void {
    if (!this.#isStillAwaited()) return;
    if (this.#isHalf(this.#abort.heeded)) {
      this.#endInterrupted();
      return;
    }
    this.#complete(() => this.#host.codecs.encode(value, "result", this.#host.payloadLimit, this.#task.codec));
  }

  /** Completes the job with a result, if that can be stored. */
  #complete(stored: () => Payload): void {
    let result: Payload;
    try {
      result = stored();
    } catch (cause) {
      // Final: another attempt would repeat the job's effects and return the same thing.
      const why = cause instanceof Error ? cause.message : String(cause);
      this.#fail("failed", new InvalidResult(why, cause), true);
      return;
    }
    this.#finish({ token: this.job.token, id: this.job.id, to: "completed", result, cache: this.#keeping });
  }

  #threw(thrown: unknown, final = false): void {
    if (!this.#isStillAwaited()) return;
    if (this.#interruption !== undefined) this.#endInterrupted(thrown);
    else if (thrown instanceof Snooze) this.#end({ to: "released", delayMs: thrown.delayMs });
    else if (thrown instanceof Discard) {
      this.#end({ to: "discarded", outcome: "discarded", error: { name: thrown.name, message: thrown.message } });
    } else this.#fail("failed", thrown, final || thrown instanceof InvalidResult);
  }

  /**
   * Whether a result came too late to count. Whoever took the signal may have stopped halfway because of it, and half a
   * result is none; whoever never looked at it has done the whole work. An attempt that timed out has failed either way.
   */
  #isHalf(heeded: boolean): boolean {
    return this.#interruption === "timed_out" || (this.#interruption !== undefined && heeded);
  }

  /** Takes note that the user's code has ended; whether what it ended with still matters. */
  #isStillAwaited(): boolean {
    if (this.over) {
      this.#lateReturn();
      return false;
    }
    this.handlerDone = true;
    return this.#undecided === undefined;
  }

  #timedOut(timeoutMs: number): void {
    const { id, attempt } = this.job;
    const what = this.#loading ? `Loading the module for attempt ${attempt}` : `Attempt ${attempt}`;
    const message = `${what} of job ${id} took longer than ${timeoutMs} ms.`;
    const error = new QueuackError("QUEUACK_ATTEMPT_TIMEOUT", { message });
    if (this.#isolated === undefined) {
      this.#fail("timed_out", error);
      this.#tellToStop(error);
      return;
    }
    // This handler can be ended, so that its attempt is over only when nothing of it runs any more.
    this.#interruption = "timed_out";
    this.#tellToStop(error);
    this.#stopWithin(this.#host.killGraceMs);
  }

  /** Gives a handler that was told to stop its time; then the attempt ends without it, or the handler by force. */
  #stopWithin(graceMs: number): void {
    this.#timer(graceMs, () => {
      if (this.#isolated === undefined) this.#endInterrupted();
      else this.#isolated.kill();
    });
  }

  #fail(outcome: Outcome, thrown: unknown, final = false): void {
    const { random, trouble } = this.#host;
    const failure: Failure = { job: this.job, task: this.#task, outcome, thrown, final, random, trouble };
    const decision = decideFailure(failure);
    if (!isThenable(decision)) {
      this.#end(decision);
      return;
    }
    this.#undecided = failure;
    this.#timer(decisionMs, () => {
      const message = `retryIf of task ${this.#task.name} took longer than ${decisionMs} ms; the retry policy decides.`;
      trouble({ during: "retry-policy", message, jobs: [this.job.id] });
      this.#end(decideByPolicy(failure));
    });
    void decision.then((fate) => {
      if (!this.over) this.#end(fate);
    });
  }

  /** Ends an attempt that was told to stop. */
  #endInterrupted(thrown?: unknown): void {
    if (this.#interruption === "timed_out") {
      // A verdict that is still awaited can't be waited for any longer.
      if (this.#undecided !== undefined) this.#end(decideByPolicy(this.#undecided));
      else this.#fail("timed_out", this.#abort.reason);
      return;
    }
    if (this.#interruption === "released") {
      // A failure that only waits for its verdict is a failure all the same.
      this.#end(this.#undecided ? decideByPolicy(this.#undecided) : { to: "released", delayMs: 0 });
      return;
    }
    const error = thrown === undefined || isAbort(thrown, this.#abort.reason) ? undefined : safeErrorRecord(thrown);
    this.#end({ to: "cancelled", error });
  }

  #end(fate: Fate): void {
    this.#finish({ token: this.job.token, id: this.job.id, ...fate });
  }

  #finish(settlement: Settlement | null): void {
    this.over = true;
    this.#stopTimer?.();
    this.#host.ended(this, settlement);
  }

  #lateReturn(): void {
    this.handlerDone = true;
    this.#host.returned(this);
  }

  #tellToStop(reason: QueuackError): void {
    if (this.#abort.because(reason)) this.#isolated?.abort(reason);
  }

  #timer(ms: number, callback: () => void): void {
    this.#stopTimer?.();
    this.#stopTimer = this.#host.clock.timer(ms, callback);
  }
}
