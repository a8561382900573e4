import type { Codecs } from "../codecs/codecs.ts";
import type { CacheAddress, CachedResult } from "../core/cache.ts";
import type { Clock } from "../core/clock.ts";
import type { CodecOption } from "../core/codec.ts";
import type { QueuackError } from "../core/errors.ts";
import type { ClaimedJob, LogLevel, Payload } from "../core/job.ts";
import type { RunMiddleware } from "../core/middleware.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Provided } from "../core/provided.ts";
import type { Settlement } from "../core/settlement.ts";
import type { Enqueue } from "../core/task.ts";
import type { Attempt } from "./context.ts";
import type { IsolatedTask } from "./isolation/isolation-options.ts";
import type { Leased } from "./lease-keeper.ts";
import type { OnTrouble } from "./trouble.ts";

/** An attempt as the worker around it sees it. */
export interface RunningAttempt extends Leased, SlotHolder {
  readonly job: ClaimedJob;
  /** Settled or lost; whatever the handler still does is dropped. */
  readonly over: boolean;
  /**
   * Asks the handler to stop. The attempt ends as `kind` when the handler ends, or after the grace if it does not. A job
   * that was cancelled stays so when the worker stops as well.
   */
  interrupt(kind: "cancelled" | "released", reason: QueuackError, graceMs: number): void;
  /** Throws why the attempt is over, if its handler should know. */
  throwIfOver(): void;
}

/** What holds a slot: an attempt, or a chunk of many. */
export interface SlotHolder {
  /** The job, or one of them. */
  readonly job: Pick<ClaimedJob, "id" | "task">;
  /** The ids of all jobs, where there are many. */
  readonly ids?: readonly string[] | undefined;
  /** No code of the user is running any more. */
  readonly handlerDone: boolean;
}

/** How an isolated handler ended. Told when nothing of it runs any more. */
export type IsolatedEnd =
  /** `heeded`: the handler has taken its signal, so that after an abort the result may be half of one. */
  | { readonly kind: "returned"; readonly result: Payload; readonly heeded: boolean }
  /** `final`: another attempt is pointless, whatever the policy says. */
  | { readonly kind: "threw"; readonly thrown: unknown; readonly final: boolean }
  /** Its thread or process died with it, by itself or by force. */
  | { readonly kind: "died"; readonly outcome: Outcome; readonly error: QueuackError }
  /** Its thread or process failed, and not because of this handler: the attempt must not count. */
  | { readonly kind: "blameless"; readonly error: QueuackError; readonly delayMs: number };

/** An attempt whose handler runs elsewhere. */
export interface IsolatedAttempt extends Attempt {
  /** Its module is loaded, and the handler begins. */
  isolatedBegan(): void;
  isolatedEnded(end: IsolatedEnd): void;
}

/** A handler that runs in a thread or process of its own. */
export interface IsolatedRun {
  /** Aborts the handler's signal. */
  abort(reason: QueuackError): void;
  /** Ends the thread or process, whatever it does. */
  kill(): void;
}

/** What an execution asks of the worker it runs in. */
export interface ExecutionHost {
  readonly clock: Clock;
  readonly random: () => number;
  readonly payloadLimit: number;
  readonly enqueue: Enqueue;
  readonly codecs: Codecs;
  readonly provided: Provided;
  /** What stands around a handler that starts now. */
  readonly middleware: () => readonly RunMiddleware[];
  readonly trouble: OnTrouble;
  /** The attempt is over: with a settlement, or without one where the lease was lost. */
  ended(attempt: RunningAttempt, settlement: Settlement | null): void;
  /** The handler of an attempt that was over already has returned. */
  returned(attempt: RunningAttempt): void;
  progress(attempt: RunningAttempt, progress: Payload): Promise<void>;
  log(attempt: RunningAttempt, level: LogLevel, message: string, data: unknown): void;
  /** The result that is kept at an address, for a job of this id; `null` where there is none. Never rejects. */
  cached(address: CacheAddress, job: string): Promise<CachedResult | null>;
  heartbeat(attempt: RunningAttempt): Promise<void>;
  /** How long an isolated handler may take to end once its signal has aborted, milliseconds. */
  readonly killGraceMs: number;
  /**
   * Runs a handler in a thread or process; the attempt hears how it ended, never before this returns.
   * @param codec what its result is to be written with; it comes back in the portable form of that
   * @throws {QueuackError} `QUEUACK_UNKNOWN_CODEC`, `QUEUACK_CODEC_FAILED` where the input can't be read
   */
  isolate(attempt: IsolatedAttempt, task: IsolatedTask, codec: CodecOption | undefined): IsolatedRun;
}
