// How the benches measure: sides in turns, medians, percentiles.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");

/** Collects garbage: what one side left behind must not be another's cost. */
export const collectGarbage = /** @type {() => void} */ (runInNewContext("gc"));

/** The middle of some values, the mean of the two middle ones. @param {readonly number[]} values */
export function median(values) {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The value below which this part of the values lies (nearest rank). @param {readonly number[]} values @param {number} part 0 to 1 */
export function percentile(values, part) {
  if (values.length === 0) return Number.NaN;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)];
}

/** The median of the ratios of the turns. @param {readonly number[]} values @param {readonly number[]} bases of the same turns */
export function medianRatio(values, bases) {
  return median(values.map((value, turn) => value / bases[turn]));
}

/** A number with as many digits as mean something. @param {number} value @param {number} [digits] */
export function rounded(value, digits = 4) {
  return Number(value.toPrecision(digits));
}

/** How long something takes, seconds. @param {() => unknown} work */
export async function timed(work) {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / 1e9;
}

/**
 * Measures several sides in turns: each once in every turn, every other turn backwards, so that what the machine does
 * meanwhile strikes all of them.
 * @template Figure
 * @param {Record<string, () => Promise<Figure>>} sides
 * @param {number} reps
 * @param {(done: { turn: number, side: string, figure: Figure }) => void} [onFigure]
 * @returns {Promise<Record<string, Figure[]>>} a figure of each turn, by side
 */
export async function inTurns(sides, reps, onFigure) {
  /** @type {Record<string, Figure[]>} */
  const figures = Object.fromEntries(Object.keys(sides).map((side) => [side, []]));
  for (let turn = 0; turn < reps; turn++) {
    const order = Object.entries(sides);
    if (turn % 2 === 1) order.reverse();
    for (const [side, measure] of order) {
      collectGarbage();
      const figure = await measure();
      figures[side].push(figure);
      onFigure?.({ turn, side, figure });
    }
  }
  return figures;
}
