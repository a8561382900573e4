import type { Database, Statement } from "./database.ts";

/**
 * How many numbers a store sets aside at once: so many can be given out without writing to the sequence. No more: processes
 * that take turns waste what is left of a range each time, and tokens must grow by less than a million a second, or the
 * clock that `raiseEpoch` goes by falls behind them.
 */
const ahead = 64;

/** Numbers that are set aside: from `next` to `end`. */
interface Range {
  next: number;
  end: number;
}

const nothing: Readonly<Range> = { next: 1, end: 0 };

/**
 * Gives out job numbers and fencing tokens, each larger than all before it, whoever gave them out. A range is set aside in
 * the file and used up from memory, for as long as nobody else has set one aside since: their numbers would be larger.
 * What is left of a range is never given out.
 */
export class Sequence {
  readonly #ahead: number;
  readonly #read: Statement;
  readonly #setAside: Readonly<Record<"seq" | "token", Statement>>;
  readonly #ranges = { seq: { ...nothing }, token: { ...nothing } };

  /** @param setsAside not where a transaction is another's, and may be undone without a word */
  constructor(db: Database, setsAside: boolean) {
    this.#ahead = setsAside ? ahead : 0;
    this.#read = db.prepare("SELECT seq, token FROM sequence");
    this.#setAside = {
      seq: db.prepare("UPDATE sequence SET seq = ?"),
      token: db.prepare("UPDATE sequence SET token = ?"),
    };
  }

  /** Takes `n` job numbers or tokens; the first of them. Only within a transaction that may write. */
  take(kind: "seq" | "token", n: number): number {
    const range = this.#ranges[kind];
    const last = (this.#read.get() as Record<"seq" | "token", number>)[kind];
    if (last !== range.end || range.next + n - 1 > range.end) {
      range.next = last + 1;
      range.end = last + Math.max(n, this.#ahead);
      this.#setAside[kind].run(range.end);
    }
    range.next += n;
    return range.next - n;
  }

  /** Forgets what was set aside: a rollback may have undone it. */
  forget(): void {
    Object.assign(this.#ranges.seq, nothing);
    Object.assign(this.#ranges.token, nothing);
  }
}
