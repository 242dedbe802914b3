// @ts-check
/** Conjunctions within a distance, against the law that they grow with its square. */

import { lines } from "./lines.js";
import { cumulative, expected, within } from "./bins.js";
import { panel } from "./panel.js";
import { extent } from "./scale.js";

/**
 * @param {HTMLElement} parent
 * @param {import("./screening_figures.js").Page} page
 * @param {() => Uint8Array | null} mask
 */
export function squareLaw(parent, { doc, columns, filters }, mask) {
  const { d, counts } = doc.figures.within;
  const miss = columns.get("miss_distance");
  const known = doc.rows < doc.rows_total ? extent([miss])[1] : Infinity; // farther pairs are not in the table
  const series = () => {
    const passing = mask();
    const counted = passing ? cumulative(miss, d, passing) : Array.from(counts, Number);
    const rows = counted.filter((_, k) => !passing || d[k] <= known);
    const whole = (/** @type {number[]} */ values) => Array.from(d, (_, k) => values[k] ?? NaN);
    const parts = [{ label: "counted", points: true, y: whole(rows) }];
    const cut = filters.names.some((name) => name.includes("miss")); // no law holds for a range of miss distances
    if ((passing && cut) || !rows[rows.length - 1]) return parts;
    const law = expected(Array.from(d).slice(0, rows.length), rows[rows.length - 1]);
    return [...parts, { label: "square law", points: false, y: whole(law) }];
  };
  const note =
    "If pairs pass each other at random, the number within a distance grows with its square. The line goes through the last count; none is drawn while a range of miss distances is chosen.";
  const place = panel(parent, { id: "within", title: "Within a distance", note });
  const drawn = lines(place, {
    x: d, xScale: "log", yScale: "log", least: 0.5, xLabel: "distance d (km)", yLabel: "conjunctions with a miss of at most d",
    series: series(), filters, name: "within",
    onbrush: (range) => filters.set("within", range ? within([{ x: miss }], range) : null),
  });
  filters.subscribe((/** @type {string} */ name) => {
    if (name !== "within") drawn.update({ series: series() });
  });
}
