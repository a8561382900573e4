// plainjob, over SQLite: as it comes, and with the connection made durable.
import { join } from "node:path";
import { removeFolder, temporaryFolder } from "../endings.mjs";
import { missingPackage, versionsOf } from "../installed.mjs";

/** @typedef {import("../cases.mjs").System} System */

/** How often an idle worker looks, milliseconds; its default is 1,000. */
const POLL_MS = 1;

/** @param {string} name @param {"FULL" | "NORMAL"} synchronous @param {string} why @returns {System} */
function plainjobSystem(name, synchronous, why) {
  const packages = ["plainjob", "better-sqlite3"];
  return {
    name,
    durability: synchronous === "FULL" ? "full" : "kill",
    get version() {
      return versionsOf(packages);
    },
    settings: `WAL, synchronous=${synchronous} (${why}); addMany, one worker, which runs one job at a time whatever the concurrency (more of them only cost here), pollIntervall ${POLL_MS} ms; finished jobs kept (its default)`,
    missing: async () => missingPackage(packages),
    open: async () => {
      const { default: Database } = await import("better-sqlite3");
      const { better, defineQueue } = await import("plainjob");
      const folder = temporaryFolder(name);
      const database = new Database(join(folder, "jobs.db"));
      const queue = defineQueue({ connection: better(database), logger: silent });
      // It sets NORMAL itself, whatever the connection had.
      database.pragma(`synchronous = ${synchronous}`);
      return await session(queue, folder);
    },
  };
}

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: console.error };

/** @param {import("plainjob").Queue} queue @param {string} folder @returns {Promise<import("../cases.mjs").Session>} */
async function session(queue, folder) {
  const { defineWorker } = await import("plainjob");
  return {
    enqueue: async (input) => queue.add("work", input),
    enqueueMany: async (inputs) => queue.addMany("work", inputs),
    work: async (_concurrency, handler) => {
      const run = async (/** @type {{ data: string }} */ { data }) => handler(JSON.parse(data));
      const worker = defineWorker("work", run, { queue, logger: silent, pollIntervall: POLL_MS });
      const running = worker.start();
      return async () => {
        await worker.stop();
        await running;
      };
    },
    close: async () => {
      queue.close();
      removeFolder(folder);
    },
  };
}

/** plainjob as it comes, and durable. */
export const plainjob = [
  plainjobSystem("plainjob-full", "FULL", "set on its connection after it has set NORMAL"),
  plainjobSystem("plainjob", "NORMAL", "its own: a power cut may lose the last commits"),
];
