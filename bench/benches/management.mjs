import { runChild } from "../children.mjs";
import { inTurns, median, medianRatio } from "../measure.mjs";

/** @typedef {{ all: number, user: number }} Share percent of one CPU, in all and outside the kernel */

/** @type {import("../main.mjs").Bench} */
export default {
  name: "management",
  title: "percent of one CPU that a process spends on managing jobs: at 100 a second, and idle",
  run: async ({ quick, report, progress }) => {
    const seconds = quick ? 2 : 10;
    const reps = quick ? 1 : 3;
    const share = (/** @type {{ perSecond: number, system?: string }} */ plan) => () =>
      /** @type {Promise<Share>} */ (runChild("managing", { seconds, ...plan }));
    const sides = {
      "pacer alone": share({ perSecond: 100 }),
      "floor, 100 jobs/s": share({ perSecond: 100, system: "floor" }),
      "100 jobs/s": share({ perSecond: 100, system: "queuack" }),
      "nothing at all": share({ perSecond: 0 }),
      idle: share({ perSecond: 0, system: "queuack" }),
    };
    const figures = await inTurns(sides, reps, ({ turn, side, figure }) => {
      progress(`management, turn ${turn + 1} of ${reps}: ${side} ${figure.all.toFixed(2)} %`);
    });
    const beyond = (
      /** @type {keyof typeof sides} */ side,
      /** @type {keyof typeof sides} */ base,
      /** @type {keyof Share} */ part,
    ) => figures[side].map((value, turn) => value[part] - figures[base][turn][part]);
    const tell = (
      /** @type {string} */ name,
      /** @type {string | undefined} */ system,
      /** @type {number[]} */ samples,
      /** @type {string} */ what,
      /** @type {number[] | undefined} */ floor = undefined,
    ) =>
      report({
        bench: "management",
        case: name,
        ...(system && { system, durability: /** @type {const} */ ("full") }),
        value: median(samples),
        unit: "% of a CPU",
        ...(floor && { floor: median(floor), ratio: medianRatio(samples, floor) }),
        samples,
        conditions: { what, seconds, reps },
      });
    const all =
      "enqueue, claim, run and complete, without what the pacer takes; what the kernel does for an fsync is in it";
    const user = "the same without what the kernel does";
    for (const [name, what, part] of /** @type {const} */ ([
      ["100 jobs/s", all, "all"],
      ["100 jobs/s, user", user, "user"],
    ])) {
      const least = beyond("floor, 100 jobs/s", "pacer alone", part);
      tell(name, "floor", least, what);
      tell(name, "queuack", beyond("100 jobs/s", "pacer alone", part), what, least);
    }
    const idle = beyond("idle", "nothing at all", "all");
    tell("idle", "queuack", idle, "a worker that waits, without what an empty process takes");
    tell(
      "pacer alone",
      undefined,
      figures["pacer alone"].map((one) => one.all),
      "what was taken off",
    );
  },
};
