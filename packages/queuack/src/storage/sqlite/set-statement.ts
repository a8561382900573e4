import type { Database, SqlValue, Statement } from "./database.ts";

/** How many rows one statement takes: few enough texts to keep, long enough that calling it costs next to nothing. */
const sizes = [64, 16, 4, 1] as const;

/**
 * A statement over many rows at once. SQLite is called once for up to 64 rows instead of once a row, which costs a third:
 * most of a small statement is the way into it. `sql` is given the rows as a table whose columns are `column1`, `column2`,
 * …; question marks of its own have to stand before it.
 */
export class SetStatement {
  /** Most rows that one call takes without being cut. */
  static readonly most = sizes[0];
  readonly #db: Database;
  readonly #columns: number;
  readonly #sql: (rows: string) => string;
  readonly #prepared = new Map<number, Statement>();

  constructor(db: Database, columns: number, sql: (rows: string) => string) {
    this.#db = db;
    this.#columns = columns;
    this.#sql = sql;
  }

  /**
   * Runs it over rows that lie one after the other in `cells`; answers with how many rows it changed.
   * @param shared values of the question marks before the rows
   */
  run(shared: readonly SqlValue[], cells: readonly SqlValue[]): number {
    let changes = 0;
    for (let from = 0; from < cells.length; ) {
      const left = (cells.length - from) / this.#columns;
      const size = sizes.find((size) => size <= left) as number;
      const to = from + size * this.#columns;
      // Put together first: a call with two lists to spread makes an object for each value.
      const values = shared.concat(from === 0 && to === cells.length ? cells : cells.slice(from, to));
      changes += this.#of(size).run(...values).changes as number;
      from = to;
    }
    return changes;
  }

  #of(size: number): Statement {
    let statement = this.#prepared.get(size);
    if (statement === undefined) {
      const row = `(${Array(this.#columns).fill("?").join(", ")})`;
      statement = this.#db.prepare(this.#sql(`(VALUES ${Array(size).fill(row).join(", ")})`));
      this.#prepared.set(size, statement);
    }
    return statement;
  }
}
