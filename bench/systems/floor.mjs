// Bare SQLite doing the least that a queue must, with nothing of a product around it: what all else is measured by.
import { createRequire } from "node:module";
import { join } from "node:path";
import { removeFolder, temporaryFolder } from "../endings.mjs";

/** @typedef {import("../cases.mjs").System} System */

// The very SQLite that the library runs on.
const require = createRequire(createRequire(import.meta.url).resolve("queuack/package.json"));
/** @type {typeof import("better-sqlite3")} */
const Database = require("better-sqlite3");

/** Most jobs of one claim. */
const CLAIM = 2_000;
/** Jobs of one transaction of `enqueueMany`. */
const CHUNK = 1_000;

/** @param {string} path @param {"FULL" | "NORMAL"} synchronous */
function openDatabase(path, synchronous) {
  const db = new Database(path);
  db.exec(`
    PRAGMA page_size = 8192;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = ${synchronous};
    PRAGMA cache_size = -65536;
    PRAGMA wal_autocheckpoint = 4000;
    CREATE TABLE job (
      id INTEGER PRIMARY KEY, queue TEXT NOT NULL, state INTEGER NOT NULL DEFAULT 0, priority INTEGER NOT NULL,
      run_at INTEGER NOT NULL, payload TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL,
      started_at INTEGER, finished_at INTEGER, worker INTEGER
    );
    CREATE INDEX job_claim ON job (queue, priority DESC, id) WHERE state = 0;
  `);
  return db;
}

/** A bare queue: each turn of the event loop commits its outcomes, its inserts and the next claim in one transaction. */
class BareQueue {
  /** @type {{ payload: string, resolve: (value?: undefined) => void }[]} */
  #inserts = [];
  /** @type {number[]} */
  #outcomes = [];
  #running = 0;
  #concurrency = 0;
  /** @type {((input: object) => unknown) | null} */
  #handler = null;
  #mayHoldMore = true;
  #isTickComing = false;
  /** @type {(() => void)[]} */
  #waitForIdle = [];

  /** @param {import("better-sqlite3").Database} db */
  constructor(db) {
    this.db = db;
    this.begin = db.prepare("BEGIN IMMEDIATE");
    this.commit = db.prepare("COMMIT");
    this.insert = db.prepare(
      "INSERT INTO job (queue, priority, run_at, payload, created_at) VALUES ('default', 50, ?, ?, ?)",
    );
    this.claim = db.prepare(`
      UPDATE job SET state = 1, attempts = attempts + 1, started_at = ?, worker = 1
      WHERE id IN (SELECT id FROM job WHERE queue = 'default' AND state = 0 ORDER BY priority DESC, id LIMIT ?)
      RETURNING id, payload
    `);
    this.finish = db.prepare("UPDATE job SET state = 2, finished_at = ? WHERE id = ? AND state = 1");
  }

  /** @param {object} input @returns {Promise<void>} */
  enqueue(input) {
    return new Promise((resolve) => {
      this.#inserts.push({ payload: JSON.stringify(input), resolve });
      this.#kick();
    });
  }

  /** @param {object[]} inputs */
  enqueueMany(inputs) {
    for (let from = 0; from < inputs.length; from += CHUNK) {
      const now = Date.now();
      this.begin.run();
      for (const input of inputs.slice(from, from + CHUNK)) this.insert.run(now, JSON.stringify(input), now);
      this.commit.run();
    }
    this.#mayHoldMore = true;
    this.#kick();
  }

  /** @param {number} concurrency @param {(input: object) => unknown} handler */
  work(concurrency, handler) {
    this.#concurrency = concurrency;
    this.#handler = handler;
    this.#kick();
  }

  stop() {
    this.#handler = null;
  }

  /** Resolves when nothing runs and every outcome is committed. @returns {Promise<void>} */
  idle() {
    return new Promise((resolve) => {
      this.#waitForIdle.push(resolve);
      this.#kick();
    });
  }

  #kick() {
    if (this.#isTickComing) return;
    this.#isTickComing = true;
    setImmediate(() => this.#tick());
  }

  #tick() {
    this.#isTickComing = false;
    const room = this.#handler && this.#mayHoldMore ? Math.min(CLAIM, this.#concurrency - this.#running) : 0;
    const isClaiming = room > 0 && (room >= this.#concurrency / 2 || this.#running === 0);
    const inserts = this.#inserts;
    const outcomes = this.#outcomes;
    if (inserts.length > 0 || outcomes.length > 0 || isClaiming) {
      this.#inserts = [];
      this.#outcomes = [];
      this.#write(inserts, outcomes, isClaiming ? room : 0);
    }
    if (this.#running === 0 && this.#outcomes.length === 0)
      for (const resolve of this.#waitForIdle.splice(0)) resolve();
    if (this.#handler && this.#mayHoldMore) this.#kick();
  }

  /** @param {{ payload: string, resolve: () => void }[]} inserts @param {number[]} outcomes @param {number} room */
  #write(inserts, outcomes, room) {
    const now = Date.now();
    this.begin.run();
    for (const id of outcomes) this.finish.run(now, id);
    for (const { payload } of inserts) this.insert.run(now, payload, now);
    const claimed = /** @type {{ id: number, payload: string }[]} */ (room > 0 ? this.claim.all(now, room) : []);
    this.commit.run();
    if (room > 0 && claimed.length === 0) this.#mayHoldMore = false;
    if (inserts.length > 0) this.#mayHoldMore = true;
    for (const { resolve } of inserts) resolve();
    for (const job of claimed) {
      this.#running++;
      void this.#run(job);
    }
  }

  /** @param {{ id: number, payload: string }} job */
  async #run({ id, payload }) {
    await this.#handler?.(JSON.parse(payload));
    this.#running--;
    this.#outcomes.push(id);
    this.#kick();
  }
}

/** @param {string} name @param {"full" | "kill"} durability @returns {System} */
function floorSystem(name, durability) {
  const synchronous = durability === "full" ? "FULL" : "NORMAL";
  const { version } = require("better-sqlite3/package.json");
  return {
    name,
    durability,
    version: `better-sqlite3 ${version}`,
    settings: `WAL, synchronous=${synchronous}, ${CHUNK} inserts a transaction`,
    missing: async () => undefined,
    open: async () => {
      const folder = temporaryFolder(name);
      const queue = new BareQueue(openDatabase(join(folder, "jobs.db"), synchronous));
      return {
        enqueue: (input) => queue.enqueue(input),
        enqueueMany: async (inputs) => queue.enqueueMany(inputs),
        work: async (concurrency, handler) => {
          queue.work(concurrency, handler);
          return async () => {
            await queue.idle();
            queue.stop();
          };
        },
        settled: () => queue.idle(),
        close: async () => {
          queue.stop();
          queue.db.close();
          removeFolder(folder);
        },
      };
    },
  };
}

/** The floor at `synchronous=FULL`: a commit survives a power cut. */
export const floor = floorSystem("floor", "full");

/** The floor at `synchronous=NORMAL`: a commit survives a killed process. */
export const floorRelaxed = floorSystem("floor-relaxed", "kill");
