import type { Clock } from "../core/clock.ts";
import type { RunningAttempt, SlotHolder } from "./execution-host.ts";
import type { OnTrouble } from "./trouble.ts";

/** How long a handler that goes on after its attempt is over keeps its slot. */
const lingerMs = 30_000;

/**
 * The slots of a worker. A handler can't be killed: one that ignores its signal goes on after its attempt was settled.
 * It then *lingers*: it keeps its slot until it returns, so that the process never runs more than it was told to, but
 * at most for `lingerMs`, so that one that never returns doesn't cost a slot for ever. Of those at most `concurrency`
 * may be left behind; from then on they keep their slots until they return. A worker therefore never has more than
 * twice its concurrency in handlers.
 */
export class Slots {
  concurrency: number;
  /** Attempts under a lease. */
  readonly active = new Set<RunningAttempt>();
  /** Chunks that run: many attempts, one handler, one slot. */
  readonly #chunks = new Set<SlotHolder>();
  readonly #clock: Clock;
  readonly #trouble: OnTrouble;
  readonly #onFree: () => void;
  /** Handlers whose attempt is over, with the way to cancel their timer. */
  readonly #lingering = new Map<SlotHolder, () => void>();
  /** Handlers that have outstayed: they hold no slot any more. */
  readonly #leftBehind = new Set<SlotHolder>();

  constructor(params: { concurrency: number; clock: Clock; trouble: OnTrouble; onFree: () => void }) {
    this.concurrency = params.concurrency;
    this.#clock = params.clock;
    this.#trouble = params.trouble;
    this.#onFree = params.onFree;
  }

  /** Slots that are held: by attempts, and by handlers that linger. */
  get held(): number {
    return this.active.size + this.#chunks.size + this.#lingering.size;
  }

  get free(): number {
    return Math.max(0, this.concurrency - this.held);
  }

  take(attempt: RunningAttempt): void {
    this.active.add(attempt);
  }

  takeForChunk(chunk: SlotHolder): void {
    this.#chunks.add(chunk);
  }

  /**
   * The attempt, or every one of a chunk, is over; the slot becomes free when the handler is done as well.
   * Returns whether there was a slot: an attempt in a chunk has none of its own.
   */
  end(holder: SlotHolder): boolean {
    if (!this.active.delete(holder as RunningAttempt) && !this.#chunks.delete(holder)) return false;
    if (!holder.handlerDone) this.#linger(holder);
    return true;
  }

  /** A handler that lingered has returned. */
  returned(holder: SlotHolder): void {
    if (this.#leftBehind.delete(holder)) return;
    this.#lingering.get(holder)?.();
    if (this.#lingering.delete(holder)) this.#onFree();
  }

  /** Lets go of the timers; handlers that linger are left to themselves. */
  close(): void {
    for (const cancel of this.#lingering.values()) cancel();
  }

  #linger(holder: SlotHolder): void {
    this.#lingering.set(
      holder,
      this.#clock.timer(lingerMs, () => this.#leaveBehind(holder)),
    );
  }

  #leaveBehind(holder: SlotHolder): void {
    const { id, task } = holder.job;
    const full = this.#leftBehind.size >= this.concurrency;
    this.#trouble({
      during: "slots",
      message: full
        ? `A handler of task ${task} ignores its abort signal, as ${this.concurrency} others do: it keeps its slot.`
        : `A handler of task ${task} still runs ${lingerMs / 1_000} s after its attempt ended: it ignores its signal.`,
      jobs: holder.ids ?? [id],
    });
    if (full) {
      // Asked again later, since others may have returned by then.
      this.#linger(holder);
      return;
    }
    this.#lingering.delete(holder);
    this.#leftBehind.add(holder);
    this.#onFree();
  }
}
