import { cases } from "./cases.mjs";
import { inTurns, median, medianRatio } from "./measure.mjs";

/** @typedef {import("./cases.mjs").System} System */

/**
 * Runs cases over several systems in turns and reports a line for each: with the floor's figure and the ratio to it where
 * the floor, or one of the same durability, is among them.
 * @param {import("./main.mjs").Context} context
 * @param {object} params
 * @param {string} params.bench
 * @param {Record<string, keyof typeof cases>} params.names the cases, by the names that they get in this bench
 * @param {readonly System[]} params.systems
 * @param {unknown} [params.servers] handed to `open`
 * @param {number} [params.reps]
 * @param {(system: System, name: keyof typeof cases) => number | undefined} [params.jobs] where a system can't take as many as others
 */
export async function compare(context, { bench, names, systems, servers, reps, jobs }) {
  const turns = reps ?? (context.quick ? 3 : 5);
  for (const [label, name] of Object.entries(names)) {
    /** @type {import("./cases.mjs").Case} */
    const one = cases[name];
    const count = (/** @type {System} */ system) =>
      jobs?.(system, name) ?? (context.quick ? one.jobs.quick : one.jobs.full);
    /** @type {System[]} */
    const able = [];
    /** @type {Record<string, () => Promise<number>>} */
    const sides = {};
    for (const system of systems) {
      const missing = await whyNot(system, one, servers);
      if (missing !== undefined) {
        context.report({ bench, case: label, system: system.name, durability: system.durability, missing });
        continue;
      }
      able.push(system);
      sides[system.name] = async () => {
        const session = await system.open(servers);
        try {
          return await one.run(session, count(system));
        } finally {
          await session.close();
        }
      };
    }
    const figures = await inTurns(sides, turns, ({ turn, side, figure }) => {
      context.progress(`${bench} ${label}, turn ${turn + 1} of ${turns}: ${side} ${Math.round(figure)} jobs/s`);
    });
    for (const system of able) {
      const floor = able.find(({ name, durability }) => name.startsWith("floor") && durability === system.durability);
      const samples = figures[system.name];
      const isMeasured = floor !== undefined && floor !== system;
      context.report({
        bench,
        case: label,
        system: system.name,
        durability: system.durability,
        value: median(samples),
        unit: "jobs/s",
        ...(isMeasured && {
          floor: median(figures[floor.name]),
          ratio: medianRatio(samples, figures[floor.name]),
        }),
        samples,
        conditions: {
          what: one.title,
          jobs: count(system),
          reps: turns,
          version: system.version,
          settings: system.settings,
        },
      });
    }
  }
}

/** Why a system can't run a case; undefined when it can. @param {System} system @param {import("./cases.mjs").Case} one @param {unknown} servers */
async function whyNot(system, one, servers) {
  const missing = await system.missing();
  if (missing !== undefined || one.needs === undefined) return missing;
  const session = await system.open(servers);
  try {
    return session[one.needs] === undefined ? `it has no ${one.needs}` : undefined;
  } finally {
    await session.close();
  }
}
