import { QueuackError } from "../../core/errors.ts";
import { type Database, type Durability, isBusy, type Statement, storeError, synchronousPragma } from "./database.ts";

/** How long one turn may hold the event loop, milliseconds: what is under way goes on in the next one. */
const turnMs = 6;

/** For how long a transaction takes in what has come, milliseconds: the rest is for the next one. */
const transactionMs = 16;

/** How long a writer waits for the lock before it gives up, milliseconds. */
const busyLimitMs = 30_000;

/** How long to wait before the lock is tried again: SQLite's own waiting shares a file unfairly between processes. */
const busyRetryMs = { first: 3, patient: 1 } as const;

/** Who has waited this long for the lock tries more often than who came later, milliseconds. */
const patientAfterMs = 20;

/** For how long after the lock was seen taken nobody begins a transaction right behind its last one, milliseconds. */
const contendedMs = 50;

/** How long to stand back then: longer than the patient wait between two tries, so that one of them comes first. */
const courtesyMs = 3;

/** The body of a write: yields where it may be interrupted, so that a large one never holds the event loop. */
export type WriteBody<T> = () => Generator<void, T, void>;

interface Write {
  readonly body: WriteBody<unknown>;
  readonly durable: boolean;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
  outcome: { readonly value: unknown } | { readonly error: unknown } | null;
  /** To be called once it is committed. */
  readonly after: (() => void)[];
}

/**
 * The one way to write: collects what is asked for within a tick and commits it together, each write in a savepoint of
 * its own so that one that fails takes nothing with it. A promise resolves only after the commit.
 */
export class Writer {
  readonly #db: Database;
  readonly #durability: Durability;
  readonly #begin: Statement;
  readonly #commit: Statement;
  readonly #rollback: Statement;
  readonly #savepoint: Statement;
  readonly #release: Statement;
  readonly #rollbackTo: Statement;
  readonly #onRollback: () => void;
  readonly #onCommit: () => void;
  #queue: Write[] = [];
  #scheduled = false;
  #running = false;
  #synchronous: "FULL" | "NORMAL";
  #idle: (() => void)[] = [];
  /** The write whose body runs. */
  #current: Write | null = null;
  /** When the lock was last seen in another's hands. */
  #busyAt = Number.NEGATIVE_INFINITY;
  /** When this connection last had the lock. */
  #committedAt = Number.NEGATIVE_INFINITY;
  /** When the turn of the event loop began that is being used. */
  #turnAt = 0;

  constructor(db: Database, params: { durability: Durability; onRollback: () => void; onCommit: () => void }) {
    this.#db = db;
    this.#durability = params.durability;
    this.#onRollback = params.onRollback;
    this.#onCommit = params.onCommit;
    this.#synchronous = synchronousPragma(params.durability);
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#commit = db.prepare("COMMIT");
    this.#rollback = db.prepare("ROLLBACK");
    this.#savepoint = db.prepare("SAVEPOINT write");
    this.#release = db.prepare("RELEASE write");
    this.#rollbackTo = db.prepare("ROLLBACK TO write");
  }

  /** Whether a write is waiting for the next commit: something else can then join it for nothing. */
  get pending(): boolean {
    return this.#queue.length > 0;
  }

