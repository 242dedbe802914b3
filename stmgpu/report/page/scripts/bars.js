// @ts-check
/** Bars with their labels at the left and their values at their ends; drawn over the bars of all rows, if given. */

import { crispLine, drawAxes, frame, ruler } from "./axes.js";
import { warning } from "./canvas.js";
import { figure } from "./figure.js";
import { number } from "./labels.js";
import { extent, scale } from "./scale.js";
import { handle } from "./linked.js";

/**
 * @typedef {object} Bars
 * @property {string[]} labels
 * @property {ArrayLike<number>} values
 * @property {string} valueLabel with its unit
 * @property {ArrayLike<number>} [all] values without filters, as outlines
 * @property {ArrayLike<number>} [lower] of an interval around the value
 * @property {ArrayLike<number>} [upper]
 * @property {(index: number) => void} [onpick]
 * @property {number} [picked] index of a bar that is chosen
 * @property {string} [warning]
 */

const ROW = 24;

/**
 * @param {import("./figure.js").Place} place
 * @param {Bars} spec
 * @returns {{update: (change?: Partial<Bars>) => void, destroy: () => void}}
 */
export function bars(place, spec) {
  /** @param {number} i @returns {string} */
  const value = (i) => {
    const text = number(spec.values[i]);
    if (spec.lower && spec.upper) return `${text} (${number(spec.lower[i])} to ${number(spec.upper[i])})`;
    return spec.all && spec.all[i] !== spec.values[i] ? `${text} of ${number(spec.all[i])}` : text;
  };
  const drawn = figure(place, {
    label: () => `${spec.valueLabel}: ${spec.labels.length} bars`,
    height: (width, ctx) => Math.max(1, spec.labels.length) * ROW + 30 + warning(ctx, spec.warning, width).room,
    onpick: spec.onpick && ((index) => spec.onpick?.(index)),
    draw(ctx, size, colours) {
      const measure = ruler(ctx);
      const all = [spec.values, spec.all ?? [], spec.upper ?? [], spec.lower ?? [], [0]];
      const [low, high] = extent(all);
      const ends = Array.from(spec.values, (_, i) => measure(value(i)));
      const right = Math.min(size.width * 0.4, Math.max(14, ...ends) + 12);
      const warn = warning(ctx, spec.warning, size.width);
      const inner = { ...size, height: size.height + 20 };
      const x = scale("linear", low, high === low ? low + 1 : high);
      const plot = frame(ctx, inner, { scale: x }, { bands: spec.labels, label: spec.valueLabel }, { right, top: warn.room });
      const { box, px, py } = plot;
      const half = Math.min(9, (box.height / Math.max(1, spec.labels.length)) * 0.36);
      /** @param {ArrayLike<number>} values @param {number} i @returns {number[]} */
      const bar = (values, i) => {
        const [from, to] = [px(0), px(values[i])].sort((a, b) => a - b);
        return [Math.round(from), Math.round(py(i) - half), Math.max(1, Math.round(to - from)), Math.round(2 * half)];
      };
      drawAxes(ctx, { ...plot, x: { bands: [] } }, colours, { grid: "none" });
      warn.draw(plot.title, colours);
      spec.labels.forEach((_, i) => {
        const [left, top, width, height] = bar(spec.values, i);
        if (spec.all) {
          ctx.strokeStyle = colours.muted;
          ctx.lineWidth = 1;
          const [l, t, w, h] = bar(spec.all, i);
          ctx.strokeRect(l + 0.5, t + 0.5, w - 1, h - 1);
        }
        ctx.fillStyle = spec.picked === i ? colours.accent : colours.series[0];
        if (spec.values[i] !== 0) ctx.fillRect(left, top, width, height);
        const furthest = Math.max(px(spec.values[i]), px(spec.all?.[i] ?? 0), px(spec.upper?.[i] ?? 0), px(0));
        if (spec.lower && spec.upper) {
          ctx.strokeStyle = colours.text;
          crispLine(ctx, [px(spec.lower[i]), py(i), px(spec.upper[i]), py(i)]);
        }
        ctx.fillStyle = colours.text;
        ctx.textAlign = "left";
        ctx.textBaseline = "middle";
        ctx.fillText(value(i) + (spec.picked === i ? " ✓" : ""), furthest + 6, py(i));
      });
      ctx.strokeStyle = colours.muted;
      crispLine(ctx, [px(0), box.top, px(0), box.top + box.height]);
      return {
        frame: plot,
        count: spec.labels.length,
        pick: (_, atY) => {
          const i = Math.floor(((atY - box.top) / box.height) * spec.labels.length);
          return i >= 0 && i < spec.labels.length ? i : -1;
        },
        box: (i) => bar(spec.values, i),
        text: (i) => [spec.labels[i], `${spec.valueLabel}: ${value(i)}`],
      };
    },
    values: () => ({
      head: ["", spec.valueLabel],
      rows: spec.labels.map((label, i) => [label, value(i)]),
      note: spec.warning,
    }),
  });
  return handle(drawn, spec);
}
