// @ts-check
/** Lines over a common x with translucent bands, told apart by dashes and by a label at their end. */

import { drawAxes, frame } from "./axes.js";
import { warning } from "./canvas.js";
import { figure } from "./figure.js";
import { instant, number } from "./labels.js";
import { DASHES, legend } from "./legend.js";
import { extent, rounded, scale } from "./scale.js";
import { handle } from "./linked.js";

/**
 * @typedef {ArrayLike<number>} Numbers
 * @typedef {object} Series
 * @property {string} label
 * @property {Numbers} y NaN is a gap
 * @property {Numbers} [lower] of the band
 * @property {Numbers} [upper]
 * @property {boolean} [points] a mark at each value and no line
 * @property {number} [colour] number of its colour and dash, its place in the list unless said otherwise
 * @typedef {object} Lines
 * @property {Numbers} x
 * @property {Series[]} series
 * @property {string} xLabel
 * @property {string} yLabel
 * @property {import("./scale.js").Kind} [xScale]
 * @property {import("./scale.js").Kind} [yScale]
 * @property {boolean} [zero] the y axis begins at 0, true unless it is logarithmic
 * @property {number} [least] where the y axis begins at the lowest
 * @property {string} [bandLabel] what the bands are
 * @property {string} [warning] drawn above the lines
 * @property {number} [height]
 * @property {(range: import("./figure.js").Range | null) => void} [onbrush] an interval of x was brushed
 * @property {import("./filters.js").Filters} [filters]
 * @property {string} [name] of its filter
 */

