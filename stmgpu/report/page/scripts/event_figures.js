// @ts-check
/** Figures of the selected event: both orbits on the globe, the miss in RTN, and its uncertainty where it is known. */

import { encounter } from "./encounter.js";
import { globe } from "./globe.js";
import { instant, number } from "./labels.js";
import { pairNames } from "./names.js";
import { earthFixed, EARTH_RADIUS_KM, semiMajorAxis, turned } from "./orbit.js";
import { element, panel } from "./panel.js";

/**
 * @typedef {import("./columns.js").Columns} Columns
 * @typedef {import("./orbit.js").Elements} Elements
 * @typedef {{doc: any, columns: Columns, filters: import("./filters.js").Filters,
 *   selection: import("./selection.js").Selection}} Page
 */

const SIDES = ["primary", "secondary"];

/**
 * Elements of an object of a row.
 * @param {Columns} columns
 * @param {string} who
 * @param {number} row
 * @returns {Elements | null} null where they are not known
 */
function elementsOf(columns, who, row) {
  const at = columns.get(`${who}_object`)[row];
  const value = (/** @type {string} */ name) => columns.get(`object_${name}`)?.[at] ?? NaN;
  const elements = {
    epoch: value("epoch"), meanMotion: value("mean_motion"), eccentricity: value("eccentricity"),
    inclination: value("inclination"), raan: value("raan"), argp: value("argp"),
  };
  return Object.values(elements).every(Number.isFinite) && elements.meanMotion > 0 ? elements : null;
}

/** Places of all encounters in radii of the Earth. @param {Columns} columns @returns {Float32Array | undefined} */
function encounterPoints(columns) {
  const [latitude, longitude, altitude] = ["latitude", "longitude", "altitude"].map((name) => columns.get(name));
  if (!latitude || !longitude || !altitude) return undefined;
  const points = new Float32Array(3 * latitude.length);
  for (let row = 0; row < latitude.length; row += 1) {
    points.set(earthFixed(latitude[row], longitude[row], altitude[row]).map((part) => part / EARTH_RADIUS_KM), 3 * row);
  }
  return points;
}

/** @param {Page} page @param {number} row @param {string[]} names @returns {import("./values.js").Values} */
function orbitValues({ columns }, row, names) {
  const tca = columns.get("tca")[row];
  const degrees = (/** @type {number} */ angle) => number((((angle * 180) / Math.PI) % 360 + 360) % 360);
  const all = SIDES.map((who) => elementsOf(columns, who, row));
  /** @param {string} name @param {(elements: Elements) => string} of @returns {string[]} */
  const line = (name, of) => [name, ...all.map((elements) => (elements ? of(elements) : "unknown"))];
  const height = (/** @type {number} */ sign) => (/** @type {Elements} */ one) =>
    number(semiMajorAxis(one.meanMotion) * (1 + sign * one.eccentricity) - EARTH_RADIUS_KM);
  const place = ["latitude", "longitude", "altitude"].map((name) => columns.get(name)?.[row] ?? NaN);
  return {
    head: ["", ...names],
    rows: [
      line("height of perigee (km)", height(-1)),
      line("height of apogee (km)", height(1)),
      line("inclination (°)", ({ inclination }) => degrees(inclination)),
      line("node at the encounter (°)", (one) => degrees(turned(one, tca).raan)),
      line("argument of perigee at the encounter (°)", (one) => degrees(turned(one, tca).argp)),
      line("epoch of the elements (UTC)", ({ epoch }) => instant(epoch)),
    ],
    note: `Encounter at ${instant(tca)} UTC: latitude ${number(place[0])}°, longitude ${number(place[1])}°, altitude ${number(place[2])} km.`,
  };
}

/**
 * @param {HTMLElement} parent
 * @param {Page} page
 */
