import type { ProgressReport } from "../core/claim.ts";
import type { Clock } from "../core/clock.ts";
import type { LogLevel, Payload } from "../core/job.ts";
import type { Broker } from "../engine/broker.ts";
import type { RunningAttempt } from "./execution-host.ts";
import { leaseLost } from "./lease-keeper.ts";
import { logPayload } from "./log-payload.ts";
import type { OnTrouble } from "./trouble.ts";

/** How long after a failed report the next is tried. */
const retryMs = 1_000;

/** How often a report is tried: progress must not hold its handler up for ever. */
const triesLimit = 5;

/** What an attempt has to tell. */
interface Told {
  /** The latest; `undefined`: none since the last report. */
  progress: Payload | undefined;
  logs: NonNullable<ProgressReport["logs"]>[number][];
  waiting: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[];
  failures: number;
}

/**
 * Brings progress and log lines to the broker: those of one tick together, of progress only the latest. What is refused
 * is tried again on its own, so that it doesn't take its neighbours along, and then given up and told as trouble:
 * neither fails a job.
 */
export class Reporter {
  readonly #broker: Pick<Broker, "report">;
  readonly #clock: Clock;
  readonly #payloadLimit: number;
  readonly #trouble: OnTrouble;
  readonly #schedule: () => void;
  #told = new Map<RunningAttempt, Told>();
  /** What was refused and waits for another try, with what has come since. */
  #refused = new Map<RunningAttempt, Told>();

  constructor(params: {
    broker: Pick<Broker, "report">;
    clock: Clock;
    payloadLimit: number;
    trouble: OnTrouble;
    /** Sees to it that `flush` is called at the end of the tick. */
    schedule: () => void;
  }) {
    this.#broker = params.broker;
    this.#clock = params.clock;
    this.#payloadLimit = params.payloadLimit;
    this.#trouble = params.trouble;
    this.#schedule = params.schedule;
  }

  /** Resolves when the progress, or later progress in its stead, is kept; rejects when the lease is lost. */
  progress(attempt: RunningAttempt, progress: Payload): Promise<void> {
    const told = this.#of(attempt);
    told.progress = progress;
    const reported = new Promise<void>((resolve, reject) => told.waiting.push({ resolve, reject }));
    // Progress is seldom awaited; then a lost lease shows in the signal, and must not end the process.
    reported.catch(() => undefined);
    return reported;
  }

  log(attempt: RunningAttempt, level: LogLevel, message: string, data: unknown): void {
    this.#of(attempt).logs.push({ level, message: String(message), data: logPayload(data, this.#payloadLimit) });
  }

  /** Sends what has come together, synchronously. */
  flush(): void {
    if (this.#told.size === 0) return;
    const told = this.#told;
    this.#told = new Map();
    void this.#send(told);
  }

  /** Drops what an attempt still had to tell when it lost its lease. */
  forget(attempt: RunningAttempt): void {
    const error = leaseLost(`The lease of job ${attempt.job.id} was lost.`);
    for (const pending of [this.#told, this.#refused]) {
      for (const { reject } of pending.get(attempt)?.waiting ?? []) reject(error);
      pending.delete(attempt);
    }
  }

  async #send(told: Map<RunningAttempt, Told>): Promise<void> {
    const reports = [...told].map(([{ job }, { progress, logs }]) => ({
      token: job.token,
      progress,
      logs: logs.length > 0 ? logs : undefined,
    }));
    try {
      const lost = new Set((await this.#broker.report({ reports })).lost);
      for (const [attempt, { waiting }] of told) {
        if (!lost.has(attempt.job.token)) {
          for (const { resolve } of waiting) resolve();
          continue;
        }
        const error = leaseLost(`The lease of job ${attempt.job.id} was lost.`);
        attempt.lose(error);
        for (const { reject } of waiting) reject(error);
      }
    } catch (error) {
      this.#keep(told, error);
    }
  }

  /** Puts aside what was refused; of attempts that are over, and after too many tries, it is given up. */
  #keep(told: Map<RunningAttempt, Told>, error: unknown): void {
    const jobs = [...told.keys()].map(({ job }) => job.id);
    this.#trouble({ during: "report", message: "Progress and log lines could not be reported.", error, jobs });
    for (const [attempt, refused] of told) {
      refused.failures++;
      if (attempt.over || refused.failures === triesLimit) {
        for (const { resolve } of refused.waiting) resolve();
        continue;
      }
      const since = this.#told.get(attempt);
      this.#told.delete(attempt);
      if (since !== undefined) {
        refused.progress = since.progress ?? refused.progress;
        refused.logs.push(...since.logs);
        refused.waiting.push(...since.waiting);
      }
      this.#refused.set(attempt, refused);
      this.#clock.timer(retryMs, () => this.#again(attempt));
    }
  }

  #again(attempt: RunningAttempt): void {
    const refused = this.#refused.get(attempt);
    if (refused === undefined) return;
    this.#refused.delete(attempt);
    void this.#send(new Map([[attempt, refused]]));
  }

  #of(attempt: RunningAttempt): Told {
    let told = this.#refused.get(attempt) ?? this.#told.get(attempt);
    if (told === undefined) {
      told = { progress: undefined, logs: [], waiting: [], failures: 0 };
      this.#told.set(attempt, told);
      this.#schedule();
    }
    return told;
  }
}
