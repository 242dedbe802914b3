// @ts-check
/** Land: coast lines as rings of points, and a map of the Earth with the share of land. */

import { OUTLINE } from "./land_outline.js";

/** @typedef {{wide: number, high: number, share: Uint8Array}} LandMap 0 to 255 for land, from 180 W and 90 N on */

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
const UNITS_PER_DEGREE = 10;

/**
 * Rings of longitude and latitude in degrees; longitudes go on past 180 where a ring crosses that meridian.
 * @param {string} [text] coded as benchmarks/land_outline.py says
 * @returns {[number, number][][]}
 */
export function coastLines(text = OUTLINE) {
  return text.split(".").map((ring) => {
    /** @type {number[]} */
    const steps = [];
    let [value, shift] = [0, 0];
    for (const character of ring) {
      const digit = DIGITS.indexOf(character);
      value += (digit & 31) << shift;
      shift += 5;
      if (digit & 32) continue;
      steps.push(value & 1 ? -((value + 1) >> 1) : value >> 1);
      [value, shift] = [0, 0];
    }
    let [x, y, last, turn] = [0, 0, 0, 0];
    return Array.from({ length: steps.length / 2 }, (_, k) => {
      [x, y] = [x + steps[2 * k], y + steps[2 * k + 1]];
      const longitude = x / UNITS_PER_DEGREE;
      if (k > 0 && Math.abs(longitude - last) > 180) turn -= 360 * Math.sign(longitude - last);
      last = longitude;
      return /** @type {[number, number]} */ ([longitude + turn, y / UNITS_PER_DEGREE]);
    });
  });
}

/**
 * Draw the map once, four pixels a degree.
 * @returns {LandMap}
 */
export function landMap() {
  const [wide, high] = [1440, 720];
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [wide, high];
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  ctx.beginPath();
  for (const ring of coastLines()) {
    const [first, last] = [ring[0], ring[ring.length - 1]];
    const pole = Math.abs(last[0] - first[0]) > 180 ? [[first[0] + 360, first[1]], [first[0] + 360, -90], [first[0], -90]] : [];
    for (const shift of [-360, 0, 360]) {
      [...ring, ...pole].forEach(([x, y], k) => ctx[k ? "lineTo" : "moveTo"]((x + shift + 180) * 4, (90 - y) * 4));
      ctx.closePath();
    }
  }
  ctx.fill("evenodd");
  const { data } = ctx.getImageData(0, 0, wide, high);
  const share = new Uint8Array(wide * high);
  for (let k = 0; k < share.length; k += 1) share[k] = data[4 * k + 3];
  return { wide, high, share };
}
