import { existsSync } from "node:fs";
import { join } from "node:path";
import { cases } from "../cases.mjs";
import { root, runChild, runNode } from "../children.mjs";
import { inTurns, median, medianRatio } from "../measure.mjs";
import { floor } from "../systems/floor.mjs";

/** Our cases, by the frozen floor's names for them and in its order. */
const names = /** @type {const} */ ({
  "enqueue-many": "many-1000",
  "enqueue-concurrent-100": "concurrent-100",
  "enqueue-single": "single",
  "drain-1000": "drain-1000",
  "drain-100": "drain-100",
  "flow-1000": "flow-1000",
  "flow-100": "flow-100",
});

/** The frozen floor stands beside the checkout, outside the repository. */
const frozenFloor = join(root, "..", "shared", "floor", "floor.mjs");

/** @param {number} jobs @returns {Promise<Record<string, number>>} */
async function runFrozen(jobs) {
  const { stdout } = await runNode([frozenFloor, "--jobs", String(jobs), "--reps", "1"]);
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  return Object.fromEntries(lines.map(({ case: name, value }) => [name, value]));
}

/** @type {import("../main.mjs").Bench} */
export default {
  name: "floor",
  title: "bare SQLite doing the least that a queue must, beside the frozen floor that it was written after",
  run: async ({ quick, report, progress }) => {
    const jobs = quick ? 3_000 : 60_000;
    const reps = quick ? 2 : 5;
    const isThere = existsSync(frozenFloor);
    /** @type {Record<string, () => Promise<Record<string, number>>>} */
    const sides = {
      ...(isThere && { frozen: () => runFrozen(jobs) }),
      own: () => runChild("floor", { jobs, names: Object.values(names) }),
    };
    const figures = await inTurns(sides, reps, ({ turn, side }) => {
      progress(`floor, turn ${turn + 1} of ${reps}: ${side}`);
    });
    const conditions = { jobs, reps, processes: "one a turn", ratioTo: "floor-frozen" };
    for (const [frozenName, name] of Object.entries(names)) {
      const line = { bench: "floor", case: frozenName, durability: floor.durability };
      const what = {
        what: cases[name].title,
        ...conditions,
        ...(name === "single" && { jobs: Math.min(jobs, 4_000) }),
      };
      const own = figures.own.map((figure) => figure[name]);
      const frozen = figures.frozen?.map((figure) => figure[frozenName]);
      report({
        ...line,
        system: "floor",
        value: median(own),
        unit: "jobs/s",
        ...(frozen && { floor: median(frozen), ratio: medianRatio(own, frozen) }),
        samples: own,
        conditions: { ...what, version: floor.version, settings: floor.settings },
      });
      if (frozen)
        report({
          ...line,
          system: "floor-frozen",
          value: median(frozen),
          unit: "jobs/s",
          samples: frozen,
          conditions: what,
        });
      else report({ ...line, system: "floor-frozen", missing: "../shared/floor/floor.mjs is not beside the checkout" });
    }
  },
};
