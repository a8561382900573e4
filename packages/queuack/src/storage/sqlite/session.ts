import type { Clock } from "../../core/clock.ts";
import type { Database, OwnDatabase, Statement } from "./database.ts";
import type { FlowRules } from "./flow-rules.ts";
import { type Lanes, Tally } from "./lanes.ts";
import { Leased } from "./leased.ts";
import type { Sequence } from "./sequence.ts";
import type { Writer } from "./writer.ts";

/** What `Tables` is made of. */
interface TableParts {
  readonly db: Database;
  readonly clock: Pick<Clock, "now">;
  readonly lanes: Lanes;
  readonly flow: FlowRules;
  readonly sequence: Sequence;
}

/** What is needed within a transaction, whoever opened it: the connection, the clock, the lanes, the limits, the sequences. */
export class Tables {
  readonly db: Database;
  readonly clock: Pick<Clock, "now">;
  readonly lanes: Lanes;
  readonly flow: FlowRules;
  readonly sequence: Sequence;

  constructor(params: TableParts) {
    this.db = params.db;
    this.clock = params.clock;
    this.lanes = params.lanes;
    this.flow = params.flow;
    this.sequence = params.sequence;
  }

  /** An empty tally for the write at hand. */
  tally(): Tally {
    return new Tally(this.flow.now());
  }
}

/** What the parts of the store share: the tables, and the one way to write to them. */
export class Session extends Tables {
  declare readonly db: OwnDatabase;
  /** What this connection has leased. */
  readonly leased = new Leased();
  readonly writer: Writer;
  readonly #leap: Statement;

  constructor(params: TableParts & { readonly db: OwnDatabase; readonly writer: Writer }) {
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
