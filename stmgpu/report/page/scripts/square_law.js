// @ts-check
/** Conjunctions within a distance, against the law that they grow with its square. */

import { lines } from "./lines.js";
import { cumulative, expected, within } from "./bins.js";
import { panel } from "./panel.js";

/**
 * @param {HTMLElement} parent
 * @param {import("./screening_figures.js").Page} page
 * @param {() => Uint8Array | null} mask
 */
export function squareLaw(parent, { doc, columns, filters }, mask) {
  const { d, counts } = doc.figures.within;
  const miss = columns.get("miss_distance");
  const series = () => {
    const passing = mask();
    const counted = passing ? cumulative(miss, d, passing) : Array.from(counts, Number);
    const shown = (/** @type {number[]} */ values) => values.map((value) => (value > 0 ? value : NaN));
    const law = expected(d, counted[counted.length - 1]).map((value) => (value >= 0.5 ? value : NaN));
    return [{ label: "counted", points: true, y: shown(counted) }, { label: "square law", y: shown(law) }];
  };
  const note =
    "If pairs pass each other at random, the number within a distance grows with its square. The line goes through the count at the threshold.";
  const place = panel(parent, { id: "within", title: "Within a distance", note });
  const drawn = lines(place, {
    x: d, xScale: "log", yScale: "log", xLabel: "distance d (km)", yLabel: "conjunctions with a miss of at most d",
    series: series(), filters, name: "within",
    onbrush: (range) => filters.set("within", range ? within([{ x: miss }], range) : null),
  });
  filters.subscribe((/** @type {string} */ name) => {
    if (name !== "within") drawn.update({ series: series() });
  });
}
