import type { Clock } from "../core/clock.ts";
import { QueuackError } from "../core/errors.ts";
import type { Store } from "../storage/store.ts";

/** How soon after a foreign commit the store is asked, milliseconds: many commits share one question. */
const askAfterMs = 5;

/** How soon after a question that failed the store is asked again, milliseconds. */
const askAgainMs = 1_000;

/** Most ids in one question. */
const askAtOnce = 500;

/** What somebody waits for. */
export interface Watched<Done> {
  /** What became of each: how it ended, an error where there is none of this id, `null` where it goes on. */
  look(ids: readonly string[]): Promise<readonly (Done | QueuackError | null)[]>;
  /** What is waited for, for people: `a result`. */
  readonly what: string;
}

type Settle<Done> = (outcome: Done | null | QueuackError) => void;

/** Those who wait for something to end: told by this process, and asking the store after other processes' commits. */
export class Waiters<Done extends object> {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #watched: Watched<Done>;
  readonly #waiting = new Map<string, Set<Settle<Done>>>();
  #stopListening: (() => void) | null = null;
  /** Timers and file events keep no process alive; somebody who waits for a result must. */
  #keepAlive: NodeJS.Timeout | null = null;
  #asking = false;

  constructor(store: Store, clock: Clock, watched: Watched<Done>) {
    this.#store = store;
    this.#clock = clock;
    this.#watched = watched;
  }

  /** Whether anybody waits for this one. */
  has(id: string): boolean {
    return this.#waiting.has(id);
  }

  /** Tells everybody who waits for this one. */
  told(id: string, outcome: Done | QueuackError): void {
    const waiters = this.#waiting.get(id);
    if (waiters === undefined) return;
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#rest();
    for (const settle of waiters) settle(outcome);
  }

  /** Asks the store about all that is waited for: it may have ended or gone. */
  async ask(): Promise<void> {
    const ids = [...this.#waiting.keys()];
    for (let i = 0; i < ids.length; i += askAtOnce) {
      const some = ids.slice(i, i + askAtOnce);
      const outcomes = await this.#watched.look(some);
      for (const [at, id] of some.entries()) {
        const outcome = outcomes[at];
        if (outcome != null) this.told(id, outcome);
      }
    }
  }

  /** Waits until it has ended; `null` when the time runs out. @throws {QueuackError} what `look` answers with */
  async wait(id: string, timeoutMs: number | undefined): Promise<Done | null> {
    // Listening starts before the look, so that an end between the two is not missed.
    let settle: Settle<Done> = () => undefined;
    const result = new Promise<Done | null | QueuackError>((resolve) => {
      settle = resolve;
    });
    const waiters = this.#waiting.get(id) ?? new Set();
    waiters.add(settle);
    this.#waiting.set(id, waiters);
    this.#keepAlive ??= setInterval(() => undefined, 2 ** 30);
    this.#stopListening ??= this.#store.onForeignCommit(() => this.#askSoon());
    const cancelTimer = timeoutMs === undefined ? undefined : this.#clock.timer(timeoutMs, () => settle(null));
    try {
      const [found] = await this.#watched.look([id]);
      const ended = found ?? (await result);
      if (ended instanceof QueuackError) throw ended;
      return ended;
    } finally {
      cancelTimer?.();
      waiters.delete(settle);
      if (waiters.size === 0 && this.#waiting.get(id) === waiters) this.#waiting.delete(id);
      if (this.#waiting.size === 0) this.#rest();
    }
  }

  /** Tells everybody who still waits that nothing will come, and stops listening. */
  close(): void {
    const closed = new QueuackError("QUEUACK_CLOSED", {
      message: `The queue was closed while ${this.#watched.what} was waited for.`,
    });
    for (const waiters of this.#waiting.values()) for (const settle of waiters) settle(closed);
    this.#waiting.clear();
    this.#rest();
  }

  /** Nobody waits: nothing is listened to, and the process may end. */
  #rest(): void {
    this.#stopListening?.();
    this.#stopListening = null;
    if (this.#keepAlive !== null) clearInterval(this.#keepAlive);
    this.#keepAlive = null;
  }

  #askSoon(afterMs = askAfterMs): void {
    if (this.#asking) return;
    this.#asking = true;
    this.#clock.timer(afterMs, () => {
      this.#asking = false;
      // A store that can't be read now may be read later; those who wait have their own time limits.
      this.ask().catch(() => this.#askSoon(askAgainMs));
    });
  }
}
