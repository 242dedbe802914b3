// @ts-check
/** Many points on a canvas: their places, their density as an image, and the one nearest to the pointer. */

import { css } from "./tones.js";

/**
 * @typedef {ArrayLike<number>} Numbers
 * @typedef {{rows: Int32Array, px: Float32Array, py: Float32Array}} Spots rows that have a place, and the places
 */

const CELL = 3; // CSS pixels
const REACH = 14;

/**
 * @param {{x: Numbers, y: Numbers}} columns
 * @param {import("./axes.js").Frame} plot
 * @param {Uint8Array | null} mask
 * @returns {Spots}
 */
export function places({ x, y }, plot, mask) {
  const most = x.length;
  const [rows, px, py] = [new Int32Array(most), new Float32Array(most), new Float32Array(most)];
  let count = 0;
  for (let row = 0; row < most; row += 1) {
    if (mask && !mask[row]) continue;
    const [atX, atY] = [plot.px(x[row]), plot.py(y[row])];
    if (!Number.isFinite(atX) || !Number.isFinite(atY)) continue;
    [rows[count], px[count], py[count]] = [row, atX, atY];
    count += 1;
  }
  return { rows: rows.subarray(0, count), px: px.subarray(0, count), py: py.subarray(0, count) };
}

/**
 * Draw the number of points in small cells on a logarithmic ramp, or in the cells of counts over all rows.
 * @param {CanvasRenderingContext2D} ctx
 * @param {import("./axes.js").Frame} plot
 * @param {Spots} spots
 * @param {import("./axes.js").Colours} colours
 * @param {{x: Numbers, y: Numbers, counts: Numbers} | null} all
 * @returns {number} greatest count
 */
export function density(ctx, { box, px, py }, spots, colours, all) {
  /** @type {Map<number, string>} */
  const tones = new Map();
  let most = 1;
  /** @param {number} count @returns {string} */
  const tone = (count) => {
    let made = tones.get(count);
    if (!made) tones.set(count, (made = css(colours.ramp(0.25 + (0.75 * Math.log(count)) / Math.log(Math.max(2, most))))));
    return made;
  };
  if (all) {
    const wide = all.x.length - 1;
    for (let i = 0; i < all.counts.length; i += 1) most = Math.max(most, all.counts[i]);
    for (let i = 0; i < all.counts.length; i += 1) {
      if (!all.counts[i]) continue;
      const [column, row] = [i % wide, Math.floor(i / wide)];
      const [left, top] = [Math.round(px(all.x[column])), Math.round(py(all.y[row + 1]))];
      ctx.fillStyle = tone(all.counts[i]);
      ctx.fillRect(left, top, Math.round(px(all.x[column + 1])) - left, Math.round(py(all.y[row])) - top);
    }
    return most;
  }
  const wide = Math.ceil(box.width / CELL) + 1;
  const counts = new Uint32Array(wide * (Math.ceil(box.height / CELL) + 1));
  for (let i = 0; i < spots.rows.length; i += 1) {
    const at = Math.floor((spots.py[i] - box.top) / CELL) * wide + Math.floor((spots.px[i] - box.left) / CELL);
    if (at >= 0 && at < counts.length) counts[at] += 1;
  }
  for (const count of counts) if (count > most) most = count;
  for (let i = 0; i < counts.length; i += 1) {
    if (!counts[i]) continue;
    ctx.fillStyle = tone(counts[i]);
    ctx.fillRect(box.left + (i % wide) * CELL, box.top + Math.floor(i / wide) * CELL, CELL, CELL);
  }
  return most;
}

/**
 * The point nearest to a place.
 * @param {Spots} spots
 * @param {number} x
 * @param {number} y
 * @returns {number} its index in the spots, -1 where none is near
 */
export function nearest({ rows, px, py }, x, y) {
  let [best, least] = [-1, REACH * REACH];
  for (let i = 0; i < rows.length; i += 1) {
    const distance = (px[i] - x) ** 2 + (py[i] - y) ** 2;
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}
