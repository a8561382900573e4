import type { Codecs } from "../codecs/codecs.ts";
import type { CacheAddress, CachedResult } from "../core/cache.ts";
import type { Clock } from "../core/clock.ts";
import type { QueuackError } from "../core/errors.ts";
import type { ClaimedJob, LogLevel, Payload } from "../core/job.ts";
import type { RunMiddleware } from "../core/middleware.ts";
import type { Provided } from "../core/provided.ts";
import type { Settlement } from "../core/settlement.ts";
import type { Enqueue } from "../core/task.ts";
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
}
