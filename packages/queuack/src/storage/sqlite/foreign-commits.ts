import { type FSWatcher, watch } from "node:fs";
import type { Database, SqlRow, Statement } from "./database.ts";

/** How often to look although nothing was heard: file events are a courtesy, not a promise, milliseconds. */
const backstopMs = 1_000;

/** For how long after a commit of one's own a change of the log is taken for one's own, milliseconds. */
const ownMs = 20;

/** How soon to look all the same: both may have committed, milliseconds. */
const besideOwnMs = 10;

/** Hears that another connection has committed: woken by the operating system when the write-ahead log changes. */
export class ForeignCommits {
  #file: string | null;
  readonly #version: Statement;
  readonly #listeners = new Set<() => void>();
  #last: number;
  #watcher: FSWatcher | null = null;
  #backstop: NodeJS.Timeout | null = null;
  #again: NodeJS.Timeout | null = null;
  #soon: NodeJS.Timeout | null = null;
  #ownAt = Number.NEGATIVE_INFINITY;

  constructor(db: Database, path: string) {
    this.#file = path === ":memory:" ? null : `${path}-wal`;
    // Changes only when somebody else's connection has committed.
    this.#version = db.prepare("PRAGMA data_version");
    this.#last = this.#read();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.#start();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.close();
    };
  }

  /** Goes with a database that left the memory for a file: from now on there may be others. */
  moveTo(path: string): void {
    this.#file = `${path}-wal`;
    this.#last = this.#read();
    if (this.#listeners.size > 0) this.#start();
  }

  /** This connection has committed: what changes the log now is most likely that. */
  own(): void {
    this.#ownAt = performance.now();
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = null;
    if (this.#backstop) clearInterval(this.#backstop);
    this.#backstop = null;
    if (this.#again) clearTimeout(this.#again);
    this.#again = null;
    if (this.#soon) clearTimeout(this.#soon);
    this.#soon = null;
  }

  #start(): void {
    if (this.#file === null || this.#backstop !== null) return;
    this.#last = this.#read();
    this.#backstop = setInterval(() => this.#look(), backstopMs).unref();
    try {
      this.#watcher = watch(this.#file, { persistent: false }, () => this.#changed());
      // A watcher that breaks (limits of the system, an exotic file system) leaves the backstop.
      this.#watcher.on("error", () => this.#watcher?.close());
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    }
  }

  /** The log has changed. A look costs more than a small commit does beside it: not one for each of one's own. */
  #changed(): void {
    if (performance.now() - this.#ownAt >= ownMs) this.#heard();
    else
      this.#soon ??= setTimeout(() => {
        this.#soon = null;
        this.#heard(besideOwnMs);
      }, besideOwnMs).unref();
  }

  /**
   * Somebody else may have changed the log. Its event comes when the frames are written; the commit shows only after the fsync, through
   * shared memory that raises no event: so a few more looks follow, each after twice the time.
   */
  #heard(delay = 1): void {
    if (this.#again) clearTimeout(this.#again);
    this.#again = null;
    this.#look();
    // Goes on although something was found: that may have been the commit before the one that was heard.
    if (delay > 64 || this.#backstop === null) return;
    this.#again = setTimeout(() => this.#heard(delay * 2), delay).unref();
  }

  #look(): void {
    const version = this.#read();
    if (version === this.#last) return;
    this.#last = version;
    for (const listener of this.#listeners) listener();
  }

  #read(): number {
    return (this.#version.get() as SqlRow).data_version as number;
  }
}