  /**
   * Runs a write in the next commit.
   * @param durable whether it must survive a power cut; a claim or a heartbeat need not, since the next opening raises
   *   the fencing token above whatever was forgotten
   */
  write<T>(body: WriteBody<T>, durable = true): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ body, durable, resolve, reject, outcome: null, after: [] });
      this.#schedule();
    });
  }

  /** Calls back once the write at hand is committed, never where it is undone. Only within a body; must not throw. */
  afterCommit(callback: () => void): void {
    this.#current?.after.push(callback);
  }

  /** Runs a read when no transaction is open, so that it sees only what is committed. */
  async read<T>(body: () => T): Promise<T> {
    while (this.#running) await new Promise<void>((resolve) => this.#idle.push(resolve));
    try {
      return body();
    } catch (error) {
      throw storeError(error, "A read failed.");
    }
  }

  /** Resolves when everything asked for so far is committed or refused. */
  async drain(): Promise<void> {
    while (this.#running || this.#queue.length > 0) {
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#running) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      void this.#flush();
    });
  }

  async #flush(): Promise<void> {
    this.#running = true;
    let batch: Write[] = [];
    let taken = 0;
    const started = this.#startTurn();
    try {
      batch = await this.#beginWhenFree();
      const until = this.#startTurn() + transactionMs;
      do {
        const rest = this.#run(batch[taken++] as Write);
        // Awaiting costs a round of microtasks: only where there is something to wait for.
        if (rest !== null) await rest;
        if (this.#turnIsOver()) await this.#nextTurn();
        if (taken === batch.length && this.#canJoin()) batch.push(...this.#takeQueue());
      } while (taken < batch.length && performance.now() < until);
      this.#commit.run();
      this.#committedAt = performance.now();
    } catch (cause) {
      if (batch.length === 0) batch = this.#takeQueue();
      if (taken === 0) taken = batch.length;
      this.#fail(batch.slice(0, taken), cause);
    }
    this.#onCommit();
    // What comes of much is told in several turns: whoever hears it goes on at once, and may have much to do. The last
    // turn lets that come in before the next transaction begins.
    const much = performance.now() - started >= turnMs;
    for (let i = 0; i < taken; i++) {
      const { outcome, after, resolve, reject } = batch[i] as Write;
      if (outcome === null) continue;
      if (much) await this.#nextTurn();
      if ("error" in outcome) reject(outcome.error);
      else {
        for (const call of after) call();
        resolve(outcome.value as never);
      }
    }
    if (much) await this.#nextTurn();
    this.#running = false;
    if (taken < batch.length) this.#queue = [...batch.slice(taken), ...this.#queue];
    if (this.#queue.length > 0) this.#schedule();
    const idle = this.#idle;
    this.#idle = [];
    for (const wake of idle) wake();
  }

  /** Runs one write in a savepoint; answers with a promise only where it takes more than what is left of the turn. */
  #run(write: Write): Promise<void> | null {
    this.#current = write;
    this.#savepoint.run();
    try {
      const steps = write.body();
      return this.#advance(write, steps) ? null : this.#runOn(write, steps);
    } catch (error) {
      this.#undo(write, error);
      return null;
    }
  }

  async #runOn(write: Write, steps: Generator<void, unknown, void>): Promise<void> {
    try {
      do await this.#nextTurn();
      while (!this.#advance(write, steps));
    } catch (error) {
      this.#undo(write, error);
    }
  }

  /** Runs a write to its end, or to the end of the turn; whether it has ended. */
  #advance(write: Write, steps: Generator<void, unknown, void>): boolean {
    do {
      const step = steps.next();
      if (!step.done) continue;
      this.#release.run();
      write.outcome = { value: step.value };
      return true;
    } while (!this.#turnIsOver());
    return false;
  }

  /** Whether what has come since the transaction was opened may still be part of it. */
  #canJoin(): boolean {
    return this.#synchronous === synchronousPragma(this.#durability) || !this.#queue.some((write) => write.durable);
  }

  #startTurn(): number {
    this.#turnAt = performance.now();
    return this.#turnAt;
  }

  #turnIsOver(): boolean {
    return performance.now() - this.#turnAt >= turnMs;
  }

  async #nextTurn(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#startTurn();
  }

  #undo(write: Write, error: unknown): void {
    // SQLite ends the whole transaction by itself when the disk is full or fails: then all of it is lost.
    if (!this.#db.inTransaction) throw error;
    this.#rollbackTo.run();
    this.#release.run();
    this.#onRollback();
    write.outcome = { error: storeError(error, "A write failed.") };
  }

  #fail(writes: readonly Write[], cause: unknown): void {
    if (this.#db.inTransaction) this.#rollback.run();
    this.#onRollback();
    const error = storeError(cause, "A commit failed.");
    for (const write of writes) {
      write.outcome = null;
      write.reject(error);
    }
  }

  #takeQueue(): Write[] {
    const taken = this.#queue;
    this.#queue = [];
    return taken;
  }

  /** Opens the transaction; answers with what it is to carry: all that came until the lock was won. */
  async #beginWhenFree(): Promise<Write[]> {
    const started = performance.now();
    // Whoever has just had a turn would win every race against those who wait between two tries.
    const hadTurn = started - this.#committedAt < courtesyMs;
    if (hadTurn && started - this.#busyAt < contendedMs) await sleep(courtesyMs);
    for (;;) {
      try {
        this.#setDurability(this.#queue.some((write) => write.durable));
        this.#begin.run();
        // In the same breath: what arrives from here on may need a durability that was not set, and waits for the next.
        return this.#takeQueue();
      } catch (error) {
        if (!isBusy(error)) throw error;
        this.#busyAt = performance.now();
        if (performance.now() - started > busyLimitMs) {
          throw new QueuackError("QUEUACK_STORE_BUSY", {
            message: `The database stayed locked by another process for ${busyLimitMs / 1000} s.`,
            cause: error,
          });
        }
        await sleep(performance.now() - started < patientAfterMs ? busyRetryMs.first : busyRetryMs.patient);
      }
    }
  }

  /** The level can't be changed within a transaction: it is chosen before, and only when it differs. */
  #setDurability(durable: boolean): void {
    const level = durable ? synchronousPragma(this.#durability) : "NORMAL";
    if (level === this.#synchronous) return;
    this.#db.exec(`PRAGMA synchronous = ${level}`);
    this.#synchronous = level;
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
