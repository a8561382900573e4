import { compare } from "../compare.mjs";
import { floor } from "../systems/floor.mjs";
import { queuack, queuackThread } from "../systems/queuack.mjs";

/** @type {import("../main.mjs").Bench} */
export default {
  name: "thread",
  title: "jobs per second with the database in this thread and in one of its own, beside the floor",
  run: (context) =>
    compare(context, {
      bench: "thread",
      names: {
        single: "single",
        many: "many",
        "drain 100": "drain-100",
        "flow 100": "flow-100",
        "flow 1000": "flow-1000",
      },
      systems: [floor, queuack, queuackThread],
    }),
};
