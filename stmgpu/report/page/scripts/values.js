// @ts-check
/** The numbers of a figure as a table, for keyboards and screen readers; filled when it is opened. */

import { fixed } from "./labels.js";
import { element } from "./panel.js";

/**
 * @typedef {object} Values
 * @property {string[]} head
 * @property {(string | number)[][]} rows
 * @property {string} [note]
 */

const MOST = 500;

/** @param {Values} values @returns {HTMLElement[]} */
function drawn({ head, rows, note }) {
  const titles = head.map((text) => (text ? element("th", { scope: "col" }, text) : element("td")));
  const lines = rows.slice(0, MOST).map((row) =>
    element("tr", {}, ...row.map((value, i) => (i === 0 ? element("th", { scope: "row" }, String(value)) : element("td", {}, String(value))))),
  );
  const table = element("table", { className: "figure-values" }, element("thead", {}, element("tr", {}, ...titles)), element("tbody", {}, ...lines));
  const notes = [note ?? "", rows.length > MOST ? `The first ${MOST} of ${fixed(rows.length, 0, 4)} values.` : ""];
  return [...notes.filter(Boolean).map((text) => element("p", { className: "figure-note" }, text)), table];
}

/**
 * Keep a list of values: it is made when its disclosure opens, and again after each change while it is open.
 * @param {HTMLElement} list element within a `<details>`
 * @param {() => Values} values
 * @returns {() => void} call it after a change
 */
export function listValues(list, values) {
  const details = list.closest("details");
  const refresh = () => {
    if (!details || details.open) list.replaceChildren(...drawn(values()));
  };
  details?.addEventListener("toggle", refresh);
  refresh();
  return refresh;
}

/**
 * Say what a pointer can do in a figure; paper leaves it out.
 * @param {import("./panel.js").Place} place
 * @param {string} text
 * @returns {import("./panel.js").Place}
 */
export function hinted(place, text) {
  place.figure.before(element("p", { className: "figure-note figure-hint" }, text));
  return place;
}
