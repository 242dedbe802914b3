// @ts-check
/** Lines over the globe: coasts, the equator, orbits in front and behind, and the place of an encounter. */

import { coastLines } from "./land.js";
import { DASHES } from "./legend.js";
import { EARTH_RADIUS_KM } from "./orbit.js";
import { hidden } from "./view.js";

/**
 * @typedef {import("./orbit.js").Vector} Vector
 * @typedef {import("./axes.js").Colours} Colours
 * @typedef {{cx: number, cy: number, scale: number}} Screen pixels, and pixels in a km
 */

/** @param {number} longitude @param {number} latitude @returns {Vector} */
function unit(longitude, latitude) {
  const [phi, lambda] = [(latitude * Math.PI) / 180, (longitude * Math.PI) / 180];
  return [Math.cos(phi) * Math.cos(lambda), Math.cos(phi) * Math.sin(lambda), Math.sin(phi)];
}

const COASTS = coastLines().map((ring) => [...ring, ring[0]].map(([x, y]) => unit(x, y)));
const EQUATOR = Array.from({ length: 181 }, (_, k) => unit(2 * k, 0));

/**
 * Coast lines and the equator on the near side, and the rim.
 * @param {CanvasRenderingContext2D} ctx
 * @param {import("./view.js").View} view
 * @param {{cx: number, cy: number, radius: number}} disc
 * @param {Colours} colours
 */
export function drawLines(ctx, { right, up, toward }, { cx, cy, radius }, colours) {
  const trace = (/** @type {Vector[]} */ line) => {
    let drawing = false;
    for (const [x, y, z] of line) {
      const near = x * toward[0] + y * toward[1] + z * toward[2] > 0;
      const u = cx + (x * right[0] + y * right[1] + z * right[2]) * radius;
      const v = cy - (x * up[0] + y * up[1] + z * up[2]) * radius;
      if (near && drawing) ctx.lineTo(u, v);
      else if (near) ctx.moveTo(u, v);
      drawing = near;
    }
  };
  ctx.strokeStyle = colours.muted;
  ctx.lineJoin = "round";
  ctx.lineWidth = 0.8;
  ctx.beginPath();
  COASTS.forEach(trace);
  ctx.stroke();
  ctx.beginPath();
  ctx.arc(cx, cy, radius, 0, 2 * Math.PI);
  ctx.stroke();
  ctx.setLineDash([4, 4]);
  ctx.lineWidth = 1;
  ctx.beginPath();
  trace(EQUATOR);
  ctx.stroke();
  ctx.setLineDash([]);
}

/**
 * The part of an orbit before or behind the plane of the picture.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Vector[]} points in the axes of the view, km
 * @param {Screen} screen
 * @param {Colours} colours
 * @param {number} k number of the orbit: its colour and dash
 * @param {boolean} front
 */
export function drawOrbit(ctx, points, { cx, cy, scale }, colours, k, front) {
  ctx.strokeStyle = colours.series[k];
  ctx.globalAlpha = front ? 1 : 0.5;
  ctx.lineWidth = front ? 2.2 : 1.4;
  ctx.setLineDash(DASHES[k]);
  ctx.beginPath();
  for (let i = 1; i < points.length; i += 1) {
    const [a, b] = [points[i - 1], points[i]];
    if (a[2] + b[2] > 0 !== front) continue;
    if (i === 1 || points[i - 2][2] + a[2] > 0 !== front) ctx.moveTo(cx + a[0] * scale, cy - a[1] * scale);
    ctx.lineTo(cx + b[0] * scale, cy - b[1] * scale);
  }
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.globalAlpha = 1;
}

/**
 * The place of the encounter, and the way that each object goes on from there.
 * @param {CanvasRenderingContext2D} ctx
 * @param {number[]} spot in pixels
 * @param {Vector[][]} orbits in the axes of the view, km
 * @param {Vector} at the place, km
 * @param {Screen} screen
 * @param {Colours} colours
 * @param {boolean} behind the Earth
 * @param {number} ahead points of the orbit from there to its arrow
 */
export function mark(ctx, [x, y], orbits, at, { cx, cy, scale }, colours, behind, ahead) {
  orbits.forEach((points, k) => {
    let [best, least] = [0, Infinity];
    points.forEach((point, i) => {
      const distance = (point[0] - at[0]) ** 2 + (point[1] - at[1]) ** 2 + (point[2] - at[2]) ** 2;
      if (distance < least) [best, least] = [i, distance];
    });
    const [tail, tip] = [1, 0].map((back) => points[(best + ahead - back) % (points.length - 1)]);
    if (hidden(tip, EARTH_RADIUS_KM)) return;
    const way = Math.atan2(-(tip[1] - tail[1]), tip[0] - tail[0]);
    ctx.save();
    ctx.translate(cx + tip[0] * scale, cy - tip[1] * scale);
    ctx.rotate(way);
    ctx.fillStyle = colours.series[k];
    ctx.beginPath();
    ctx.moveTo(7, 0);
    ctx.lineTo(-6, 5.5);
    ctx.lineTo(-6, -5.5);
    ctx.fill();
    ctx.restore();
  });
  ctx.setLineDash(behind ? [2, 2] : []);
  for (const [colour, width] of [[colours.panel, 5], [colours.text, 2]]) {
    ctx.strokeStyle = /** @type {string} */ (colour);
    ctx.lineWidth = /** @type {number} */ (width);
    ctx.beginPath();
    ctx.arc(x, y, 7, 0, 2 * Math.PI);
    ctx.moveTo(x - 12, y);
    ctx.lineTo(x - 4, y);
    ctx.moveTo(x + 4, y);
    ctx.lineTo(x + 12, y);
    ctx.stroke();
  }
  ctx.setLineDash([]);
}
