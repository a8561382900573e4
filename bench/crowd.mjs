// Queues with very many jobs in them, made once and measured often.
import { connect, task } from "queuack";
import { jobInput } from "./cases.mjs";

const CHUNK = 10_000;

/** What every queue with a crowd is opened with: a million waiting jobs are what is measured, not what is refused. */
export const roomy = { backpressure: { warnAt: 1e9, limit: 1e9 } };

/**
 * Enqueues jobs of the task `work` in chunks.
 * @param {import("queuack").Queue} q
 * @param {number} count
 * @param {{ task?: string, options?: import("queuack").JobOptions }} [kind]
 */
export async function enqueueCrowd(q, count, { task: name = "work", options = {} } = {}) {
  for (let from = 0; from < count; from += CHUNK) {
    const length = Math.min(CHUNK, count - from);
    await q.enqueueMany(Array.from({ length }, (_, n) => [name, jobInput(from + n), options]));
  }
}

/** Runs everything that waits, so that it is finished. @param {import("queuack").Queue} q */
export async function finishCrowd(q) {
  const work = task({ name: "work", run: async () => undefined });
  const worker = q.worker({ tasks: [work], concurrency: 1_000 });
  await worker.start();
  await worker.untilIdle();
  await worker.stop();
}

/** Makes a queue in a file. @param {string} path @param {(q: import("queuack").Queue) => Promise<unknown>} fill */
export async function makeQueue(path, fill) {
  const q = await connect(path, roomy);
  try {
    await fill(q);
  } finally {
    await q.close();
  }
}
