import { rounded } from "./measure.mjs";

/**
 * One figure, or why there is none.
 * @typedef {object} Line
 * @property {string} bench
 * @property {string} case
 * @property {string} [system]
 * @property {"full" | "kill" | "none"} [durability]
 * @property {number} [value] median of the samples
 * @property {string} [unit]
 * @property {number} [floor] what the floor reached in the same turns
 * @property {number} [ratio] median of the ratios of the turns, to the floor or to what the conditions name
 * @property {readonly number[]} [samples] one of each turn
 * @property {string} [missing] why it could not be measured
 * @property {Record<string, unknown>} [conditions]
 */

/**
 * @typedef {object} Reporter
 * @property {(bench: { name: string, title: string }) => void} begin
 * @property {(line: Line) => void} report
 * @property {() => void} end of a bench
 */

/** One JSON object a line. @param {(text: string) => void} write @returns {Reporter} */
export function jsonReporter(write) {
  return {
    begin: () => undefined,
    report: (line) => write(`${JSON.stringify(withDigits(line))}\n`),
    end: () => undefined,
  };
}

/** A table for people after each bench. @param {(text: string) => void} write @returns {Reporter} */
export function tableReporter(write) {
  let title = "";
  /** @type {Line[]} */
  let lines = [];
  return {
    begin: (bench) => {
      title = `${bench.name}: ${bench.title}`;
      lines = [];
    },
    report: (line) => void lines.push(withDigits(line)),
    end: () => write(`\n${title}\n${table(lines)}`),
  };
}

/** @param {Line} line @returns {Line} */
function withDigits({
  bench,
  case: name,
  system,
  durability,
  value,
  unit,
  floor,
  ratio,
  samples,
  missing,
  conditions,
}) {
  const short = (/** @type {number | undefined} */ figure, digits = 4) =>
    figure === undefined ? undefined : rounded(figure, digits);
  return {
    bench,
    case: name,
    system,
    durability,
    value: short(value),
    unit,
    floor: short(floor),
    ratio: short(ratio, 3),
    samples: samples?.map((sample) => rounded(sample)),
    missing,
    conditions,
  };
}

/** @param {readonly Line[]} lines */
function table(lines) {
  if (lines.length === 0) return "(nothing was measured)\n";
  const { shared, own } = conditionsOf(lines);
  const rows = lines.map((line, i) => [
    line.case,
    line.system ?? "",
    line.durability ?? "",
    line.missing === undefined ? figure(line.value) : "missing:",
    line.missing ?? line.unit ?? "",
    figure(line.floor),
    figure(line.ratio),
    own[i],
  ]);
  const heads = ["case", "system", "durability", "value", "", "floor", "ratio", ""];
  const used = heads.map((_, column) => rows.some((row) => row[column] !== ""));
  const text = [heads, ...rows].map((row) => row.filter((_, column) => used[column]));
  const isFigure = [false, false, false, true, false, true, true, false].filter((_, column) => used[column]);
  const widths = isFigure.map((_, column) => Math.max(...text.map((row) => row[column].length)));
  const body = text.map((row) =>
    row
      .map((cell, column) => (isFigure[column] ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
      .join("  ")
      .trimEnd(),
  );
  return `${[...body, ...systemsOf(lines), ...(shared === "" ? [] : [`(${shared})`])].join("\n")}\n`;
}

/** What is said of a system once, not beside each of its figures. */
const ofSystems = ["version", "settings"];

/** A line for each system with its version and settings. @param {readonly Line[]} lines */
function systemsOf(lines) {
  const texts = lines.flatMap(({ system, conditions = {} }) => {
    const words = ofSystems.flatMap((key) => (key in conditions ? [String(conditions[key])] : []));
    return words.length === 0 ? [] : [`(${system}: ${words.join(", ")})`];
  });
  return [...new Set(texts)];
}

/** @param {number | undefined} value */
function figure(value) {
  if (value === undefined) return "";
  return Math.abs(value) >= 1_000 ? Math.round(value).toLocaleString("en") : String(value);
}

/** What holds for every line, and what holds for each beside that. @param {readonly Line[]} lines */
function conditionsOf(lines) {
  const all = lines.map(({ conditions = {} }) => conditions);
  const isShared = (/** @type {string} */ key) =>
    all.every((one) => JSON.stringify(one[key]) === JSON.stringify(all[0][key]));
  const told = (/** @type {Record<string, unknown>} */ one, /** @type {boolean} */ shared) =>
    Object.entries(one)
      .filter(([key]) => !ofSystems.includes(key) && isShared(key) === shared)
      .map(([key, value]) =>
        key === "what" ? String(value) : `${key} ${typeof value === "object" ? JSON.stringify(value) : value}`,
      )
      .join(", ");
  return { shared: told(all[0], true), own: all.map((one) => told(one, false)) };
}
