import { join } from "node:path";
import { runChild } from "../children.mjs";
import { enqueueCrowd, makeQueue } from "../crowd.mjs";
import { removeFolder, temporaryFolder } from "../endings.mjs";
import { inTurns, median } from "../measure.mjs";

const MIB = 1_048_576;
const kinds = /** @type {const} */ (["settled", "peak"]);

/** @typedef {Record<(typeof kinds)[number], number>} Memory */

/** @param {number} count @returns {Promise<Memory>} */
async function enqueueing(count) {
  const own = temporaryFolder("memory-enqueue");
  try {
    return await runChild("memory", { role: "enqueue", path: join(own, "jobs.db"), count });
  } finally {
    removeFolder(own);
  }
}

/** @type {import("../main.mjs").Bench} */
export default {
  name: "memory",
  title: "resident memory of a process over an empty one, with very many jobs in its queue",
  run: async ({ quick, report, progress }) => {
    const counts = quick ? [10_000, 50_000] : [100_000, 1_000_000];
    const reps = quick ? 1 : 3;
    const jobs = quick ? 500 : 2_000;
    const folder = temporaryFolder("memory");
    const file = (/** @type {number} */ count) => join(folder, `${count}.db`);
    for (const count of counts) {
      await makeQueue(file(count), (q) => enqueueCrowd(q, count));
      progress(`memory, made ${count} jobs`);
    }
    const shown = (/** @type {number} */ count) => count.toLocaleString("en");
    /** @type {Record<string, () => Promise<Memory>>} */
    const sides = { empty: () => runChild("memory", { role: "empty" }) };
    /** @type {Record<string, string>} */
    const whats = {};
    for (const count of counts) {
      sides[`${shown(count)} waiting`] = () => runChild("memory", { role: "work", path: file(count), jobs });
      whats[`${shown(count)} waiting`] = `the queue is open, a worker has run ${shown(jobs)} of them, 10 at once`;
      sides[`${shown(count)} enqueued`] = () => enqueueing(count);
      whats[`${shown(count)} enqueued`] = "the process has enqueued them in chunks of 10,000";
    }
    const figures = await inTurns(sides, reps, ({ turn, side, figure }) => {
      progress(`memory, turn ${turn + 1} of ${reps}: ${side} ${Math.round(figure.settled / MIB)} MiB`);
    });
    removeFolder(folder);
    const tell = (/** @type {string} */ name, /** @type {number[]} */ samples, /** @type {string} */ what) =>
      report({ bench: "memory", case: name, value: median(samples), unit: "MiB", samples, conditions: { what, reps } });
    for (const kind of kinds) {
      const empty = figures.empty.map((figure) => figure[kind] / MIB);
      tell(`empty process, ${kind}`, empty, "what is taken off the others");
      for (const [name, what] of Object.entries(whats)) {
        const samples = figures[name].map((figure, turn) => figure[kind] / MIB - empty[turn]);
        tell(`${name}, ${kind}`, samples, what);
      }
    }
  },
};
