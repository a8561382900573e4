import { compare } from "../compare.mjs";
import { floor } from "../systems/floor.mjs";
import { queuack } from "../systems/queuack.mjs";

/** @type {import("../main.mjs").Bench} */
export default {
  name: "enqueue",
  title: "enqueued and acknowledged jobs per second, beside the floor",
  run: (context) =>
    compare(context, {
      bench: "enqueue",
      names: { single: "single", "concurrent-100": "concurrent-100", many: "many", "many-1000": "many-1000" },
      systems: [floor, queuack],
    }),
};
