// @ts-check
/** The frame of a figure: margins measured from its labels, grid, ticks that never overlap, titles with units. */

import { cut } from "./labels.js";

/**
 * @typedef {import("./scale.js").Scale} Scale
 * @typedef {import("./scale.js").Tick} Tick
 * @typedef {{left: number, top: number, width: number, height: number}} Box
 * @typedef {{text: string, muted: string, grid: string, background: string, panel: string, accent: string,
 *   series: string[], ramp: (share: number) => number[]}} Colours
 * @typedef {object} Axis
 * @property {string} [label] title with unit
 * @property {Scale} [scale] of numbers
 * @property {string[]} [bands] or labels of equal bands, first at the left or at the top
 * @typedef {object} Frame
 * @property {Box} box of the data
 * @property {Axis} x
 * @property {Axis} y
 * @property {(value: number) => number} px
 * @property {(value: number) => number} py
 * @property {number} title height of the line with the title of the y axis
 */

export const LINE = 16;
const GAP = 8;
const MOST = 9; // ticks of an axis

/** @param {CanvasRenderingContext2D} ctx @returns {(text: string) => number} */
export function ruler(ctx) {
  return (text) => ctx.measureText(text).width;
}

/**
 * Ticks of an axis along a length in pixels, as many as fit without touching.
 * @param {Axis} axis
 * @param {number} length
 * @param {(label: string) => number} size of a label along the axis
 * @returns {Tick[]}
 */
export function fittingTicks(axis, length, size) {
  if (axis.bands) {
    const every = Math.max(1, Math.ceil(LINE / (length / Math.max(1, axis.bands.length))));
    return axis.bands.map((label, value) => ({ value, label })).filter(({ value }) => value % every === 0);
  }
  const scale = /** @type {Scale} */ (axis.scale);
  for (let most = Math.max(2, Math.min(MOST, Math.floor(length / 40))); most > 1; most -= 1) {
    const ticks = scale.ticks(most);
    const ends = ticks.map(({ value, label }) => [scale.place(value) * length, size(label) / 2]);
    if (ends.every(([at, half], i) => i === 0 || at - half - ends[i - 1][0] - ends[i - 1][1] >= GAP)) return ticks;
  }
  return scale.ticks(1).slice(0, 1);
}

/** @param {Axis} axis @returns {(value: number) => number} */
function placing(axis) {
  const bands = axis.bands;
  return bands ? (value) => (value + 0.5) / bands.length : /** @type {Scale} */ (axis.scale).place;
}

/**
 * Lay out a figure: the box that labels and titles leave for the data.
 * @param {CanvasRenderingContext2D} ctx with its font set
 * @param {{width: number, height: number}} size of the canvas in CSS pixels
 * @param {Axis} x
 * @param {Axis} y
 * @param {{top?: number, right?: number}} [room] further margins
 * @returns {Frame}
 */
export function frame(ctx, size, x, y, room = {}) {
  const measure = ruler(ctx);
  const title = y.label ? LINE + 10 : 8;
  const top = title + (room.top ?? 0);
  const height = Math.max(20, size.height - top - LINE - 6 - (x.label ? LINE + 4 : 0));
  const labels = fittingTicks(y, height, () => LINE - 4).map(({ label }) => label);
  const widest = Math.min(Math.max(12, ...labels.map(measure)), size.width * (y.bands ? 0.4 : 0.3));
  const left = Math.ceil(widest) + 10;
  const width = Math.max(20, size.width - left - (room.right ?? 14));
  const box = { left, top, width, height };
  const [placeX, placeY] = [placing(x), placing(y)];
  const down = Boolean(y.bands);
  return {
    box,
    x,
    y,
    title,
    px: (value) => left + placeX(value) * width,
    py: (value) => top + (down ? placeY(value) : 1 - placeY(value)) * height,
  };
}

/** A line on whole device pixels. @param {CanvasRenderingContext2D} ctx @param {number[]} points x1, y1, x2, y2 */
export function crispLine(ctx, [x1, y1, x2, y2]) {
  ctx.beginPath();
  ctx.moveTo(Math.round(x1) + 0.5, Math.round(y1) + 0.5);
  ctx.lineTo(Math.round(x2) + 0.5, Math.round(y2) + 0.5);
  ctx.stroke();
}

/**
 * Draw grid, ticks and titles.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Frame} plot
 * @param {Colours} colours
 * @param {{grid?: "x" | "y" | "both" | "none"}} [options]
 */
export function drawAxes(ctx, plot, colours, { grid = "both" } = {}) {
  const { box, x, y, px, py } = plot;
  const measure = ruler(ctx);
  const bottom = box.top + box.height;
  ctx.lineWidth = 1;
  ctx.textBaseline = "middle";
  ctx.textAlign = "right";
  for (const { value, label } of fittingTicks(y, box.height, () => LINE - 4)) {
    const at = py(value);
    ctx.strokeStyle = colours.grid;
    if (!y.bands && (grid === "y" || grid === "both")) crispLine(ctx, [box.left, at, box.left + box.width, at]);
    ctx.fillStyle = y.bands ? colours.text : colours.muted;
    ctx.fillText(cut(label, box.left - 8, measure), box.left - 7, at);
  }
  ctx.textBaseline = "top";
  ctx.textAlign = "center";
  const ticks = fittingTicks(x, box.width, measure);
  const share = x.bands ? box.width / x.bands.length - 4 : Infinity;
  for (const { value, label } of ticks) {
    const at = px(value);
    ctx.strokeStyle = colours.grid;
    if (!x.bands && (grid === "x" || grid === "both")) crispLine(ctx, [at, box.top, at, bottom]);
    if (!x.bands) crispLine(ctx, [at, bottom, at, bottom + 4]);
    ctx.fillStyle = x.bands ? colours.text : colours.muted;
    const shown = cut(label, share, measure);
    const half = measure(shown) / 2;
    const canvas = box.left + box.width + 12;
    ctx.fillText(shown, Math.min(Math.max(at, half), canvas - half), bottom + 7);
  }
  ctx.strokeStyle = colours.muted;
  if (x.scale || x.bands?.length) crispLine(ctx, [box.left, bottom, box.left + box.width, bottom]);
  ctx.fillStyle = colours.text;
  if (x.label) {
    const [label, right] = [cut(x.label, box.left + box.width, measure), box.left + box.width + 12];
    const half = measure(label) / 2;
    ctx.fillText(label, Math.max(Math.min(box.left + box.width / 2, right - half), half), bottom + LINE + 9);
  }
  ctx.textAlign = "left";
  if (y.label) ctx.fillText(y.label, 0, 2);
}
