// @ts-check
/** Figures of a screening; brushing or picking in one filters the table and the others. */

import { bars } from "./bars.js";
import { printable } from "./fields.js";
import { heat } from "./heat.js";
import { histogram } from "./histogram.js";
import { fixed, number } from "./labels.js";
import { pairNames } from "./names.js";
import { element, panel } from "./panel.js";
import { groupPanels } from "./screening_groups.js";
import { scatter } from "./scatter.js";
import { squareLaw } from "./square_law.js";
import { hinted } from "./values.js";

/**
 * @typedef {{doc: any, columns: import("./columns.js").Columns, filters: import("./filters.js").Filters,
 *   selection: import("./selection.js").Selection}} Page
 */

const SLOW = "slow";

/**
 * Rows that a figure counts when others are filtered.
 * @param {Page} page
 * @param {string} name of the figure's own filter
 * @returns {() => Uint8Array | null} null where the counts over all rows of the store hold
 */
export function masked({ doc, columns, filters }, name) {
  const speeds = columns.get("relative_speed");
  const slow = speeds.some((/** @type {number} */ speed) => speed < doc.slow_km_s);
  return () => {
    const others = filters.names.filter((each) => each !== name);
    const plain = others.every((each) => each === SLOW) && (others.length > 0 || !slow);
    return plain ? null : filters.passesOthers(name);
  };
}

/**
 * Age of the older of two element sets.
 * @param {import("./columns.js").Columns} columns
 * @returns {Float64Array}
 */
function olderAge(columns) {
  const [one, other] = ["primary", "secondary"].map((who) => columns.get(`${who}_epoch_age_days`));
  return Float64Array.from(one, (/** @type {number} */ age, /** @type {number} */ row) => {
    const [a, b] = [Math.abs(age), Math.abs(other[row])];
    return Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.max(a, b);
  });
}

/** @param {import("./columns.js").Columns} columns @param {string} who @returns {Float64Array | null} degrees by row */
function inclinations(columns, who) {
  const [angle, places] = [columns.get("object_inclination"), columns.get(`${who}_object`)];
  return angle ? Float64Array.from(places, (/** @type {number} */ at) => (angle[at] * 180) / Math.PI) : null;
}

/**
 * @param {HTMLElement} parent
 * @param {Page} page
 */
export function screeningFigures(parent, page) {
  const { doc, columns, filters, selection } = page;
  const { figures } = doc;
  const what = "conjunctions";
  const miss = columns.get("miss_distance");
  const names = pairNames(columns);
  const nameOf = (/** @type {number} */ row) => names(row).join(" and ");
  const fewer = doc.rows < doc.rows_total;
  /** @param {string} name */
  const tied = (name) => ({ filters, name, mask: masked(page, name) });
  /** @param {string} name @param {string} title @param {ArrayLike<number>} x @param {string} xLabel */
  const against = (name, title, x, xLabel) => {
    if (!figures[name]) return;
    const all = fewer ? figures[name] : undefined;
    scatter(hinted(panel(parent, { id: name, title }), "Drag a rectangle to filter table and figures; click a point to see its encounter."), {
      x, y: miss, xLabel, yLabel: "miss distance (km)", valueLabel: what, nameOf, all, selection, ...tied(name),
    });
  };
  against("miss_speed", "Miss distance and speed", columns.get("relative_speed"), "relative speed (km/s)");
  if (columns.get("primary_epoch_age_days")) {
    against("miss_age", "Miss distance and age of elements", olderAge(columns), "age of the older elements (d)");
  }
  if (figures.per_hour) {
    const { edges, counts, step_s: step } = figures.per_hour;
    const unit = step === 3600 ? "per hour" : step % 86400 === 0 ? `per ${number(step / 86400)} d` : `per ${number(step / 60)} min`;
    histogram(hinted(panel(parent, { id: "per_hour", title: "When" }), "Drag an interval to filter."), {
      edges, counts, values: columns.get("tca"), xScale: "time", label: "time of closest approach (UTC)",
      valueLabel: `${what} ${unit}`, ...tied("per_hour"),
    });
  }
  if (figures.within) squareLaw(parent, page, masked(page, "within"));
  const altitude = columns.get("altitude");
  if (figures.altitude_latitude && altitude) {
    const { outside } = figures.altitude_latitude;
    const note = outside ? `${fixed(outside, 0, 4)} of the ${fixed(doc.fast_total, 0, 4)} conjunctions are outside of this picture.` : undefined;
    heat(panel(parent, { id: "altitude_latitude", title: "Where: altitude and latitude", note }), {
      ...figures.altitude_latitude, xLabel: "latitude (°)", yLabel: "altitude (km)", valueLabel: what,
      pairs: [{ x: columns.get("latitude"), y: altitude }], ...tied("altitude_latitude"),
    });
  }
  const angles = ["primary", "secondary"].map((who) => inclinations(columns, who));
  if (figures.altitude_inclination && altitude && angles[0] && angles[1]) {
    const { outside } = figures.altitude_inclination;
    const beyond = outside ? ` ${fixed(outside, 0, 4)} of these ${fixed(2 * doc.fast_total, 0, 4)} are outside of this picture.` : "";
    const note = `Each conjunction counts once for each of its two objects.${beyond}`;
    heat(panel(parent, { id: "altitude_inclination", title: "Where: altitude and inclination", note }), {
      ...figures.altitude_inclination, xLabel: "inclination (°)", yLabel: "altitude (km)", valueLabel: what,
      pairs: angles.map((x) => ({ x: /** @type {Float64Array} */ (x), y: altitude })), ...tied("altitude_inclination"),
    });
  }
  groupPanels(parent, page, masked);
  scope(parent, page);
  if (figures.busiest?.ids.length) busiest(parent, page);
}

