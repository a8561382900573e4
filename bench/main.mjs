/** The ruler: `npm run bench -- <name…> [--json] [--quick]`. See README.md. */
import { readdirSync } from "node:fs";
import { benchArguments, UsageError } from "./arguments.mjs";
import { baseConditions } from "./conditions.mjs";
import { atEnd, endAll, endOnSignals } from "./endings.mjs";
import { jsonReporter, tableReporter } from "./reporter.mjs";

/**
 * What a bench gets.
 * @typedef {object} Context
 * @property {boolean} quick a few seconds, for trying out
 * @property {(line: import("./reporter.mjs").Line) => void} report a figure, or that something is missing
 * @property {(text: string) => void} progress for people who wait
 * @property {typeof atEnd} atEnd has something undone at the end of the bench, also when it fails or is interrupted
 */

/**
 * One bench: the default export of a file in benches/.
 * @typedef {object} Bench
 * @property {string} name that of its file
 * @property {string} title what it measures
 * @property {(context: Context) => Promise<void>} run
 */

const folder = new URL("benches/", import.meta.url);
const known = readdirSync(folder)
  .filter((file) => file.endsWith(".mjs"))
  .map((file) => file.slice(0, -".mjs".length))
  .sort();

/** @param {string} name @returns {Promise<Bench>} */
const load = async (name) => (await import(new URL(`${name}.mjs`, folder).href)).default;

async function list() {
  console.log("npm run bench -- <name…> [--json] [--quick]\n");
  const width = Math.max(...known.map((name) => name.length)) + 2;
  for (const name of known) console.log(`${name.padEnd(width)}${(await load(name)).title}`);
}

/** @param {Bench} bench @param {boolean} quick @param {import("./reporter.mjs").Reporter} reporter */
async function run(bench, quick, reporter) {
  reporter.begin(bench);
  const base = { ...baseConditions(), ...(quick && { quick }) };
  try {
    await bench.run({
      quick,
      report: (line) => reporter.report({ ...line, conditions: { ...line.conditions, ...base } }),
      progress: (text) => process.stderr.write(`${text}\n`),
      atEnd,
    });
  } catch (error) {
    console.error(`bench ${bench.name} failed:`, error);
    process.exitCode = 1;
  } finally {
    await endAll();
    reporter.end();
  }
}

endOnSignals();
// Whoever reads the figures has enough of them.
process.stdout.on("error", () => void endAll().finally(() => process.exit()));
// A queue's own variables must not decide what is measured.
for (const key of Object.keys(process.env)) if (key.startsWith("QUEUACK_")) delete process.env[key];
try {
  const { names, json, quick } = benchArguments(process.argv.slice(2), known);
  if (names.length === 0) await list();
  const reporter = (json ? jsonReporter : tableReporter)((text) => process.stdout.write(text));
  for (const name of names) await run(await load(name), quick, reporter);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
