// Queuack, in both of its classes of durability, all else by its defaults.
import { createRequire } from "node:module";
import { join } from "node:path";
import { connect, task } from "queuack";
import { removeFolder, temporaryFolder } from "../endings.mjs";

/** @typedef {import("../cases.mjs").System} System */

const { version } = createRequire(import.meta.url)("queuack/package.json");

/** @param {string} name @param {"full" | "kill"} durability @param {import("queuack").ConnectOptions} [more] @returns {System} */
function queuackSystem(name, durability, more = {}) {
  const [option, synchronous] =
    durability === "full" ? /** @type {const} */ (["full", "FULL"]) : /** @type {const} */ (["relaxed", "NORMAL"]);
  return {
    name,
    durability,
    version: `queuack ${version}`,
    settings: `durability "${option}" (synchronous=${synchronous}), one connection${more.thread ? ", in a thread of its own" : ""}`,
    missing: async () => undefined,
    open: async () => {
      const folder = temporaryFolder(name);
      const q = await connect(join(folder, "jobs.db"), { durability: option, ...more });
      return session(q, folder);
    },
  };
}

/** @param {import("queuack").Queue} q @param {string} folder @returns {import("../cases.mjs").Session} */
function session(q, folder) {
  /** @type {(input: any) => void | Promise<void>} */
  let handle = () => undefined;
  /** @type {import("queuack").Worker | undefined} */
  let worker;
  const work = task({ name: "work", run: ({ input }) => handle(input) });
  /** @type {Map<number, () => void>} */
  const parents = new Map();
  const parent = task({
    name: "parent",
    run: (/** @type {import("queuack").TaskContext<{ family: number }>} */ { input }) => parents.get(input.family)?.(),
  });
  return {
    enqueue: (input) => q.enqueue(work, input),
    enqueueMany: (inputs) => q.enqueueMany(work, inputs),
    work: async (concurrency, handler) => {
      handle = handler;
      worker = q.worker({ tasks: [work, parent], concurrency });
      await worker.start();
      return () => /** @type {import("queuack").Worker} */ (worker).stop();
    },
    settled: async () => worker?.untilIdle(),
    fanOut: async (n) => {
      const family = parents.size;
      /** @type {Promise<void>} */
      const over = new Promise((resolve) => {
        parents.set(family, resolve);
      });
      const inputs = Array.from({ length: n }, (_, child) => ({ child }));
      await q.batch("family", { task: work, inputs }, { onComplete: [parent, { family }] });
      await over;
    },
    close: async () => {
      await q.close();
      removeFolder(folder);
    },
  };
}

/** An acknowledged job survives a power cut. */
export const queuack = queuackSystem("queuack", "full");

/** The same with other options. @param {import("queuack").ConnectOptions} more */
export const queuackWith = (more) => queuackSystem("queuack", "full", more);

/** The same with its database in a thread of its own. */
export const queuackThread = queuackSystem("queuack-thread", "full", { thread: true });

/** An acknowledged job survives a killed process. */
export const queuackRelaxed = queuackSystem("queuack-relaxed", "kill");