/**
 * Say what the figures count while they are filtered, and offer to end that.
 * @param {HTMLElement} parent
 * @param {Page} page
 */
function scope(parent, page) {
  const { doc, filters } = page;
  const mask = masked(page, "");
  const text = element("span", { role: "status" });
  const brushes = () => filters.names.filter((name) => name in doc.figures);
  const clear = element("button", { type: "button", onclick: () => brushes().forEach((name) => filters.set(name, null)) }, "Clear brushes");
  const line = element("p", { className: "figure-scope note" }, text, clear);
  parent.before(line);
  const show = () => {
    const beyond = doc.rows < doc.rows_total ? "; pairs that passed farther apart are not in it" : "";
    const idle = mask() === null;
    line.classList.toggle("idle", idle);
    clear.hidden = brushes().length === 0;
    text.textContent = idle ? "" : `Filtered: figures count the ${fixed(filters.shown.length, 0, 4)} rows shown of the table's ${fixed(doc.rows, 0, 4)}${beyond}.`;
  };
  filters.subscribe(show);
  show();
}

/** @param {HTMLElement} parent @param {Page} page */
function busiest(parent, page) {
  const { doc, columns, filters } = page;
  const mask = masked(page, "busiest");
  const places = ["primary", "secondary"].map((who) => columns.get(`${who}_object`));
  const ids = columns.get("object_id");
  const names = columns.get("object_name");
  const label = (/** @type {number} */ at) => (names && printable(names.values[names.codes[at]])) || String(ids[at]);
  /** @type {ArrayLike<number>} */
  let shown = [];
  /** @type {number | null} */
  let picked = null;
  const now = () => {
    const passing = mask();
    if (!passing) {
      const { ids: most, names: texts, counts } = doc.figures.busiest;
      shown = most;
      return { labels: texts.map((/** @type {string} */ text, /** @type {number} */ i) => printable(text) || String(most[i])), values: counts };
    }
    const counts = new Uint32Array(ids.length);
    for (const place of places) for (let row = 0; row < place.length; row += 1) counts[place[row]] += passing[row];
    const order = Array.from(counts.keys()).filter((at) => counts[at] > 0);
    const most = order.sort((a, b) => counts[b] - counts[a]).slice(0, doc.figures.busiest.ids.length);
    shown = most.map((at) => ids[at]);
    return { labels: most.map(label), values: most.map((at) => counts[at]) };
  };
  const mark = () => (picked === null ? -1 : Array.from(shown).indexOf(picked));
  const note = "Conjunctions in which each object takes part.";
  const drawn = bars(hinted(panel(parent, { id: "busiest", title: "Busiest objects", note }), "Click a bar to see its rows only."), {
    ...now(),
    valueLabel: "conjunctions",
    onpick(i) {
      picked = picked === shown[i] ? null : shown[i];
      const row = picked === null ? null : Uint8Array.from(places[0], (/** @type {number} */ at, /** @type {number} */ k) =>
        Number(ids[at] === picked || ids[places[1][k]] === picked));
      filters.set("busiest", row);
    },
  });
  filters.subscribe((/** @type {string} */ name) => {
    if (name === "busiest" && !filters.names.includes(name)) picked = null;
    const next = name === "busiest" ? {} : now();
    drawn.update({ ...next, picked: mark() });
  });
}
