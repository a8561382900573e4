import { compare } from "../compare.mjs";
import { floor, floorRelaxed } from "../systems/floor.mjs";
import { queuack, queuackRelaxed } from "../systems/queuack.mjs";

/** @type {import("../main.mjs").Bench} */
export default {
  name: "durability",
  title: "jobs per second where an acknowledged job survives a power cut, and where it survives a killed process",
  run: (context) =>
    compare(context, {
      bench: "durability",
      names: { single: "single", "concurrent-100": "concurrent-100", "flow-100": "flow-100" },
      systems: [floor, queuack, floorRelaxed, queuackRelaxed],
    }),
};
