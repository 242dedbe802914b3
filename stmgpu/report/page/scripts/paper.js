// @ts-check
/** The table on paper: the first rows of what is shown, made when the page is printed. */
import { element } from "./panel.js";

const ROWS = 100;
const NAMES = [
  "tca", "primary", "primary_name", "secondary", "secondary_name", "miss_distance", "relative_speed", "miss_radial",
  "miss_transverse", "miss_normal", "altitude", "pc",
];

/**
 * @param {HTMLElement} parent
 * @param {import("./fields.js").Field[]} fields
 * @param {() => Uint32Array} order  rows of the table in its order
 */
export function paperTable(parent, fields, order) {
  const place = element("div", { className: "paper" });
  parent.append(place);
  const shown = fields.filter(({ name }) => NAMES.includes(name)).sort((a, b) => NAMES.indexOf(a.name) - NAMES.indexOf(b.name));
  const title = (/** @type {import("./fields.js").Field} */ one) => (one.unit ? `${one.title} (${one.unit})` : one.title);
  addEventListener("beforeprint", () => {
    const rows = order();
    const head = element("tr", {}, ...shown.map((one) => element("th", { scope: "col", className: one.kind }, title(one))));
    const lines = [...rows.subarray(0, ROWS)].map((row) =>
      element("tr", {}, ...shown.map((one) => element("td", { className: one.kind }, one.text(row)))));
    const text = rows.length > ROWS ? `The first ${ROWS} of ${rows.length.toLocaleString("en")} conjunctions shown` : `${rows.length} conjunctions`;
    place.replaceChildren(element("table", {}, element("caption", {}, text), element("thead", {}, head), element("tbody", {}, ...lines)));
  });
  addEventListener("afterprint", () => place.replaceChildren());
}
