/**
 * The seam to what is tested: how a queue is opened, fed and checked.
 * This is a stand-in on the bare driver; `connect(path, { durability })` and Queuack's own rows take its place.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { DatabaseSync } from "@photostructure/sqlite";

/** The database's file name in the recorded folder. */
export const DATABASE = "queue.db";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY, state TEXT NOT NULL, batch INTEGER NOT NULL, batch_size INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS jobs_batch ON jobs (batch);
  CREATE TABLE IF NOT EXISTS inputs (id TEXT PRIMARY KEY, body TEXT NOT NULL);`;

/** Jobs without their input, inputs without their job, inputs cut short, batches in part. */
const HALF_JOBS = `
  SELECT * FROM (SELECT id FROM jobs EXCEPT SELECT id FROM inputs)
  UNION ALL SELECT * FROM (SELECT id FROM inputs EXCEPT SELECT id FROM jobs)
  UNION ALL SELECT id FROM inputs WHERE body = '' OR replace(body, id, '') <> ''
  UNION ALL SELECT 'batch ' || batch FROM jobs GROUP BY batch HAVING count(*) <> max(batch_size)`;

/** @param {number} number */
const idOf = (number) => createHash("sha1").update(String(number)).digest("hex").slice(0, 16);
/** @param {string} id */
const bodyOf = (id) => id.repeat(1 + (parseInt(id.slice(0, 2), 16) === 0 ? 900 : parseInt(id.slice(0, 2), 16) % 24));

/**
 * Opens a queue.
 * @param {string} path
 * @param {{ synchronous: "FULL" | "NORMAL", checkpointPages?: number, checkpointer?: boolean }} options
 */
export async function open(path, { synchronous, checkpointPages = 20, checkpointer = false }) {
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous};
    PRAGMA wal_autocheckpoint = ${checkpointer ? 0 : checkpointPages}; ${SCHEMA}`);
  let statements = {
    insertJob: db.prepare("INSERT INTO jobs VALUES (?, 'available', ?, ?)"),
    insertInput: db.prepare("INSERT INTO inputs VALUES (?, ?)"),
    setCompleted: db.prepare("UPDATE jobs SET state = 'completed' WHERE id = ?"),
  };
  const thread = checkpointer ? await startCheckpointer(path, synchronous) : undefined;
  let next = Number(db.prepare("SELECT count(*) AS n FROM jobs").get().n);
  let commits = 0;

  /** @param {() => void} body */
  const commit = (body) => {
    db.exec("BEGIN IMMEDIATE");
    body();
    db.exec("COMMIT");
    commits++;
    if (thread) thread.postMessage("checkpoint");
    else if (commits % 61 === 0) db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  };

  return {
    db,
    /** Commits that many jobs at once; gives what is acknowledged. @param {number} count */
    async enqueue(count) {
      const batch = next;
      const ids = Array.from({ length: count }, () => idOf(next++));
      commit(() => {
        for (const id of ids) {
          statements.insertJob.run(id, batch, count);
          statements.insertInput.run(id, bodyOf(id));
        }
      });
      return ids.map((id) => `enqueued ${id}`);
    },
    /** Completes jobs; gives what is acknowledged. @param {string[]} acknowledged earlier lines of `enqueue` */
    async complete(acknowledged) {
      const ids = acknowledged.map((line) => line.split(" ")[1]);
      commit(() => {
        for (const id of ids) statements.setCompleted.run(id);
      });
      return ids.map((id) => `completed ${id}`);
    },
    async close() {
      if (thread) {
        thread.postMessage("close");
        await once(thread, "exit");
      }
      statements = undefined;
      db.close();
      await release();
    },
  };
}

/**
 * Gives back the files of closed databases. The driver (1.2.1) has no `finalize`: a database that was closed while a
 * statement lived keeps its files, and its log is not removed, until the statement is collected. Needs --expose-gc.
 */
export async function release() {
  await setImmediate();
  globalThis.gc();
  await setImmediate();
}

/**
 * Opens an image as an operator would after the cut, checks it, and puts it to work again.
 * @param {string} path
 * @param {string[]} acknowledged every line that was acknowledged before the cut
 * @param {{ synchronous: "FULL" | "NORMAL" }} options
 * @returns {Promise<{ corruption?: string, lost: string[], half: string[] }>}
 */
export async function check(path, acknowledged, options) {
  /** @type {Awaited<ReturnType<typeof open>> | undefined} */
  let queue;
  try {
    queue = await open(path, options);
    const problems = queue.db
      .prepare("PRAGMA integrity_check")
      .all()
      .map((row) => String(row.integrity_check));
    if (problems.join() !== "ok") return { corruption: problems.join("; "), lost: [], half: [] };
    const { listed } = queue.db.prepare("SELECT group_concat(id || ' ' || state) AS listed FROM jobs").get();
    const states = new Map((listed ?? "").split(",").map((job) => job.split(" ")));
    const lost = acknowledged.filter((line) => {
      const [what, id] = line.split(" ");
      return what === "completed" ? states.get(id) !== "completed" : !states.has(id);
    });
    const half = queue.db
      .prepare(HALF_JOBS)
      .all()
      .map((row) => String(row.id));
    if (lost.length + half.length === 0) await queue.enqueue(1);
    return { lost, half };
  } catch (error) {
    return { corruption: String(error), lost: [], half: [] };
  } finally {
    queue?.db.close();
  }
}

/** A second connection in another thread that checkpoints after each commit. @param {string} path @param {string} synchronous */
async function startCheckpointer(path, synchronous) {
  const code = `
    const { parentPort, workerData } = require("node:worker_threads");
    import(workerData.driver).then(({ DatabaseSync }) => {
      const db = new DatabaseSync(workerData.path);
      db.exec("PRAGMA busy_timeout = 5000; PRAGMA synchronous = " + workerData.synchronous);
      let turn = 0;
      parentPort.on("message", (message) => {
        if (message === "close") { db.close(); parentPort.close(); return; }
        db.exec("PRAGMA wal_checkpoint(" + ["PASSIVE", "PASSIVE", "PASSIVE", "RESTART"][turn++ % 4] + ")");
      });
      parentPort.postMessage("ready");
    });`;
  const driver = import.meta.resolve("@photostructure/sqlite");
  const thread = new Worker(code, { eval: true, workerData: { path, synchronous, driver } });
  await once(thread, "message");
  return thread;
}
