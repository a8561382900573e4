/** The seam to what is tested: how a queue is opened, fed and checked. Speaks to the built library. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import Database from "better-sqlite3";
import { connect } from "queuack";

/** The database's file name in the recorded folder. */
export const DATABASE = "queue.db";

const TASK = "job";

/** Batches in part, and inputs cut short. */
const HALF_JOBS = `
  WITH input AS (SELECT id, input ->> 'batch' AS batch, input ->> 'size' AS size, length(input ->> 'body') AS length,
    input ->> 'told' AS told FROM job)
  SELECT 'batch ' || batch AS what FROM input GROUP BY batch HAVING count(*) <> max(size)
  UNION ALL SELECT 'input of ' || hex(id) FROM input WHERE length <> told`;

/** Jobs that stand nowhere or in two places. */
const MISPLACED = `
  WITH place AS (SELECT seq FROM ready UNION ALL SELECT seq FROM timer UNION ALL SELECT seq FROM pending
    UNION ALL SELECT seq FROM lease UNION ALL SELECT seq FROM done)
  SELECT 'job ' || seq || ' stands in ' || count(place.seq) AS what
  FROM job LEFT JOIN place USING (seq) GROUP BY seq HAVING count(place.seq) <> 1`;

const worker = { id: "powercut", host: "test", pid: process.pid, tasks: [TASK], queues: ["default"], concurrency: 100 };

/**
 * Opens a queue.
 * @param {string} path
 * @param {{ synchronous: "FULL" | "NORMAL", checkpointPages?: number, checkpointer?: boolean }} options
 */
export async function open(path, { synchronous, checkpointPages = 20, checkpointer = false }) {
  const queue = await connect(path, { durability: synchronous === "FULL" ? "full" : "relaxed" });
  const { broker } = queue;
  const thread = checkpointer ? await startCheckpointer(path, synchronous) : undefined;
  // The library's own checkpointer waits for a longer log than a test writes: another connection stands in for it.
  const aside = new Database(path, { timeout: 1000 });
  let turn = 0;
  let batch = createHash("sha1").update(`${process.hrtime.bigint()}`).digest().readUInt32BE(0);

  async function checkpoint() {
    if (thread) return thread.postMessage("checkpoint");
    const [{ log }] = aside.pragma("wal_checkpoint(NOOP)");
    if (log < checkpointPages) return;
    aside.pragma(`wal_checkpoint(${["PASSIVE", "PASSIVE", "RESTART", "TRUNCATE"][turn++ % 4]})`);
  }

  return {
    /** Commits that many jobs at once; gives what is acknowledged. @param {number} count */
    async enqueue(count) {
      batch++;
      const inputs = Array.from({ length: count }, (_, i) => {
        const body = "x".repeat((batch + i) % 40 === 0 ? 20_000 : ((batch + i) % 24) * 30);
        return { batch, size: count, body, told: body.length };
      });
      const jobs = await queue.enqueueMany(TASK, inputs);
      await checkpoint();
      return jobs.map(({ id }) => `enqueued ${id}`);
    },
    /** Claims as many jobs as are named and completes them; gives what is acknowledged. @param {string[]} lines */
    async complete(lines) {
      await broker.registerWorker({ worker });
      const limit = lines.length;
      const queues = [{ queue: "default", quota: limit }];
      const claimed = await broker.claim({ worker: worker.id, tasks: [TASK], queues, limit, leaseMs: 60_000 });
      const settlements = claimed.map(({ id, token }) => ({ id, token, to: "completed", result: "1" }));
      const replies = await broker.settle({ settlements });
      await checkpoint();
      if (replies.some((reply) => reply !== "accepted")) throw new Error("a lease was lost");
      return claimed.map(({ id, token }) => `completed ${id} ${token}`);
    },
    async close() {
      if (thread) {
        thread.postMessage("close");
        await once(thread, "exit");
      }
      aside.close();
      await queue.close();
    },
  };
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
  let db;
  try {
    queue = await open(path, options);
    db = new Database(path);
    const problems = db.prepare("PRAGMA integrity_check").pluck().all();
    if (problems.join() !== "ok") return { corruption: problems.join("; "), lost: [], half: [] };
    const rows = db.prepare("SELECT lower(hex(id)) AS id, done.state FROM job LEFT JOIN done USING (seq)").raw().all();
    const states = new Map(rows);
    const lost = acknowledged.filter((line) => {
      const [what, id] = line.split(" ");
      const state = states.get(id.replaceAll("-", ""));
      return what === "completed" ? state == null : state === undefined;
    });
    const half = [...db.prepare(HALF_JOBS).pluck().all(), ...db.prepare(MISPLACED).pluck().all()].map(String);
    if (lost.length + half.length === 0) half.push(...(await reissuedTokens(queue, acknowledged)));
    return { lost, half };
  } catch (error) {
    return { corruption: String(error), lost: [], half: [] };
  } finally {
    db?.close();
    await queue?.close();
  }
}

/** A fencing token never comes back: whatever is claimed after the cut bears a higher one than any before it. */
async function reissuedTokens(queue, acknowledged) {
  const highest = Math.max(0, ...acknowledged.map((line) => Number(line.split(" ")[2] ?? 0)));
  const [line = ""] = await queue.complete(await queue.enqueue(1));
  const token = Number(line.split(" ")[2]);
  return token > highest ? [] : [`token ${token} after ${highest}`];
}

/** A second connection in another thread that checkpoints after each commit. @param {string} path @param {string} synchronous */
async function startCheckpointer(path, synchronous) {
  const code = `
    const { parentPort, workerData } = require("node:worker_threads");
    import(workerData.driver).then(({ default: Database }) => {
      const db = new Database(workerData.path, { timeout: 5000 });
      db.pragma("synchronous = " + workerData.synchronous);
      let turn = 0;
      parentPort.on("message", (message) => {
        if (message === "close") { db.close(); parentPort.close(); return; }
        db.pragma("wal_checkpoint(" + ["PASSIVE", "PASSIVE", "PASSIVE", "RESTART"][turn++ % 4] + ")");
      });
      parentPort.postMessage("ready");
    });`;
  const driver = import.meta.resolve("better-sqlite3");
  const thread = new Worker(code, { eval: true, workerData: { path, synchronous, driver } });
  await once(thread, "message");
  return thread;
}
