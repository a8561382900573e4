import type { CacheKeeping, CacheSettings } from "../core/cache.ts";
import { defaults } from "../core/defaults.ts";
import { QueuackError } from "../core/errors.ts";
import type { ClaimedJob, LogLevel, Payload } from "../core/job.ts";
import type { Outcome } from "../core/outcome.ts";
import { encodePayload } from "../core/payload.ts";
import type { Provided } from "../core/provided.ts";
import type { Settlement } from "../core/settlement.ts";
import type { Enqueue } from "../core/task.ts";
import { type CacheVerdict, consultCache } from "./caching/cached-attempt.ts";
import { type Attempt, Context, Discard, Snooze } from "./context.ts";
import type { ExecutionHost, RunningAttempt } from "./execution-host.ts";
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
export class Execution implements Attempt, RunningAttempt {
  readonly job: ClaimedJob;
  lease: LeaseEpoch;
  over = false;
  handlerDone = false;
  readonly #task: RegisteredTask;
  readonly #host: ExecutionHost;
  #controller: AbortController | undefined;
  #reason: QueuackError | undefined;
  /** What the attempt ends as when it was told to stop. */
  #interruption: "cancelled" | "released" | undefined;
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
    const timeoutMs = this.job.timeoutMs ?? this.#task.timeoutMs ?? defaults.timeoutMs;
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
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
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
    return this.over ? this.#tooLate() : this.#host.progress(this, payload);
  }

  log(level: LogLevel, message: string, data: unknown): void {
    if (!this.over) this.#host.log(this, level, message, data);
  }

  heartbeat(): Promise<void> {
    if (this.over) return this.#tooLate();
    const beaten = this.#host.heartbeat(this);
    beaten.catch(() => undefined);
    return beaten;
  }

  cancel(): void {
    const { id } = this.job;
    if (this.#interruption === "cancelled") return;
    const reason = new QueuackError("QUEUACK_JOB_CANCELLED", { message: `Job ${id} was cancelled while it ran.` });
    this.interrupt("cancelled", reason, cancelGraceMs);
  }

  interrupt(kind: "cancelled" | "released", reason: QueuackError, graceMs: number): void {
    if (this.over) return;
    if (this.#interruption !== "cancelled") this.#interruption = kind;
    this.#abort(reason);
    // An abort listener of the user may have ended the attempt.
    if (this.over) return;
    if (this.#undecided !== undefined) this.#endInterrupted(this.#undecided.thrown);
    else if (this.#resting) {
      this.handlerDone = true;
      this.#endInterrupted();
    } else this.#timer(graceMs, () => this.#endInterrupted());
  }

  lose(reason: QueuackError): void {
    if (this.over) return;
    this.#finish(null);
    this.#abort(reason);
  }

  throwIfOver(): void {
    if (this.over && this.#reason !== undefined) throw this.#reason;
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

  #handle(input: unknown): void {
    let value: unknown;
    try {
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
    // Whoever took the signal may have stopped halfway because of it, and half a result is none. Whoever never looked at
    // it has done the whole work.
    if (this.#interruption !== undefined && this.#controller !== undefined) {
      this.#endInterrupted();
      return;
    }
    let result: Payload;
    try {
      result = this.#host.codecs.encode(value, "result", this.#host.payloadLimit, this.#task.codec);
    } catch (cause) {
      // Final: another attempt would repeat the job's effects and return the same thing.
      const why = cause instanceof Error ? cause.message : String(cause);
      this.#fail("failed", new InvalidResult(why, cause), true);
      return;
    }
    this.#finish({ token: this.job.token, id: this.job.id, to: "completed", result, cache: this.#keeping });
  }

  #threw(thrown: unknown): void {
    if (!this.#isStillAwaited()) return;
    if (this.#interruption !== undefined) this.#endInterrupted(thrown);
    else if (thrown instanceof Snooze) this.#end({ to: "released", delayMs: thrown.delayMs });
    else if (thrown instanceof Discard) {
      this.#end({ to: "discarded", outcome: "discarded", error: { name: thrown.name, message: thrown.message } });
    } else this.#fail("failed", thrown, thrown instanceof InvalidResult);
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
    const message = `Attempt ${attempt} of job ${id} took longer than ${timeoutMs} ms.`;
    const error = new QueuackError("QUEUACK_ATTEMPT_TIMEOUT", { message });
    this.#fail("timed_out", error);
    this.#abort(error);
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
    if (this.#interruption === "released") {
      // A failure that only waits for its verdict is a failure all the same.
      this.#end(this.#undecided ? decideByPolicy(this.#undecided) : { to: "released", delayMs: 0 });
      return;
    }
    const error = thrown === undefined || isAbort(thrown, this.#reason) ? undefined : safeErrorRecord(thrown);
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

  #abort(reason: QueuackError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }

  #timer(ms: number, callback: () => void): void {
    this.#stopTimer?.();
    this.#stopTimer = this.#host.clock.timer(ms, callback);
  }

  /** What a handler hears that goes on after its attempt is over: an error if it was told to stop. */
  #tooLate(): Promise<void> {
    if (this.#reason === undefined) return Promise.resolve();
    const rejected = Promise.reject(this.#reason);
    // Whoever awaits it hears of it; whoever doesn't has asked for no answer, and it must not end the process.
    rejected.catch(() => undefined);
    return rejected;
  }
}
