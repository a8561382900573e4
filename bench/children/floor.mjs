// The floor's cases once, in the order of the frozen floor; prints jobs/s by case.
import { cases } from "../cases.mjs";
import { endOnSignals } from "../endings.mjs";
import { collectGarbage } from "../measure.mjs";
import { floor } from "../systems/floor.mjs";

endOnSignals();
const { jobs, names } = JSON.parse(process.argv[2]);
/** @type {Record<string, number>} */
const figures = {};
for (const name of names) {
  const session = await floor.open();
  figures[name] = await cases[name].run(session, name === "single" ? Math.min(jobs, 4_000) : jobs);
  await session.close();
  collectGarbage();
}
console.log(JSON.stringify(figures));
