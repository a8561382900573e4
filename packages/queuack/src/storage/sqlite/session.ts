import type { Clock } from "../../core/clock.ts";
import type { Database, OwnDatabase, Statement } from "./database.ts";
import type { FlowRules } from "./flow-rules.ts";
import { type Lanes, Tally } from "./lanes.ts";
import { Leased } from "./leased.ts";
import type { Writer } from "./writer.ts";

/** What is needed within a transaction, whoever opened it: the connection, the clock, the lanes, the limits, the sequences. */
export class Tables {
  readonly db: Database;
  readonly clock: Pick<Clock, "now">;
  readonly lanes: Lanes;
  readonly flow: FlowRules;
  readonly #take: Statement;
  readonly #taken: Statement;

  constructor(params: { db: Database; clock: Pick<Clock, "now">; lanes: Lanes; flow: FlowRules }) {
    this.db = params.db;
    this.clock = params.clock;
    this.lanes = params.lanes;
    this.flow = params.flow;
    // Two statements: what RETURNING returns goes through a table of its own, which costs more than reading.
    this.#take = this.db.prepare("UPDATE sequence SET seq = seq + ?, token = token + ?");
    this.#taken = this.db.prepare("SELECT seq, token FROM sequence");
  }

  /** An empty tally for the write at hand. */
  tally(): Tally {
    return new Tally(this.flow.now());
  }

  /** Takes `n` job numbers; the first of them. */
  takeSeqs(n: number): number {
    this.#take.run(n, 0);
    return (this.#taken.get() as { seq: number }).seq - n + 1;
  }

  /** Takes `n` fencing tokens; the first of them. */
  takeTokens(n: number): number {
    this.#take.run(0, n);
    return (this.#taken.get() as { token: number }).token - n + 1;
  }
}

/** What the parts of the store share: the tables, and the one way to write to them. */
export class Session extends Tables {
  declare readonly db: OwnDatabase;
  /** What this connection has leased. */
  readonly leased = new Leased();
  readonly writer: Writer;
  readonly #leap: Statement;

  constructor(params: { db: OwnDatabase; writer: Writer; clock: Pick<Clock, "now">; lanes: Lanes; flow: FlowRules }) {
    super(params);
    this.writer = params.writer;
    this.#leap = this.db.prepare("UPDATE sequence SET token = max(token + ?, ?)");
  }

  /**
   * Raises the fencing token above all that was ever given out, whatever a power cut or a restored backup made the file
   * forget: to the clock in microseconds, or by a million where the clock stands behind. No further, so that tokens stay
   * near the clock however often a file is opened: only then does a restored backup go on above all that came after it.
   */
  raiseEpoch(): void {
    this.#leap.run(1_000_000, this.clock.now() * 1_000);
  }
}
