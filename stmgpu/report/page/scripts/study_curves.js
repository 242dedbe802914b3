// @ts-check
/** Curves of a study as series of a figure. */

/** @typedef {import("./study_choice.js").Choice} Choice */
/** @typedef {(number|null)[]} Maybe */
/** @typedef {{mean: Maybe, low: Maybe, high: Maybe}} Curve */

/** Numbers with NaN where there is none. @param {Maybe} values */
export const plain = (values) => Float64Array.from(values, (value) => value ?? NaN);

/**
 * A curve as a series of a figure.
 * @param {Curve} curve @param {string} label @param {number} colour @param {boolean} [band]
 */
export function series({ mean, low, high }, label, colour, band = false) {
  return { label, colour, y: plain(mean), ...(band ? { lower: plain(low), upper: plain(high) } : {}) };
}

/**
 * Curves of all scenarios, with the band of the one that is shown; in differences without the first.
 * @param {{study: any, choice: Choice}} page @param {Curve[]} values @param {Curve[]} differences
 */
export function compared({ study, choice }, values, differences) {
  const names = /** @type {string[]} */ (study.scenarios);
  const curves = choice.difference ? differences : values;
  return names
    .map((name, k) => series(curves[k], names.length > 1 ? name : "", k, k === choice.scenario))
    .slice(choice.difference ? 1 : 0);
}

/** Edges of cells around values, halfway between neighbours; a single value has a cell of length 1. @param {number[]} values */
export function edgesAround(values) {
  const last = values.length - 1;
  if (last === 0) return [values[0] - 0.5, values[0] + 0.5];
  const middles = values.slice(1).map((value, k) => (value + values[k]) / 2);
  return [1.5 * values[0] - 0.5 * values[1], ...middles, 1.5 * values[last] - 0.5 * values[last - 1]];
}
