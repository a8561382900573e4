import type { Clock } from "../core/clock.ts";
import type { RunningAttempt } from "./execution-host.ts";
import type { OnTrouble } from "./trouble.ts";

/** How long a handler that goes on after its attempt is over keeps its slot. */
const lingerMs = 30_000;

/**
 * The slots of a worker. An inline handler can't be killed: one that ignores its signal goes on after its attempt was
 * settled. It then *lingers*: it keeps its slot until it returns, so that the process never runs more than it was told
 * to, but at most for `lingerMs`, so that one that never returns doesn't cost a slot for ever. Of those at most
 * `concurrency` may be left behind; from then on they keep their slots until they return. A worker therefore never has
 * more than twice its concurrency in handlers.
 */
export class Slots {
  concurrency: number;
  /** Attempts under a lease. */
  readonly active = new Set<RunningAttempt>();
  readonly #clock: Clock;
  readonly #trouble: OnTrouble;
  readonly #onFree: () => void;
  /** Handlers whose attempt is over, with the way to cancel their timer. */
  readonly #lingering = new Map<RunningAttempt, () => void>();
  /** Handlers that have outstayed: they hold no slot any more. */
  readonly #leftBehind = new Set<RunningAttempt>();

  constructor(params: { concurrency: number; clock: Clock; trouble: OnTrouble; onFree: () => void }) {
    this.concurrency = params.concurrency;
    this.#clock = params.clock;
    this.#trouble = params.trouble;
    this.#onFree = params.onFree;
  }

  /** Slots that are held: by attempts, and by handlers that linger. */
  get held(): number {
    return this.active.size + this.#lingering.size;
  }

  get free(): number {
    return Math.max(0, this.concurrency - this.held);
  }

  take(attempt: RunningAttempt): void {
    this.active.add(attempt);
  }

  /** The attempt is over; the slot becomes free when the handler is done as well. */
  end(attempt: RunningAttempt): void {
    this.active.delete(attempt);
    if (!attempt.handlerDone) this.#linger(attempt);
  }

  /** A handler that lingered has returned. */
  returned(attempt: RunningAttempt): void {
    if (this.#leftBehind.delete(attempt)) return;
    this.#lingering.get(attempt)?.();
    if (this.#lingering.delete(attempt)) this.#onFree();
  }

  /** Lets go of the timers; handlers that linger are left to themselves. */
  close(): void {
    for (const cancel of this.#lingering.values()) cancel();
  }

  #linger(attempt: RunningAttempt): void {
    this.#lingering.set(
      attempt,
      this.#clock.timer(lingerMs, () => this.#leaveBehind(attempt)),
    );
  }

  #leaveBehind(attempt: RunningAttempt): void {
    const { id, task } = attempt.job;
    const full = this.#leftBehind.size >= this.concurrency;
    this.#trouble({
      during: "slots",
      message: full
        ? `A handler of task ${task} ignores its abort signal, as ${this.concurrency} others do: it keeps its slot.`
        : `A handler of task ${task} still runs ${lingerMs / 1_000} s after its attempt ended: it ignores its signal.`,
      jobs: [id],
    });
    if (full) {
      // Asked again later, since others may have returned by then.
      this.#linger(attempt);
      return;
    }
    this.#lingering.delete(attempt);
    this.#leftBehind.add(attempt);
    this.#onFree();
  }
}