/** @param {Numbers} y @returns {number} last index with a value, -1 without one */
function lastOf(y) {
  for (let i = y.length - 1; i >= 0; i -= 1) if (Number.isFinite(y[i])) return i;
  return -1;
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {import("./axes.js").Frame} plot
 * @param {Lines} spec
 * @param {Series} one
 */
function band(ctx, plot, { x }, { lower, upper }) {
  if (!lower || !upper) return;
  ctx.beginPath();
  const rows = Array.from({ length: x.length }, (_, i) => i).filter((i) => Number.isFinite(lower[i] + upper[i]));
  for (const i of rows) ctx.lineTo(plot.px(x[i]), plot.py(upper[i]));
  for (const i of rows.reverse()) ctx.lineTo(plot.px(x[i]), plot.py(lower[i]));
  ctx.globalAlpha = 0.18;
  ctx.fill();
  ctx.globalAlpha = 1;
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {import("./axes.js").Frame} plot
 * @param {Lines} spec
 * @param {Series} one
 */
function line(ctx, plot, { x }, { y, points }) {
  ctx.beginPath();
  let drawing = false;
  for (let i = 0; i < x.length; i += 1) {
    const [px, py] = [plot.px(x[i]), plot.py(y[i])];
    if (!Number.isFinite(px + py)) drawing = false;
    else if (points) {
      ctx.moveTo(px + 3, py);
      ctx.arc(px, py, 3, 0, 2 * Math.PI);
    } else {
      if (drawing) ctx.lineTo(px, py);
      else ctx.moveTo(px, py);
      drawing = true;
    }
  }
  ctx.stroke();
}

/**
 * @param {import("./figure.js").Place} place
 * @param {Lines} spec
 * @returns {{update: (change?: Partial<Lines>) => void, destroy: () => void}}
 */
export function lines(place, spec) {
  const at = (/** @type {number} */ i) => (spec.xScale === "time" ? instant(spec.x[i]) : number(spec.x[i]));
  /** @param {Series} one @param {number} i @returns {string} */
  const value = ({ y, lower, upper }, i) =>
    number(y[i]) + (lower && upper ? ` (${number(lower[i])} to ${number(upper[i])})` : "");
  const names = () => spec.series.map(({ label, points, colour }, at) => ({ label, at, k: colour ?? at, points: Boolean(points) })).filter(({ label }) => label);
  const drawn = figure(place, {
    label: () => `${spec.yLabel} against ${spec.xLabel}: ${spec.series.map(({ label }) => label).join(", ")}`,
    height: (width, ctx) =>
      (spec.height ?? Math.min(340, Math.max(240, width * 0.55))) + legend(ctx, names(), width).top + warning(ctx, spec.warning, width).room,
    brush: spec.onbrush ? "x" : undefined,
    onbrush: spec.onbrush,
    draw(ctx, size, colours) {
      const kind = spec.yScale ?? "linear";
      const all = spec.series.flatMap(({ y, lower, upper }) => [y, ...(lower && upper ? [lower, upper] : [])]);
      const x = scale(spec.xScale ?? "linear", ...extent([spec.x], spec.xScale));
      const [low, high] = extent(all, kind);
      const y = scale(kind, ...rounded(kind, Math.max(low, spec.least ?? -Infinity), high, spec.zero ?? kind !== "log"));
      const named = names();
      const key = legend(ctx, named, size.width);
      const warn = warning(ctx, spec.warning, size.width);
      const room = { top: warn.room + key.top, right: key.right };
      const plot = frame(ctx, size, { scale: x, label: spec.xLabel }, { scale: y, label: spec.yLabel + (spec.bandLabel ? `; band: ${spec.bandLabel}` : "") }, room);
      drawAxes(ctx, plot, colours, { grid: "y" });
      warn.draw(plot.title, colours);
      const { box } = plot;
      ctx.save();
      ctx.beginPath();
      ctx.rect(box.left - 4, box.top - 4, box.width + 8, box.height + 8);
      ctx.clip();
      const style = (/** @type {number} */ k) => spec.series[k].colour ?? k;
      const colour = (/** @type {number} */ k) => colours.series[style(k) % colours.series.length];
      spec.series.forEach((one, k) => {
        ctx.fillStyle = colour(k);
        band(ctx, plot, spec, one);
      });
      spec.series.forEach((one, k) => {
        ctx.strokeStyle = colour(k);
        ctx.lineWidth = one.points ? 1.5 : 2;
        ctx.setLineDash(one.points ? [] : DASHES[style(k) % DASHES.length]);
        line(ctx, plot, spec, one);
      });
      ctx.restore();
      const ends = spec.series.map(({ y: values }) => lastOf(values));
      key.draw(colours, plot.title + warn.room, {
        box,
        ends: named.map(({ at }) => (ends[at] < 0 ? [NaN, NaN] : [plot.px(spec.x[ends[at]]), plot.py(spec.series[at].y[ends[at]])])),
      });
      const rows = spec.x.length;
      const spots = spec.series.flatMap(({ y: values }) => Array.from(spec.x, (each, i) => [plot.px(each), plot.py(values[i])]));
      return {
        frame: plot,
        count: spots.length,
        stride: rows,
        pick(px, py) {
          let [best, least] = [-1, 40];
          spots.forEach(([sx, sy], i) => {
            const distance = Math.hypot(sx - px, (sy - py) / 2);
            if (distance < least) [best, least] = [i, distance];
          });
          return best;
        },
        box: (i) => [...(Number.isFinite(spots[i][1]) ? spots[i] : [spots[i][0], box.top + box.height]), 0, 0],
        range: (a, b) => ({ x0: spec.x[Math.min(a % rows, b % rows)], x1: spec.x[Math.max(a % rows, b % rows)], y0: -Infinity, y1: Infinity }),
        text: (i) => {
          const one = spec.series[Math.floor(i / rows)];
          return [...(one.label ? [one.label] : []), `${spec.xLabel}: ${at(i % rows)}`, `${spec.yLabel}: ${value(one, i % rows)}`];
        },
      };
    },
    values: () => ({
      head: [spec.xLabel, ...spec.series.map(({ label }) => label || spec.yLabel)],
      rows: Array.from(spec.x, (_, i) => [at(i), ...spec.series.map((one) => value(one, i))]),
      note: [spec.warning, spec.yLabel, spec.bandLabel && `in brackets: ${spec.bandLabel}`].filter(Boolean).join(" ⋅ "),
    }),
  });
  return handle(drawn, spec);
}
