// @ts-check
/** A symmetric table of counts as its lower triangle, each column named where it meets its row on the diagonal. */

import { ruler } from "./axes.js";
import { triangle } from "./bins.js";
import { figure } from "./figure.js";
import { cut, number, short } from "./labels.js";
import { handle } from "./linked.js";
import { extent, scale } from "./scale.js";
import { css, ink } from "./tones.js";

/**
 * @typedef {object} Matrix
 * @property {string[]} labels
 * @property {ArrayLike<number>} values symmetric, row by row
 * @property {string} valueLabel
 * @property {(row: number, column: number) => void} [onpick]
 * @property {[number, number] | null} [picked]
 */

/**
 * @param {import("./figure.js").Place} place
 * @param {Matrix} spec
 */
export function matrix(place, spec) {
  const cells = () => triangle(spec.labels.length);
  const at = (/** @type {number[]} */ [row, column]) => spec.values[row * spec.labels.length + column];
  const named = (/** @type {number[]} */ [row, column]) =>
    row === column ? `among ${spec.labels[row]}` : `${spec.labels[row]} and ${spec.labels[column]}`;
  const widest = (/** @type {CanvasRenderingContext2D} */ ctx) => Math.max(0, ...spec.labels.map(ruler(ctx)));
  const side = (/** @type {number} */ width, /** @type {CanvasRenderingContext2D} */ ctx) =>
    Math.max(16, Math.min(46, (width - Math.min(widest(ctx), width * 0.4) - 12) / Math.max(1, spec.labels.length)));
  const drawn = figure(place, {
    label: () => `${spec.valueLabel} between ${spec.labels.join(", ")}`,
    height: (width, ctx) => Math.min(34, side(width, ctx)) * Math.max(1, spec.labels.length) + 30,
    onpick: spec.onpick && ((i) => spec.onpick?.(cells()[i][0], cells()[i][1])),
    draw(ctx, size, colours) {
      const measure = ruler(ctx);
      const wide = side(size.width, ctx);
      const high = Math.min(34, wide);
      const top = 24;
      const [least, most] = extent([spec.values], "log");
      const tone = scale("log", least, most);
      ctx.textBaseline = "top";
      ctx.fillStyle = colours.text;
      ctx.textAlign = "left";
      ctx.fillText(spec.valueLabel, 0, 2);
      ctx.textBaseline = "middle";
      for (const [row, column] of cells()) {
        const [left, upper] = [column * wide, top + row * high];
        const value = at([row, column]);
        const colour = value > 0 ? colours.ramp(most > least ? 0.08 + 0.92 * tone.place(value) : 0.5) : null;
        ctx.fillStyle = colour ? css(colour) : colours.grid;
        ctx.globalAlpha = colour ? 1 : 0.4;
        ctx.fillRect(left + 0.5, upper + 0.5, wide - 1, high - 1);
        ctx.globalAlpha = 1;
        const text = short(value);
        if (measure(text) + 2 <= wide) {
          ctx.fillStyle = colour ? ink(colour) : colours.muted;
          ctx.textAlign = "center";
          ctx.fillText(text, left + wide / 2, upper + high / 2 + 0.5);
        }
        if (spec.picked && spec.picked[0] === row && spec.picked[1] === column) {
          ctx.strokeStyle = colours.accent;
          ctx.lineWidth = 3;
          ctx.strokeRect(left + 1.5, upper + 1.5, wide - 3, high - 3);
        }
        if (row === column) {
          ctx.fillStyle = colours.text;
          ctx.textAlign = "left";
          ctx.fillText(cut(spec.labels[row], size.width - left - wide - 8, measure), left + wide + 7, upper + high / 2 + 0.5);
        }
      }
      const n = spec.labels.length;
      const box = { left: 0, top, width: n * wide, height: n * high };
      return {
        frame: { box, x: {}, y: {}, px: (value) => value, py: (value) => value, title: 0 },
        count: cells().length,
        pick(x, y) {
          const [row, column] = [Math.floor((y - top) / high), Math.floor(x / wide)];
          return row >= 0 && row < n && column >= 0 && column <= row ? (row * (row + 1)) / 2 + column : -1;
        },
        box: (i) => [cells()[i][1] * wide, top + cells()[i][0] * high, wide, high],
        text: (i) => [named(cells()[i]), `${spec.valueLabel}: ${number(at(cells()[i]))}`],
      };
    },
    values: () => ({
      head: ["", spec.valueLabel],
      rows: cells().sort((a, b) => at(b) - at(a)).map((cell) => [named(cell), number(at(cell))]),
    }),
  });
  return handle(drawn, spec);
}
