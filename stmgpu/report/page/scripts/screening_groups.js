// @ts-check
/** Who meets whom: conjunctions between types of objects, and between constellations. */

import { meetings } from "./bins.js";
import { printable } from "./fields.js";
import { matrix } from "./matrix.js";
import { panel } from "./panel.js";
import { hinted } from "./values.js";

/**
 * @param {HTMLElement} parent
 * @param {import("./screening_figures.js").Page} page
 * @param {(page: import("./screening_figures.js").Page, name: string) => () => Uint8Array | null} masked
 */
export function groupPanels(parent, page, masked) {
  const { doc, columns, filters } = page;
  for (const [name, column, title, note] of /** @type {[string, string, string, string | undefined][]} */ ([
    ["types", "kind", "Who meets whom: types", undefined],
    ["constellations", "group", "Who meets whom: constellations", "The largest groups of 20 or more satellites that share a name; all others stand by type."],
  ])) {
    const data = doc.figures[name];
    if (!data || data.labels.length < 2) continue;
    const text = ["primary", "secondary"].map((who) => columns.get(`${who}_${column}`));
    const groups = text.every(Boolean)
      ? text.map(({ codes, values }) => {
          const numbers = values.map((/** @type {string} */ value) => data.labels.indexOf(value));
          return Int32Array.from(codes, (/** @type {number} */ code) => numbers[code]);
        })
      : null;
    const mask = masked(page, name);
    /** @type {[number, number] | null} */
    let picked = null;
    const now = () => {
      const passing = groups && mask();
      return passing && groups ? meetings(groups[0], groups[1], data.labels.length, passing) : data.counts;
    };
    const place = panel(parent, { id: name, title, note });
    const drawn = matrix(groups ? hinted(place, "Click a cell to see its conjunctions only.") : place, {
      labels: data.labels.map(printable),
      values: now(),
      valueLabel: "conjunctions",
      onpick: groups
        ? (a, b) => {
            picked = picked && picked[0] === a && picked[1] === b ? null : [a, b];
            const [one, other] = groups;
            const rows = picked && Uint8Array.from(one, (group, row) => Number((group === a && other[row] === b) || (group === b && other[row] === a)));
            filters.set(name, rows);
          }
        : undefined,
    });
    filters.subscribe((/** @type {string} */ changed) => {
      if (changed === name && !filters.names.includes(name)) picked = null;
      drawn.update(changed === name ? { picked } : { values: now(), picked });
    });
  }
}
