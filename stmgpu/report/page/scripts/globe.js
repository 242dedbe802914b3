// @ts-check
/** A globe to turn: land, equator, day and night, places of encounters, and the orbits of one event as ellipses. */

import { drawOrbit, drawLines, mark } from "./globe_lines.js";
import { figure } from "./figure.js";
import { paintEarth, paintPoints } from "./globe_image.js";
import { handle } from "./linked.js";
import { landMap } from "./land.js";
import { earthFixed, EARTH_RADIUS_KM, ellipse, siderealTime, sunDirection, turnedAboutAxis } from "./orbit.js";
import { element } from "./panel.js";
import { rgb } from "./tones.js";
import { dragged, hidden, seen, viewFrom } from "./view.js";

/**
 * @typedef {import("./orbit.js").Vector} Vector
 * @typedef {object} Scene one event
 * @property {number} time Unix time [s]
 * @property {{latitude: number, longitude: number, height: number} | null} place degrees and km
 * @property {{label: string, elements: import("./orbit.js").Elements}[]} orbits
 * @typedef {object} Globe
 * @property {Float32Array} [points] x, y and z of encounters in radii of the Earth, Earth-fixed
 * @property {Scene | null} scene
 * @property {() => import("./values.js").Values} values
 * @property {() => string[]} text of the read-out of the event
 * @property {import("./filters.js").Filters} [filters] of the points
 * @property {string} [name]
 */

const START = { latitude: 20, longitude: 0 };
const ASIDE = { latitude: 25, longitude: -28 }; // the encounter is seen from the side, so that orbits are ellipses
const STEP = 6; // degrees of a key
const TURN_MS = 350;
const AHEAD = 14; // steps of an ellipse between the encounter and its arrow

/** Colours of the Earth. @param {import("./axes.js").Colours} colours */
function paints(colours) {
  const [panel, text, blue] = [colours.panel, colours.text, colours.series[0]].map(rgb);
  const mixed = (/** @type {number[]} */ a, /** @type {number[]} */ b, /** @type {number} */ share) => a.map((part, k) => part + (b[k] - part) * share);
  const dark = panel[0] < 128;
  const night = dark ? [0.5, 0.5, 0.55] : [0.74, 0.76, 0.82];
  return { sea: mixed(panel, blue, dark ? 0.26 : 0.14), land: mixed(panel, text, dark ? 0.4 : 0.26), night, point: rgb(colours.series[0]) };
}

/**
 * @param {import("./figure.js").Place} place
 * @param {Globe} spec
 */
