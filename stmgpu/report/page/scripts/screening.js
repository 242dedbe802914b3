// @ts-check
/** The page of a screening: table, selected event, figures. */
import { addRowColumns } from "./row_columns.js";
import { Filters } from "./filters.js";
import { element } from "./panel.js";
import { screeningFigures } from "./screening_figures.js";
import { Selection } from "./selection.js";

/**
 * @param {HTMLElement} main
 * @param {{doc: any, columns: import("./columns.js").Columns}} page
 */
export function screeningPage(main, { doc, columns }) {
  const filters = new Filters(doc.rows);
  addRowColumns(columns);
  const [first, second, tca] = ["primary", "secondary", "tca"].map((name) => columns.get(name));
  const idOf = (/** @type {number} */ k) => `${first[k]}-${second[k]}-${new Date(Math.round(tca[k] * 1000)).toISOString()}`;
  const selection = new Selection(idOf, (id) => {
    for (let k = 0; k < doc.rows; k++) if (id.startsWith(`${first[k]}-`) && idOf(k) === id) return k;
    return null;
  });
  const table = element("section", { id: "conjunctions" }, element("h2", {}, "Conjunctions"));
  const figures = element("section", { id: "figures", className: "panels" });
  main.append(table, figures);
  table.append(firstRows(columns, idOf, Math.min(doc.rows, 20)));
  screeningFigures(figures, { doc, columns, filters, selection });
  selection.follow();
}

/** @param {import("./columns.js").Columns} columns @param {(row: number) => string} idOf @param {number} count */
function firstRows(columns, idOf, count) {
  const body = element("tbody");
  for (let k = 0; k < count; k++) {
    const row = element("tr", {}, element("td", {}, idOf(k)));
    for (const name of ["miss_distance", "relative_speed"]) row.append(element("td", {}, columns.get(name)[k].toFixed(3)));
    body.append(row);
  }
  return element("table", {}, body);
}
