import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import type { Database, SqlRow, Statement } from "./database.ts";

/** Length of the write-ahead log from which on it is worth carrying it over, pages of 4 KiB. */
const worthPages = 4_000;

/** Commits between two looks at the length. */
const lookEvery = 32;

/** How long the log's new start waits for readers of the old one, with the writers kept out, milliseconds. */
const patienceMs = 50;

/** The thread's whole program: a string, so that it runs alike from source, from `dist` and from a bundle. */
const program = `
const { parentPort, workerData } = require("node:worker_threads");
const Database = require(workerData.driver);
const db = new Database(workerData.path, { timeout: workerData.patienceMs });
parentPort.on("message", () => {
  // The bulk without a lock, then what is left with the writers kept out for a moment, so that the log starts over.
  db.prepare("PRAGMA wal_checkpoint(PASSIVE)").get();
  parentPort.postMessage(db.prepare("PRAGMA wal_checkpoint(RESTART)").get());
});
`;

/**
 * Carries the write-ahead log over into the database from a thread with a connection of its own, so that the event loop
 * is never held by it. Started when the log first grows: short-lived processes never pay for it. Should the thread fail,
 * SQLite's own checkpoint in the committing connection steps in, later and at once.
 */
export class Checkpointer {
  readonly #path: string;
  readonly #length: Statement;
  #thread: Worker | null = null;
  #busy = false;
  #commits = 0;
  /** Length from which on it is tried: raised while a long reader keeps the log, so that writers wait for it rarely. */
  #worth = worthPages;

  constructor(db: Database, path: string) {
    this.#path = path;
    this.#length = db.prepare("PRAGMA wal_checkpoint(NOOP)");
  }

  /** To be called after every commit. */
  committed(): void {
    if (this.#busy || ++this.#commits < lookEvery) return;
    this.#commits = 0;
    if (((this.#length.get() as SqlRow).log as number) < this.#worth) return;
    this.#busy = true;
    this.#thread ??= this.#start();
    this.#thread.postMessage("checkpoint");
  }

  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = null;
    this.#busy = true;
    await thread?.terminate();
  }

  #start(): Worker {
    const driver = createRequire(import.meta.url).resolve("better-sqlite3");
    const thread = new Worker(program, { eval: true, workerData: { path: this.#path, driver, patienceMs } });
    thread.unref();
    thread.on("message", ({ busy, log }: { busy: number; log: number }) => {
      this.#worth = busy === 0 ? worthPages : log + worthPages;
      this.#busy = false;
    });
    // Its end leaves #busy as it is: the committing connection then checkpoints by itself.
    thread.on("error", () => {
      this.#thread = null;
    });
    return thread;
  }
}
