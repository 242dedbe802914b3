// @ts-check
/** Estimates with their intervals; a filled mark has an interval that leaves out the reference value. */

import { crispLine, drawAxes, frame } from "./axes.js";
import { warning } from "./canvas.js";
import { figure } from "./figure.js";
import { number } from "./labels.js";
import { extent, rounded, scale } from "./scale.js";
import { handle } from "./linked.js";

/**
 * @typedef {{label: string, low: number, mid: number, high: number}} Interval
 * @typedef {object} Intervals
 * @property {Interval[]} rows
 * @property {string} xLabel with its unit
 * @property {boolean} [zero] show where zero is
 * @property {number} [reference] another value to show and to compare with, such as 1 for a ratio
 * @property {string} [warning]
 */

const ROW = 30;

/**
 * @param {import("./figure.js").Place} place
 * @param {Intervals} spec
 * @returns {{update: (change?: Partial<Intervals>) => void, destroy: () => void}}
 */
export function intervals(place, spec) {
  const reference = spec.reference ?? (spec.zero ? 0 : undefined);
  /** @param {Interval} row @returns {string} */
  const range = ({ low, high }) => `${number(low, 3)} to ${number(high, 3)}`;
  /** @param {Interval} row @returns {boolean} */
  const apart = ({ low, high }) => reference === undefined || low > reference || high < reference;
  const drawn = figure(place, {
    label: () => `${spec.xLabel}: ${spec.rows.length} intervals`,
    height: (width, ctx) => Math.max(1, spec.rows.length) * ROW + 54 + warning(ctx, spec.warning, width).room,
    draw(ctx, size, colours) {
      const ends = [spec.rows.flatMap(({ low, mid, high }) => [low, mid, high]), reference === undefined ? [] : [reference]];
      const x = scale("linear", ...rounded("linear", ...extent(ends)));
      const warn = warning(ctx, spec.warning, size.width);
      const bands = spec.rows.map(({ label }) => label);
      const plot = frame(ctx, size, { scale: x, label: spec.xLabel }, { bands }, { top: warn.room });
      const { box, px, py } = plot;
      drawAxes(ctx, plot, colours, { grid: "x" });
      warn.draw(0, colours);
      ctx.strokeStyle = colours.text;
      if (reference !== undefined) crispLine(ctx, [px(reference), box.top, px(reference), box.top + box.height]);
      ctx.lineWidth = 2;
      spec.rows.forEach((row, i) => {
        const [left, middle, right, y] = [px(row.low), px(row.mid), px(row.high), py(i)];
        ctx.strokeStyle = colours.series[0];
        ctx.fillStyle = apart(row) ? colours.series[0] : colours.panel;
        ctx.beginPath();
        ctx.moveTo(left, y);
        ctx.lineTo(right, y);
        for (const end of [left, right]) {
          ctx.moveTo(end, y - 5);
          ctx.lineTo(end, y + 5);
        }
        ctx.stroke();
        ctx.beginPath();
        ctx.arc(middle, y, 5, 0, 2 * Math.PI);
        ctx.fill();
        ctx.stroke();
      });
      return {
        frame: plot,
        count: spec.rows.length,
        pick: (_, atY) => {
          const i = Math.floor(((atY - box.top) / box.height) * spec.rows.length);
          return i >= 0 && i < spec.rows.length ? i : -1;
        },
        box: (i) => [px(spec.rows[i].low) - 4, py(i) - 10, px(spec.rows[i].high) - px(spec.rows[i].low) + 8, 20],
        text: (i) => [spec.rows[i].label, `${spec.xLabel}: ${number(spec.rows[i].mid)} (${range(spec.rows[i])})`],
      };
    },
    values: () => ({
      head: ["", spec.xLabel, "interval", ...(reference === undefined ? [] : [`${number(reference)} inside`])],
      rows: spec.rows.map((row) => [row.label, number(row.mid), range(row), ...(reference === undefined ? [] : [apart(row) ? "no" : "yes"])]),
      note: spec.warning,
    }),
  });
  return handle(drawn, spec);
}
