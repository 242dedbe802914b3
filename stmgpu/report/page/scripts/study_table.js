// @ts-check
/** Tables of a study, with numbers and their intervals. */
import { fixed, number } from "./labels.js";
import { element } from "./panel.js";

/** @typedef {number|null|undefined} Value */
/** @typedef {{mid?: Value, mean?: Value, low?: Value, lower?: Value, high?: Value, upper?: Value}} Interval */
/** @typedef {string | Node | {main: string, more: string}} Cell a text, or a number with its interval below it */

/** A number, or a dash. @param {Value} value @param {{digits?: number, signed?: boolean, unit?: string}} [form] */
export function spoken(value, { digits = 3, signed = false, unit = "" } = {}) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const text = Math.abs(value) >= 100 ? fixed(value, 0, 4) : number(value, digits);
  return `${signed && value > 0 ? "+" : ""}${text}${unit}`;
}

/**
 * A cell with an estimate and its interval.
 * @param {Interval|null|undefined} part @param {{digits?: number, signed?: boolean, unit?: string}} [form] @returns {Cell}
 */
export function interval(part, form = {}) {
  if (!part) return "–";
  const [mid, low, high] = [part.mid ?? part.mean, part.low ?? part.lower, part.high ?? part.upper];
  const bounded = typeof low === "number" && typeof high === "number";
  const bare = { ...form, unit: "" };
  const [from, to] = [spoken(low, bare), spoken(high, bare)];
  return { main: spoken(mid, form), more: bounded && from !== to ? `${from} to ${to}` : "" };
}

/**
 * Add a table that scrolls sideways where it is too wide.
 * @param {HTMLElement} parent
 * @param {{id: string, caption: string, head: string[], rows: Cell[][], note?: string, text?: number[], strong?: number}} spec
 *   `text`: columns besides the first that hold words; `strong`: number of a row that is a sum
 */
export function table(parent, { id, caption, head, rows, note, text = [], strong = -1 }) {
  const kind = (/** @type {number} */ k) => (k === 0 || text.includes(k) ? "" : "num");
  const cell = (/** @type {Cell} */ value, /** @type {number} */ k) => {
    const properties = { className: kind(k), ...(k === 0 ? { scope: "row" } : {}) };
    const parts = typeof value === "object" && "main" in value ? [value.main, element("small", {}, value.more)] : [value];
    return k === 0 ? element("th", properties, ...parts) : element("td", properties, ...parts);
  };
  const made = element(
    "table", { id, className: "study-table" }, element("caption", {}, caption),
    element("thead", {}, element("tr", {}, ...head.map((name, k) => element("th", { scope: "col", className: kind(k) }, name)))),
    element("tbody", {}, ...rows.map((row, n) => element("tr", { className: n === strong ? "sum" : "" }, ...row.map(cell)))),
  );
  const scroll = element("div", { className: "study-scroll", tabIndex: 0, role: "region", "aria-label": caption }, made);
  parent.append(scroll, ...(note ? [element("p", { className: "note" }, note)] : []));
  return scroll;
}

/**
 * Add a section with a heading and perhaps a paragraph below it.
 * @param {HTMLElement} parent @param {string} id @param {string} title @param {string} [note]
 */
export function part(parent, id, title, note) {
  const section = element("section", { id, className: "study-part", "aria-labelledby": `${id}-title` });
  section.append(element("h2", { id: `${id}-title` }, title), ...(note ? [element("p", { className: "note lead" }, note)] : []));
  parent.append(section);
  return section;
}

/** A place for panels side by side. @param {HTMLElement} parent @param {string} [more] another class */
export function panels(parent, more = "") {
  const made = element("div", { className: `panels ${more}`.trim() });
  parent.append(made);
  return made;
}
