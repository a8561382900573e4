import { compare } from "../compare.mjs";
import { floor } from "../systems/floor.mjs";
import { queuack } from "../systems/queuack.mjs";

/** @type {import("../main.mjs").Bench} */
export default {
  name: "drain",
  title: "jobs per second that a worker runs of those that wait, beside the floor; by concurrency",
  run: (context) =>
    compare(context, {
      bench: "drain",
      names: { 100: "drain-100", 1000: "drain-1000" },
      systems: [floor, queuack],
    }),
};
