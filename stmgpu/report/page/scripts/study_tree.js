// @ts-check
/** A family of breakups as a tree over the years, and as a list. */
import { element } from "./panel.js";
import { spoken } from "./study_table.js";

/**
 * @typedef {{object: string, class: string, mass: number|null}} Member
 * @typedef {{year: number, type: string, altitude: number|null, fragments: number|null, generation: number,
 *   descendants: number, parents: number[], objects: Member[]}} Breakup
 * @typedef {{run: number, size: number, events: Breakup[]}} Family
 */

const NAMESPACE = "http://www.w3.org/2000/svg";
const ROW = 26, LEFT = 16, RIGHT = 250, WIDTH = 900, TOP = 8, AXIS = 30;

/** @param {string} tag @param {Record<string, string|number>} attributes @param {(Node|string)[]} children */
function svg(tag, attributes, ...children) {
  const made = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/** Children of each breakup under its first parent. @param {Breakup[]} events @returns {number[][]} */
function children(events) {
  /** @type {number[][]} */
  const found = events.map(() => []);
  events.forEach(({ parents }, k) => parents.length && found[parents[0]].push(k));
  return found;
}

/** Breakups in the order of the drawing, each below what it follows from. @param {Breakup[]} events */
function order(events) {
  const below = children(events);
  /** @type {number[]} */
  const found = [];
  /** @type {number[]} */
  const waiting = events.flatMap(({ parents }, k) => (parents.length ? [] : [k])).reverse();
  while (waiting.length) {
    const k = /** @type {number} */ (waiting.pop());
    found.push(k);
    waiting.push(...below[k].slice().reverse());
  }
  return found;
}

/** @param {Breakup} event */
function told({ type, year, altitude, fragments, objects }) {
  const who = objects.map((one) => `${one.object} (${one.class}, ${spoken(one.mass)} kg)`).join(" and ");
  return `${year.toFixed(1)}: ${type} at ${spoken(altitude)} km, ${spoken(fragments)} fragments; ${who}`;
}

/** Mark of a kind of breakup: disc, ring or square. @param {string} type @param {number} x @param {number} y */
function mark(type, x, y) {
  if (type === "explosion") return svg("rect", { x: x - 5, y: y - 5, width: 10, height: 10, class: "explosion" });
  return svg("circle", { cx: x, cy: y, r: 5.5, class: type.startsWith("catastrophic") ? "catastrophic" : "cratering" });
}

/** Round years for the axis. @param {number} low @param {number} high */
function ticks(low, high) {
  const step = [1, 2, 5, 10, 20, 50, 100].find((each) => (high - low) / each <= 9) ?? 200;
  const found = [];
  for (let year = Math.ceil(low / step) * step; year <= high; year += step) found.push(year);
  return found;
}

/** @param {Family} family @returns {SVGElement} */
export function familyTree({ events, run, size }) {
  const rows = order(events);
  const place = new Map(rows.map((k, row) => [k, TOP + row * ROW + ROW / 2]));
  const years = events.map(({ year }) => year);
  const [low, high] = [Math.floor(Math.min(...years)), Math.ceil(Math.max(...years) + 1e-9)];
  const x = (/** @type {number} */ year) => LEFT + ((year - low) / Math.max(high - low, 1)) * (WIDTH - LEFT - RIGHT);
  const y = (/** @type {number} */ k) => /** @type {number} */ (place.get(k));
  const height = TOP + rows.length * ROW + AXIS;
  const made = svg("svg", {
    viewBox: `0 0 ${WIDTH} ${height}`, role: "img",
    "aria-label": `Family of ${size} breakups of run ${run}, over the years; the list of values below names each`,
  });
  for (const year of ticks(low, high)) {
    made.append(
      svg("line", { x1: x(year), x2: x(year), y1: TOP, y2: height - AXIS + 4, class: "grid" }),
      svg("text", { x: x(year), y: height - 8, class: "tick", "text-anchor": "middle" }, String(year)),
    );
  }
  events.forEach(({ parents, year }, k) => {
    parents.forEach((from, n) => {
      const [fromX, toX] = [x(events[from].year), x(year)];
      const path = `M ${fromX} ${y(from)} V ${y(k) - 8} Q ${fromX} ${y(k)} ${Math.min(fromX + 8, toX)} ${y(k)} H ${toX}`;
      made.append(svg("path", { d: path, class: n ? "edge second" : "edge" }));
    });
  });
  events.forEach((event, k) => {
    const label = `${event.year.toFixed(1)}, ${spoken(event.altitude)} km, ${spoken(event.fragments)} fragments`;
    made.append(
      svg("g", { class: "breakup" }, svg("title", {}, told(event)), mark(event.type, x(event.year), y(k)),
        svg("text", { x: x(event.year) + 12, y: y(k) + 4 }, label)),
    );
  });
  return made;
}

/** The same as nested lists. @param {Family} family */
export function familyList({ events, size }) {
  const below = children(events);
  /** @param {number} k @returns {HTMLLIElement} */
  const item = (k) => {
    const others = events[k].parents.slice(1).map((p) => events[p].year.toFixed(1));
    const also = others.length ? `; also from the breakup of ${others.join(" and ")}` : "";
    return element("li", {}, told(events[k]) + also, ...(below[k].length ? [element("ul", {}, ...below[k].map(item))] : []));
  };
  const roots = events.flatMap(({ parents }, k) => (parents.length ? [] : [k]));
  const more = size > events.length ? [element("p", { className: "note" }, `The first ${events.length} of ${size} breakups.`)] : [];
  return element("div", { className: "study-family" }, element("ul", {}, ...roots.map(item)), ...more);
}
