// @ts-check
/** The table on paper: the first rows of what is shown, made when the page is printed. */
import { element } from "./panel.js";

const ROWS = 100;
const NUMBERS = ["miss_distance", "relative_speed", "miss_radial", "miss_transverse", "miss_normal", "altitude", "pc"];

/** @typedef {{title: string, kind: string, text: (row: number) => string}} Column */

/**
 * @param {HTMLElement} parent
 * @param {import("./fields.js").Field[]} fields
 * @param {() => Uint32Array} order  rows of the table in its order
 */
export function paperTable(parent, fields, order) {
  const place = element("div", { className: "paper" });
  parent.append(place);
  const columns = columnsOf(new Map(fields.map((one) => [one.name, one])));
  addEventListener("beforeprint", () => {
    const rows = order();
    const head = element("tr", {}, ...columns.map((one) => element("th", { scope: "col", className: one.kind }, one.title)));
    const lines = [...rows.subarray(0, ROWS)].map((row) =>
      element("tr", {}, ...columns.map((one) => element("td", { className: one.kind }, one.text(row)))));
    const all = rows.length.toLocaleString("en");
    const text = rows.length > ROWS ? `The first ${ROWS} of the ${all} conjunctions shown` : `The ${all} conjunctions shown`;
    place.replaceChildren(element("table", {}, element("caption", {}, text), element("thead", {}, head), element("tbody", {}, ...lines)));
  });
  addEventListener("afterprint", () => place.replaceChildren());
}

/** @param {Map<string, import("./fields.js").Field>} fields @returns {Column[]} */
function columnsOf(fields) {
  const read = (/** @type {string} */ name) => fields.get(name)?.text ?? (() => "");
  const [tca, ids, names] = [read("tca"), ["primary", "secondary"].map(read), ["primary_name", "secondary_name"].map(read)];
  const object = (/** @type {number} */ k) => (/** @type {number} */ row) => `${ids[k](row)} ${names[k](row)}`.trim();
  const numbers = NUMBERS.flatMap((name) => {
    const one = fields.get(name);
    return one ? [{ title: one.unit ? `${one.title} (${one.unit})` : one.title, kind: "number", text: one.text }] : [];
  });
  return [
    { title: "Closest approach (UTC)", kind: "time", text: tca }, { title: "Primary", kind: "text", text: object(0) },
    { title: "Secondary", kind: "text", text: object(1) }, ...numbers,
  ];
}