export function globe(place, spec) {
  const map = landMap();
  const canvas = document.createElement("canvas");
  let centre = { ...START };
  let zoom = 1;
  let moving = false;
  let radius = 100;
  let turning = 0;

  const home = () => {
    const at = spec.scene?.place;
    if (!at) return { ...START };
    const height = Math.max(ASIDE.latitude, 0.45 * Math.abs(at.latitude));
    return { latitude: at.latitude < 0 ? -height : height, longitude: at.longitude + ASIDE.longitude };
  };
  /** @param {{latitude: number, longitude: number}} next */
  const turnTo = (next) => {
    cancelAnimationFrame(turning);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const [from, begin] = [centre, performance.now()];
    const east = ((next.longitude - from.longitude + 540) % 360) - 180;
    const step = () => {
      const share = still ? 1 : Math.min(1, (performance.now() - begin) / TURN_MS);
      const eased = share * share * (3 - 2 * share);
      centre = { latitude: from.latitude + (next.latitude - from.latitude) * eased, longitude: from.longitude + east * eased };
      moving = share < 1;
      drawn.update();
      if (moving) turning = requestAnimationFrame(step);
    };
    step();
  };

  const drawn = figure(place, {
    label: () => `Globe with ${spec.scene ? "both orbits and the encounter" : "the encounters"}; arrow keys turn it, + and − zoom, 0 resets`,
    height: (width) => Math.min(width, 500),
    values: spec.values,
    ondrag(dx, dy, done) {
      cancelAnimationFrame(turning);
      moving = !done;
      centre = dragged(centre, dx, dy, radius);
      drawn.update();
    },
    onkey(key) {
      const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[key] ?? [0, 0];
      if (x || y) centre = dragged(centre, (-x * STEP * 60 * Math.PI) / 180, (y * STEP * 60 * Math.PI) / 180, 60);
      else if (key === "+" || key === "=") zoom = Math.min(16, zoom * 1.4);
      else if (key === "-" || key === "−") zoom = Math.max(0.5, zoom / 1.4);
      else if (key === "0") reset();
      else return false;
      drawn.update();
      return true;
    },
    draw(ctx, size, colours) {
      const { scene } = spec;
      const view = viewFrom(centre.latitude, centre.longitude);
      const angle = scene ? -siderealTime(scene.time) : 0;
      const orbits = (scene?.orbits ?? []).map(({ elements }) =>
        ellipse(elements, scene ? scene.time : 0).map((point) => seen(view, turnedAboutAxis(point, angle))),
      );
      const far = Math.max(1.12 * EARTH_RADIUS_KM, ...orbits.flat().map(([x, y, z]) => Math.hypot(x, y, z)));
      const half = Math.min(size.width, size.height) / 2;
      radius = Math.max(24, (zoom * 0.96 * half * EARTH_RADIUS_KM) / far);
      const [cx, cy] = [size.width / 2, size.height / 2];
      const screen = { cx, cy, scale: radius / EARTH_RADIUS_KM };
      const sun = scene ? turnedAboutAxis(sunDirection(scene.time), angle) : null;
      orbits.forEach((points, k) => drawOrbit(ctx, points, screen, colours, k, false));
      const ratio = moving ? 1 : ctx.getTransform().a;
      [canvas.width, canvas.height] = [Math.round(size.width * ratio), Math.round(size.height * ratio)];
      const inner = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      const image = inner.createImageData(canvas.width, canvas.height);
      const disc = { x: cx * ratio, y: cy * ratio, radius: radius * ratio };
      const paint = paints(colours);
      paintEarth(image, disc, view, sun, map, paint);
      if (spec.points) paintPoints(image, disc, view, spec.points, spec.filters?.passesOthers("") ?? null, paint.point);
      inner.putImageData(image, 0, 0);
      ctx.drawImage(canvas, 0, 0, size.width, size.height);
      drawLines(ctx, view, { cx, cy, radius }, colours);
      orbits.forEach((points, k) => drawOrbit(ctx, points, screen, colours, k, true));
      const at = scene?.place ? seen(view, earthFixed(scene.place.latitude, scene.place.longitude, scene.place.height)) : null;
      const behind = at ? hidden(at, EARTH_RADIUS_KM) : true;
      const spot = at ? [cx + at[0] * screen.scale, cy - at[1] * screen.scale] : [-99, -99];
      if (at) mark(ctx, spot, orbits, at, screen, colours, behind, AHEAD);
      return {
        frame: { box: { left: 0, top: 0, ...size }, x: {}, y: {}, px: (value) => value, py: (value) => value, title: 0 },
        count: at ? 1 : 0,
        pick: (x, y) => (at && Math.hypot(x - spot[0], y - spot[1]) < 14 ? 0 : -1),
        box: () => [...spot, 0, 0],
        text: () => [...spec.text(), ...(behind ? ["behind the Earth"] : [])],
      };
    },
  });
  const reset = () => {
    zoom = 1;
    turnTo(home());
  };
  /** @param {string} text @param {string} label @param {() => void} onclick */
  const button = (text, label, onclick) => element("button", { type: "button", title: label, "aria-label": label, onclick }, text);
  const change = (/** @type {number} */ factor) => {
    zoom = Math.min(16, Math.max(0.5, zoom * factor));
    drawn.update();
  };
  place.figure.append(
    element("div", { className: "figure-buttons" }, button("+", "Zoom in", () => change(1.4)), button("−", "Zoom out", () => change(1 / 1.4)), button("Reset", "Reset the globe", reset)),
  );
  const parts = handle(drawn, spec);
  centre = home();
  return {
    ...parts,
    update(/** @type {Partial<Globe>} */ next = {}) {
      parts.update(next);
      if ("scene" in next) turnTo(home());
    },
  };
}
