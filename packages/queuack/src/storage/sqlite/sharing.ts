import { writeFileSync } from "node:fs";
import { type Connection, openDatabase, pragma, storeError } from "./database.ts";
import type { ForeignCommits } from "./foreign-commits.ts";
import type { MovableDatabase } from "./movable-database.ts";
import type { ProcessLock } from "./process-lock.ts";
import { TemporaryHome } from "./temporary-home.ts";
import type { Writer } from "./writer.ts";

/** What has to know where a database lies. */
export interface Movables {
  readonly db: MovableDatabase;
  readonly writer: Writer;
  readonly lock: ProcessLock;
  readonly foreign: ForeignCommits;
  /** Called when all the others have moved. */
  readonly onMoved: (path: string) => void;
}

/** The way of a database in memory into a file that other processes can open: once, when somebody needs it. */
export class Sharing {
  readonly #movables: Movables;
  #home: TemporaryHome | null = null;

  constructor(movables: Movables) {
    this.#movables = movables;
  }

  /** The database's file; `null` as long as it is in memory. */
  get path(): string | null {
    return this.#home?.path ?? null;
  }

  /**
   * Moves the database into a temporary file between two transactions; rows, leases, tokens and whoever waits or works
   * go on. Resolves to whether this call moved it. Fails without a change.
   * @throws {QueuackError} `QUEUACK_STORE_FAILED`, `QUEUACK_NETWORK_FILE_SYSTEM`
   */
  async move(): Promise<boolean> {
    const moved = await this.#movables.writer.read(() => {
      if (this.#home !== null) return false;
      this.#home = this.#settle();
      return true;
    });
    // Not on the way of whoever waits for the move.
    if (moved) setImmediate(() => this.#home?.clearLeftovers());
    return moved;
  }

  /** Removes the file; after the connection was closed. */
  leave(): void {
    this.#home?.leave();
    this.#home = null;
  }

  #settle(): TemporaryHome {
    const { db, lock, foreign, onMoved } = this.#movables;
    const home = new TemporaryHome();
    let file: Connection | null = null;
    try {
      const image = db.serialize();
      // Bytes 18 and 19 of a database's header say that it has a write-ahead log (2). To let SQLite change the mode of the
      // file would cost several waits for the disk.
      image.fill(2, 18, 20);
      writeFileSync(home.path, image, { flag: "wx", mode: 0o600 });
      // A power cut takes the process that all of this is for: there is nothing to wait for a disk for.
      file = openDatabase(home.path, "relaxed");
      // The first read makes the write-ahead log, which is watched from here on.
      pragma(file, "data_version");
      // Before anybody can open the file and take this process's workers for dead.
      lock.moveTo(home.path);
    } catch (cause) {
      file?.close();
      home.leave();
      throw storeError(cause, "The queue in memory can't be moved to a file.");
    }
    db.moveTo(file);
    foreign.moveTo(home.path);
    onMoved(home.path);
    return home;
  }
}
