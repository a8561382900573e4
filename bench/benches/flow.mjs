import { compare } from "../compare.mjs";
import { floor } from "../systems/floor.mjs";
import { queuack } from "../systems/queuack.mjs";

/** @type {import("../main.mjs").Bench} */
export default {
  name: "flow",
  title: "jobs per second that are enqueued one by one, run and completed at once, beside the floor; by concurrency",
  run: (context) =>
    compare(context, {
      bench: "flow",
      names: { 100: "flow-100", 1000: "flow-1000" },
      systems: [floor, queuack],
    }),
};
