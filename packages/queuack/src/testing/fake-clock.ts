import type { Clock } from "../core/clock.ts";
import { type Duration, milliseconds } from "../core/duration.ts";
import { QueuackError } from "../core/errors.ts";

/** How many turns of the event loop must pass without anybody touching the clock before all is taken to be settled. */
const quietTurns = 6;

/** How many turns are waited for at most: more means that something runs in circles. */
const turnLimit = 100_000;

interface FakeTimer {
  /** On the scale of the time that was advanced, which `set` leaves alone. */
  readonly due: number;
  readonly callback: () => void;
}

/** How a fake clock is made. */
export interface FakeClockOptions {
  /** Where the clock starts: 2026-01-01T00:00:00Z by default, so that every run of a test sees the same dates. */
  readonly start?: Date | number | undefined;
  /**
   * Waits until what a timer set off has come to rest. By default the event loop is let turn until nobody has asked the
   * clock anything for a few turns, which covers promises, `setImmediate` and SQLite's commits. Code that waits for
   * something outside the process (a file, a socket, a thread) needs a function that waits for that.
   */
  readonly settle?: (() => Promise<void>) | undefined;
}

/**
 * A clock that stands still until a test moves it.
 *
 * ```ts
 * const clock = new FakeClock();
 * const q = await connect(":memory:", { clock });
 * await q.enqueue(resize, input, { delay: "1h" });
 * await clock.advance("1h"); // an hour passes at once; a worker of this queue takes the job
 * ```
 *
 * The delays of jobs, their retries, timeouts, expiries, leases and retention all go by the clock of their queue. A
 * worker does something every 400 ms of it, so a fake hour beside one takes about a second; `drain(q, { advance: true })`
 * gets by with none on the way, and takes a year as quickly as a minute.
 */
export class FakeClock implements Clock {
  #wall: number;
  #elapsed = 0;
  #touched = 0;
  #advancing = false;
  /** Kept in the order they fall due; of one time, in the order they were set. */
  readonly #timers: FakeTimer[] = [];
  readonly #settle: () => Promise<void>;

  constructor(options: FakeClockOptions = {}) {
    this.#wall = epochMs(options.start ?? Date.UTC(2026, 0, 1));
    this.#settle = options.settle ?? (() => this.#quiet());
  }

  /** Milliseconds since the epoch, as the test has set them. */
  now(): number {
    this.#touched++;
    return this.#wall;
  }

  /** Calls back once when the test has let `ms` milliseconds pass. Returns the way to cancel. */
  timer(ms: number, callback: () => void): () => void {
    this.#touched++;
    const timer: FakeTimer = { due: this.#elapsed + Math.max(0, ms), callback };
    let place = this.#timers.length;
    while (place > 0 && (this.#timers[place - 1] as FakeTimer).due > timer.due) place--;
    this.#timers.splice(place, 0, timer);
    return () => {
      const at = this.#timers.indexOf(timer);
      if (at < 0) return;
      this.#touched++;
      this.#timers.splice(at, 1);
    };
  }

  /** How many timers are waiting. */
  get pending(): number {
    return this.#timers.length;
  }

  /**
   * Lets time pass: goes from one due timer to the next, in order, and lets whatever each sets off come to rest before
   * it goes on. Timers that are set on the way count if they fall due within the span.
   * @throws whatever a timer's callback throws
   */
  async advance(duration: Duration): Promise<void> {
    if (this.#advancing) {
      throw new QueuackError("QUEUACK_NOT_ALLOWED", {
        message: "The fake clock is being advanced already.",
        hint: "Await one advance() before the next.",
      });
    }
    this.#advancing = true;
    try {
      const end = this.#elapsed + milliseconds(duration, "duration");
      await this.#settle();
      for (;;) {
        const next = this.#timers[0];
        if (next === undefined || next.due > end) break;
        this.#timers.shift();
        this.#moveTo(next.due);
        next.callback();
        await this.#settle();
      }
      this.#moveTo(end);
    } finally {
      this.#advancing = false;
    }
  }

  /**
   * Sets the date, as an administrator or a time server would: `now()` jumps, forwards or backwards, and no timer fires,
   * because timers measure the time that passes.
   */
  set(date: Date | number): void {
    this.#wall = epochMs(date);
  }

  #moveTo(elapsed: number): void {
    this.#wall += elapsed - this.#elapsed;
    this.#elapsed = elapsed;
  }

  async #quiet(): Promise<void> {
    let quiet = 0;
    for (let turn = 0; turn < turnLimit; turn++) {
      const touched = this.#touched;
      await new Promise<void>((resolve) => setImmediate(resolve));
      quiet = touched === this.#touched ? quiet + 1 : 0;
      if (quiet === quietTurns) return;
    }
    throw new QueuackError("QUEUACK_NOT_ALLOWED", {
      message: `After ${turnLimit} turns of the event loop the code under test has still not come to rest.`,
      hint: "See what runs in circles, or give the fake clock a settle function.",
    });
  }
}

function epochMs(date: Date | number): number {
  const time = typeof date === "number" ? date : date.getTime();
  if (Number.isFinite(time)) return time;
  throw new QueuackError("QUEUACK_INVALID_OPTION", { message: "The fake clock was given an invalid date." });
}