export function eventFigures(parent, page) {
  const { doc, columns, filters, selection } = page;
  if (doc.rows === 0) return;
  const named = pairNames(columns);
  const names = (/** @type {number | null} */ row) => (row === null ? SIDES : named(row));
  const sceneOf = (/** @type {number | null} */ row) => {
    if (row === null) return null;
    const [latitude, longitude, height] = ["latitude", "longitude", "altitude"].map((name) => columns.get(name)?.[row] ?? NaN);
    const orbits = SIDES.map((who, k) => ({ label: names(row)[k], elements: elementsOf(columns, who, row) }));
    return {
      time: columns.get("tca")[row],
      place: Number.isFinite(latitude + longitude + height) ? { latitude, longitude, height } : null,
      orbits: /** @type {{label: string, elements: Elements}[]} */ (orbits.filter(({ elements }) => elements)),
    };
  };
  const text = () => {
    const row = selection.row;
    return row === null ? [] : [named(row).join(" and "), `${instant(columns.get("tca")[row])} UTC`, `miss ${number(columns.get("miss_distance")[row])} km`];
  };
  const caption = element("p", { className: "figure-note" });
  const where = panel(parent, { id: "globe", title: "Both orbits and the encounter" });
  const ball = globe(where, {
    points: encounterPoints(columns), scene: sceneOf(selection.row), filters, name: "globe", text,
    values: () => (selection.row === null ? { head: [""], rows: [], note: "No conjunction is selected." } : orbitValues(page, selection.row, names(selection.row))),
  });
  where.figure.append(caption);
  const note = `The dashed circle is the threshold, ${number(doc.threshold_km)} km. Disc: primary, square: secondary.`;
  const miss = panel(parent, { id: "encounter", title: "Miss in the primary's RTN frame", note });
  const planes = encounter(miss, { planes: rtnPlanes(page, 0), views: rtnViews(page, 0), text: [] });
  const spread = columns.get("sigma_major") ? panel(parent, { id: "encounter_plane", title: "Encounter plane" }) : null;
  const plane = spread && encounter(spread, { planes: [uncertainty(page, 0)], views: spreadViews(uncertainty(page, 0)), text: [] });
  /** @param {number | null} row */
  const show = (row) => {
    const scene = sceneOf(row);
    ball.update({ scene });
    const orbits = scene?.orbits.length
      ? `${names(row)[0]}: solid, ${names(row)[1]}: dashed; ellipses drawn from the elements, with node and perigee moved by J2 to the encounter. The Earth, its day and night are those of that time.`
      : "No elements of these objects are on this page: no orbits are drawn.";
    caption.textContent = row === null ? "Points are the encounters of the rows shown." : `${orbits} Points are the encounters of the rows shown.`;
    if (row === null) return;
    const value = (/** @type {string} */ name) => columns.get(name)?.[row] ?? NaN;
    const distance = value("miss_distance");
    const words = [`Miss distance (km): ${number(distance)}`, `Relative speed (km/s): ${number(value("relative_speed"))}`];
    planes.update({ planes: rtnPlanes(page, row), views: rtnViews(page, row), text: words });
    if (!plane) return;
    const seen = uncertainty(page, row);
    const known = Number.isFinite(seen.sigma.x);
    const chance = [`Collision probability: ${number(value("pc"), 3)}`, `Combined hard-body radius (m): ${number(value("hard_body_radius"), 3)}`];
    plane.update({ planes: [seen], text: known ? chance : ["Covariance: unknown"], views: spreadViews(seen) });
    /** @type {HTMLElement} */ (spread?.section).querySelector(".figure-caption")?.remove();
    spread?.figure.append(element("p", { className: "figure-note figure-caption" }, known ? `${chance.join("; ")}. Ellipses of 1, 2 and 3 standard deviations around the miss; the dashed circle is the hard body.` : "The covariance of this pair is not known."));
  };
  selection.subscribe(show);
  show(selection.row);
}

/** @param {Page} page @param {number} row @returns {import("./encounter.js").Plane[]} */
function rtnPlanes({ doc, columns }, row) {
  const [radial, transverse, normal] = ["radial", "transverse", "normal"].map((name) => columns.get(`miss_${name}`)[row]);
  const circle = doc.threshold_km;
  return [
    { xLabel: "transverse (km)", yLabel: "radial (km)", x: transverse, y: radial, circle },
    { xLabel: "normal (km)", yLabel: "radial (km)", x: normal, y: radial, circle },
  ];
}

/** @param {Page} page @param {number} row @returns {Record<string, import("./encounter.js").Reach>} */
function rtnViews({ doc, columns }, row) {
  const [distance, circle] = [1.5 * columns.get("miss_distance")[row], 1.1 * doc.threshold_km];
  return { "Miss": { x: distance, y: distance }, "Threshold": { x: circle, y: circle } };
}

/** @param {ReturnType<typeof uncertainty>} plane @returns {Record<string, import("./encounter.js").Reach>} */
function spreadViews({ x, y, circle, sigma }) {
  const known = Number.isFinite(sigma.x);
  const near = 1.5 * Math.max(Math.hypot(x, y), circle || 0, 1);
  const far = known ? { x: 1.1 * (Math.abs(x) + 3 * sigma.x), y: 1.1 * (Math.abs(y) + 3 * sigma.y) } : { x: near, y: near };
  return { "Uncertainty": far, "Miss": { x: near, y: near } };
}

/** @param {Page} page @param {number} row */
function uncertainty({ columns }, row) {
  const value = (/** @type {string} */ name) => columns.get(name)?.[row] ?? NaN;
  const sigma = { x: value("sigma_major"), y: value("sigma_minor") };
  return {
    xLabel: "major axis of the encounter plane (m)", yLabel: "minor axis (m)", x: value("miss_major"), y: value("miss_minor"),
    circle: value("hard_body_radius"), sigma,
  };
}
