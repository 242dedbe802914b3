// @ts-check
/** Controls that filter the table: a search over both objects, slow pairs, and a field for every column. */
import { isoTime } from "./fields.js";
import { element } from "./panel.js";

/** @typedef {import("./fields.js").Field} Field */
/** @typedef {{doc: any, columns: import("./columns.js").Columns, filters: import("./filters.js").Filters, fields: Field[]}} Page */

/**
 * @param {Page} page
 * @returns {{search: HTMLElement, slow: HTMLElement, more: HTMLElement, clear: () => void}}
 */
export function filterBar(page) {
  const inputs = /** @type {HTMLInputElement[]} */ ([]);
  const search = element("input", { type: "search", placeholder: "Name, id, type or status", "data-filter": "search" });
  search.addEventListener("input", () => page.filters.set("search", searched(page, search.value)));
  inputs.push(search);
  const slow = element("input", { type: "checkbox", "data-filter": "slow" });
  const hide = () => page.filters.set("slow", slow.checked ? null : fast(page));
  slow.addEventListener("change", hide);
  hide();
  const parts = page.fields.map((field) => {
    const own = field.kind === "text" ? [textInput(page, field)] : boundInputs(page, field);
    inputs.push(...own.map(([input]) => input));
    const legend = field.unit ? `${field.title} (${field.unit})` : field.title;
    const labels = own.map(([input, name]) => element("label", {}, element("span", {}, name), input));
    return element("fieldset", {}, element("legend", {}, legend), ...labels);
  });
  const count = page.doc.rows_slow ?? 0;
  return {
    search: element("label", { className: "search" }, element("span", {}, "Search"), search),
    slow: element("label", { className: "check" }, slow, element("span", {}, `Show ${count.toLocaleString("en")} slow pairs`)),
    more: element("details", { className: "more-filters" }, element("summary", {}, "Filters by column"), element("div", { className: "fields" }, ...parts)),
    clear: () => {
      for (const input of inputs) input.value = "";
      for (const name of page.filters.names) if (name !== "slow") page.filters.set(name, null);
    },
  };
}

/** Mask of fast conjunctions, or null if all are. @param {Page} page */
function fast({ doc, columns }) {
  const speeds = columns.get("relative_speed");
  const mask = masked(speeds.length, (k) => speeds[k] >= doc.slow_km_s);
  doc.rows_slow = mask.reduce((sum, passes) => sum + 1 - passes, 0);
  return doc.rows_slow ? mask : null;
}

/** Rows of which every word of a text is in what one of the objects is called. @param {Page} page @param {string} text */
function searched({ columns, filters }, text) {
  const words = text.toUpperCase().split(/\s+/).filter(Boolean);
  if (!words.length) return null;
  const ids = columns.get("object_id");
  const texts = ["name", "type", "status"].map((what) => columns.get(`object_${what}`)).filter(Boolean);
  const described = Array.from(ids, (id, k) => [id, ...texts.map(({ codes, values }) => values[codes[k]])].join(" ").toUpperCase());
  const mask = new Uint8Array(filters.rows).fill(1);
  const [first, second] = [columns.get("primary_object"), columns.get("secondary_object")];
  for (const word of words) {
    const has = described.map((one) => one.includes(word));
    for (let k = 0; k < mask.length; k++) if (!has[first[k]] && !has[second[k]]) mask[k] = 0;
  }
  return mask;
}

/** @param {Page} page @param {Field} field @returns {[HTMLInputElement, string]} */
function textInput({ filters }, field) {
  const input = element("input", { type: "text", "data-filter": field.name, "data-bound": "text" });
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toUpperCase();
    const { codes, values } = /** @type {NonNullable<Field["words"]>} */ (field.words);
    const has = values.map((value) => value.replaceAll("_", " ").toUpperCase().includes(wanted.replaceAll("_", " ")));
    filters.set(`column ${field.name}`, wanted ? masked(codes.length, (k) => has[codes[k]]) : null);
  });
  return [input, "contains"];
}

/** @param {Page} page @param {Field} field @returns {[HTMLInputElement, string][]} */
function boundInputs({ doc, filters }, field) {
  const time = field.kind === "time";
  const type = time ? { type: "datetime-local", step: "1", min: isoTime(doc.start).slice(0, 19), max: isoTime(doc.end).slice(0, 19) } : { type: "number", step: "any" };
  const [least, most] = ["min", "max"].map((bound) => element("input", { ...type, "data-filter": field.name, "data-bound": bound }));
  const read = (/** @type {HTMLInputElement} */ input, /** @type {number} */ none) => {
    if (!input.value) return none;
    return time ? Date.parse(`${input.value}Z`) / 1000 : Number(input.value);
  };
  const change = () => {
    const [low, high] = [read(least, -Infinity), read(most, Infinity)];
    const values = /** @type {ArrayLike<number>} */ (field.values);
    const within = (/** @type {number} */ k) => values[k] >= low && values[k] <= high;
    filters.set(`column ${field.name}`, least.value || most.value ? masked(values.length, within) : null);
  };
  for (const input of [least, most]) input.addEventListener("input", change);
  return [[least, "from"], [most, "to"]];
}

/** @param {number} rows @param {(row: number) => boolean} passes */
function masked(rows, passes) {
  const mask = new Uint8Array(rows);
  for (let k = 0; k < rows; k++) mask[k] = +passes(k);
  return mask;
}
