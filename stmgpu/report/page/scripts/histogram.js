// @ts-check
/** Counts in bins of one quantity, over an outline of the counts of all rows; a brushed interval filters rows. */

import { drawAxes, frame } from "./axes.js";
import { binner, histogramOf, within } from "./bins.js";
import { figure } from "./figure.js";
import { instant, number } from "./labels.js";
import { handle, maskOf } from "./linked.js";
import { extent, rounded, scale } from "./scale.js";

/**
 * @typedef {ArrayLike<number>} Numbers
 * @typedef {object} Histogram
 * @property {Numbers} edges
 * @property {Numbers} counts over all rows of the store
 * @property {string} label of the quantity, with its unit
 * @property {string} valueLabel what is counted
 * @property {import("./scale.js").Kind} [xScale]
 * @property {Numbers} [values] column behind the counts
 * @property {import("./filters.js").Filters} [filters]
 * @property {string} [name] of its filter
 * @property {() => Uint8Array | null} [mask] see `linked.js`
 */

/**
 * @param {import("./figure.js").Place} place
 * @param {Histogram} spec
 */
export function histogram(place, spec) {
  const { filters, name = "histogram", values } = spec;
  const filtered = () => {
    const mask = values ? maskOf(spec) : null;
    return mask && values ? histogramOf(values, spec.edges, mask) : null;
  };
  const say = (/** @type {number} */ value) => (spec.xScale === "time" ? instant(value) : number(value));
  const range = (/** @type {number} */ i) => `${say(spec.edges[i])} to ${say(spec.edges[i + 1])}`;
  const drawn = figure(place, {
    label: () => `${spec.valueLabel} by ${spec.label}`,
    height: (width) => Math.min(320, Math.max(230, width * 0.5)),
    brush: filters && values ? "x" : undefined,
    onbrush: (brushed) => filters?.set(name, brushed && values ? within([{ x: values }], brushed) : null),
    draw(ctx, size, colours) {
      const counts = filtered();
      const shown = counts ?? spec.counts;
      const bins = spec.edges.length - 1;
      const x = scale(spec.xScale ?? "linear", spec.edges[0], spec.edges[bins]);
      const y = scale("linear", ...rounded("linear", ...extent([spec.counts, [0, 1]]), true));
      const plot = frame(ctx, size, { scale: x, label: spec.label }, { scale: y, label: spec.valueLabel });
      const { box, px, py } = plot;
      drawAxes(ctx, plot, colours, { grid: "y" });
      /** @param {Numbers} heights @param {number} i @returns {number[]} */
      const bar = (heights, i) => {
        const [left, right] = [Math.round(px(spec.edges[i])), Math.round(px(spec.edges[i + 1]))];
        const top = Math.round(py(heights[i]));
        const gap = right - left > 5 ? 1 : 0;
        return [left, top, Math.max(1, right - left - gap), Math.round(py(0)) - top];
      };
      ctx.fillStyle = colours.series[0];
      for (let i = 0; i < bins; i += 1) {
        const [left, top, width, height] = bar(shown, i);
        ctx.fillRect(left, top, width, height);
      }
      if (counts) {
        ctx.strokeStyle = colours.muted;
        ctx.lineWidth = 1;
        ctx.beginPath();
        for (let i = 0; i < bins; i += 1) {
          const [left, top, width] = bar(spec.counts, i);
          ctx.lineTo(left + 0.5, top + 0.5);
          ctx.lineTo(left + width + 0.5, top + 0.5);
        }
        ctx.stroke();
      }
      const bin = binner(spec.edges);
      return {
        frame: plot,
        count: bins,
        pick: (atX) => bin(x.value((atX - box.left) / box.width)),
        box: (i) => bar(shown, i),
        range: (a, b) => ({ x0: spec.edges[Math.min(a, b)], x1: spec.edges[Math.max(a, b) + 1], y0: -Infinity, y1: Infinity }),
        text: (i) => [
          counts ? `${spec.valueLabel}: ${number(counts[i])} of ${number(spec.counts[i])}` : `${spec.valueLabel}: ${number(shown[i])}`,
          range(i),
        ],
      };
    },
    values() {
      const counts = filtered();
      return {
        head: [spec.label, spec.valueLabel, ...(counts ? ["without filters"] : [])],
        rows: Array.from(spec.counts, (count, i) => [range(i), number(counts ? counts[i] : count), ...(counts ? [number(count)] : [])]),
      };
    },
  });
  return handle(drawn, spec);
}
