// @ts-check
/** Names of lines: at their ends where there is room, else in rows above the figure. */

import { LINE, ruler } from "./axes.js";

export const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3], [14, 5], [5, 2, 2, 2, 2, 2], [3, 6], [12, 2, 4, 2]];

/**
 * Heights of labels moved apart so that none touches another and all stay inside.
 * @param {number[]} wanted
 * @param {number} gap
 * @param {number} low
 * @param {number} high
 * @returns {number[]}
 */
export function spread(wanted, gap, low, high) {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b]);
  const heights = wanted.map((at) => Math.min(high, Math.max(low, at)));
  order.forEach((i, k) => {
    if (k > 0) heights[i] = Math.max(heights[i], heights[order[k - 1]] + gap);
  });
  let limit = high;
  for (const i of order.reverse()) {
    heights[i] = Math.min(heights[i], limit);
    limit = heights[i] - gap;
  }
  return heights;
}

/**
 * @typedef {{label: string, k: number, points: boolean}} Named a name and the number of its series
 * @typedef {{text: string, muted: string, series: string[]}} Inks
 * @typedef {{box: import("./axes.js").Box, ends: number[][]}} Ends last place of each line in pixels, NaN for none
 */

/**
 * Lay out the names of lines.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Named[]} names
 * @param {number} width of the canvas
 * @returns {{top: number, right: number, draw: (colours: Inks, top: number, ends: Ends) => void}}
 */
export function legend(ctx, names, width) {
  const measure = ruler(ctx);
  const widths = names.map(({ label }) => measure(label));
  const most = Math.max(0, ...widths);
  if (!names.length) return { top: 0, right: 14, draw: () => undefined };
  /** @param {Inks} colours @param {number} k @param {boolean} points @param {number[]} from x1, y1, x2, y2 */
  const sample = (colours, k, points, [x1, y1, x2, y2]) => {
    ctx.strokeStyle = colours.series[k % colours.series.length];
    ctx.setLineDash(points ? [] : DASHES[k % DASHES.length]);
    ctx.lineWidth = 2;
    ctx.beginPath();
    if (points) ctx.arc((x1 + x2) / 2, y1, 3, 0, 2 * Math.PI);
    else {
      ctx.moveTo(x1, y1);
      ctx.lineTo(x2, y2);
    }
    ctx.stroke();
    ctx.setLineDash([]);
  };
  if (most + 28 <= width * 0.36) {
    return {
      top: 0,
      right: most + 28,
      draw(colours, _, { box, ends }) {
        const edge = box.left + box.width;
        const wanted = ends.map(([, y]) => (Number.isFinite(y) ? y : box.top));
        const heights = spread(wanted, LINE, box.top + 4, box.top + box.height - 4);
        ctx.textAlign = "left";
        ctx.textBaseline = "middle";
        names.forEach(({ label, k, points }, i) => {
          ctx.strokeStyle = colours.series[k % colours.series.length];
          ctx.lineWidth = 1;
          ctx.beginPath();
          ctx.moveTo(points || !Number.isFinite(ends[i][0]) ? edge + 5 : ends[i][0], wanted[i]);
          ctx.lineTo(edge + 16, heights[i]);
          ctx.stroke();
          ctx.fillStyle = colours.text;
          ctx.fillText(label, edge + 20, heights[i]);
        });
      },
    };
  }
  /** @type {number[][]} */
  const spots = [];
  let [x, row] = [0, 0];
  for (const each of widths) {
    if (x > 0 && x + each + 40 > width) [x, row] = [0, row + 1];
    spots.push([x, row]);
    x += each + 56;
  }
  return {
    top: (row + 1) * LINE + 6,
    right: 14,
    draw(colours, top) {
      ctx.textAlign = "left";
      ctx.textBaseline = "middle";
      names.forEach(({ label, k, points }, i) => {
        const [left, line] = spots[i];
        const y = top + line * LINE + 6;
        sample(colours, k, points, [left, y, left + 30, y]);
        ctx.fillStyle = colours.text;
        ctx.fillText(label, left + 36, y);
      });
    },
  };
}
