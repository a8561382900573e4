import type { Connection, OwnDatabase, Statement } from "./database.ts";

/**
 * A connection that can be exchanged for another one on the same data: whoever holds a statement goes on with it, for it
 * prepares itself anew at its next use. Only what may have to move pays for this: a queue in memory.
 */
export class MovableDatabase implements OwnDatabase {
  #db: Connection;

  constructor(db: Connection) {
    this.#db = db;
  }

  get inTransaction(): boolean {
    return this.#db.inTransaction;
  }

  exec(sql: string): void {
    this.#db.exec(sql);
  }

  prepare(sql: string): Statement {
    return this.#moving((db) => db.prepare(sql));
  }

  prepareArrays(sql: string): Statement {
    return this.#moving((db) => db.prepareArrays(sql));
  }

  /** A statement that prepares itself anew once the connection is another. */
  #moving(prepare: (db: Connection) => Statement): Statement {
    let on = this.#db;
    let statement = prepare(on);
    const current = () => {
      if (on !== this.#db) {
        on = this.#db;
        statement = prepare(on);
      }
      return statement;
    };
    return {
      run: (...values) => current().run(...values),
      get: (...values) => current().get(...values),
      all: (...values) => current().all(...values),
    };
  }

  serialize(): Uint8Array {
    return this.#db.serialize();
  }

  /** Goes on over another connection and closes the one it had. Not within a transaction. */
  moveTo(db: Connection): void {
    const left = this.#db;
    this.#db = db;
    left.close();
  }

  close(): void {
    this.#db.close();
  }
}
