import { runChild } from "../children.mjs";
import { inTurns, median } from "../measure.mjs";

/** @type {import("../main.mjs").Bench} */
export default {
  name: "management",
  title: "percent of one CPU that a process spends on managing jobs: at 100 a second, and idle",
  run: async ({ quick, report, progress }) => {
    const seconds = quick ? 2 : 10;
    const reps = quick ? 1 : 3;
    const share = (/** @type {{ perSecond: number, withQueue: boolean }} */ plan) => async () =>
      /** @type {number} */ ((await runChild("managing", { seconds, ...plan })).percent);
    const sides = {
      "pacer alone": share({ perSecond: 100, withQueue: false }),
      "100 jobs/s": share({ perSecond: 100, withQueue: true }),
      "nothing at all": share({ perSecond: 0, withQueue: false }),
      idle: share({ perSecond: 0, withQueue: true }),
    };
    const figures = await inTurns(sides, reps, ({ turn, side, figure }) => {
      progress(`management, turn ${turn + 1} of ${reps}: ${side} ${figure.toFixed(2)} %`);
    });
    const beyond = (/** @type {keyof typeof sides} */ side, /** @type {keyof typeof sides} */ base) =>
      figures[side].map((value, turn) => value - figures[base][turn]);
    const tell = (/** @type {string} */ name, /** @type {number[]} */ samples, /** @type {string} */ what) =>
      report({
        bench: "management",
        case: name,
        ...(name !== "pacer alone" && { system: "queuack", durability: /** @type {const} */ ("full") }),
        value: median(samples),
        unit: "% of a CPU",
        samples,
        conditions: { what, seconds, reps },
      });
    tell(
      "100 jobs/s",
      beyond("100 jobs/s", "pacer alone"),
      "enqueue, claim, run and complete, without what the pacer takes",
    );
    tell("idle", beyond("idle", "nothing at all"), "a worker that waits, without what an empty process takes");
    tell("pacer alone", figures["pacer alone"], "what was taken off");
  },
};
