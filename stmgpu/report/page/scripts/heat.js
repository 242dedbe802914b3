// @ts-check
/** Counts over two axes as colours, with a colour bar; a brushed rectangle filters rows. */

import { drawAxes, frame, LINE, ruler } from "./axes.js";
import { binner, cellsOf, spanned, within } from "./bins.js";
import { warning } from "./canvas.js";
import { figure } from "./figure.js";
import { instant, number } from "./labels.js";
import { handle, maskOf } from "./linked.js";
import { extent, scale } from "./scale.js";
import { css, diverging } from "./tones.js";

/**
 * @typedef {ArrayLike<number>} Numbers
 * @typedef {import("./scale.js").Kind} Kind
 * @typedef {object} Heat
 * @property {Numbers} x edges
 * @property {Numbers} y edges
 * @property {Numbers} counts row by row, the first at the least y; over all rows of the store
 * @property {string} xLabel
 * @property {string} yLabel
 * @property {string} valueLabel
 * @property {Kind} [xScale]
 * @property {Kind} [yScale]
 * @property {boolean} [logColour] true unless said otherwise
 * @property {boolean} [diverging] differences: two colours around 0
 * @property {string} [warning]
 * @property {import("./filters.js").Filters} [filters]
 * @property {string} [name] of its filter
 * @property {() => Uint8Array | null} [mask] see `linked.js`
 * @property {{x: Numbers, y: Numbers}[]} [pairs] columns behind the counts; a row counts once for each
 */

/**
 * A colour bar at the top right, with the least and the greatest value.
 * @param {CanvasRenderingContext2D} ctx
 * @param {import("./axes.js").Colours} colours
 * @param {{right: number, top: number, low: string, high: string, title: string, tone: (share: number) => number[]}} bar
 */
export function colourBar(ctx, colours, { right, top, low, high, title, tone }) {
  const measure = ruler(ctx);
  const wide = 72;
  const left = right - measure(high) - 6 - wide;
  for (let i = 0; i < wide; i += 1) {
    ctx.fillStyle = css(tone(i / (wide - 1)));
    ctx.fillRect(left + i, top + 2, 1.5, 10);
  }
  ctx.fillStyle = colours.muted;
  ctx.textBaseline = "top";
  ctx.textAlign = "left";
  ctx.fillText(high, left + wide + 6, top + 1);
  ctx.textAlign = "right";
  ctx.fillText(low, left - 6, top + 1);
  ctx.fillStyle = colours.text;
  ctx.fillText(title, left - measure(low) - 14, top + 1);
}

/**
 * @param {import("./figure.js").Place} place
 * @param {Heat} spec
 * @returns {{update: (change?: Partial<Heat>) => void, destroy: () => void}}
 */
export function heat(place, spec) {
  const { filters, name = "heat", pairs } = spec;
  const shown = () => {
    const mask = pairs ? maskOf(spec) : null;
    return mask && pairs ? cellsOf(pairs, spec.x, spec.y, mask) : spec.counts;
  };
  const filled = (/** @type {number} */ value) => (spec.diverging ? Number.isFinite(value) && value !== 0 : value > 0);
  const wide = () => spec.x.length - 1;
  const say = (/** @type {Kind | undefined} */ kind, /** @type {number} */ value) => (kind === "time" ? instant(value) : number(value, 5));
  /** @param {number} i @returns {string[]} */
  const cell = (i) => {
    const [column, row] = [i % wide(), Math.floor(i / wide())];
    return [
      `${say(spec.xScale, spec.x[column])} to ${say(spec.xScale, spec.x[column + 1])}`,
      `${say(spec.yScale, spec.y[row])} to ${say(spec.yScale, spec.y[row + 1])}`,
    ];
  };
  const drawn = figure(place, {
    label: () => `${spec.valueLabel} by ${spec.xLabel} and ${spec.yLabel}`,
    height: (width, ctx) => Math.min(400, Math.max(280, width * 0.62)) + warning(ctx, spec.warning, width).room,
    brush: filters && pairs ? "xy" : undefined,
    onbrush: (range) => filters?.set(name, range && pairs ? within(pairs, range) : null),
    draw(ctx, size, colours) {
      const counts = shown();
      const kind = spec.diverging || spec.logColour === false ? "linear" : "log";
      const [least, most] = extent([counts], kind);
      const limit = Math.max(Math.abs(least), Math.abs(most)) || 1;
      const values = spec.diverging ? scale(kind, -limit, limit) : scale(kind, kind === "log" ? least : Math.min(0, least), most);
      const sides = diverging(colours);
      const tone = (/** @type {number} */ share) => (spec.diverging ? sides(2 * share - 1) : colours.ramp(0.12 + 0.88 * share));
      const warn = warning(ctx, spec.warning, size.width);
      const measure = ruler(ctx);
      const [low, high] = [number(values.domain[0], 2), number(values.domain[1], 2)];
      const bar = measure(low) + measure(high) + measure(spec.valueLabel) + 72 + 26;
      const two = measure(spec.yLabel) + bar + 16 > size.width;
      const room = { top: warn.room + (two ? LINE + 4 : 0) };
      const x = { scale: scale(spec.xScale ?? "linear", spec.x[0], spec.x[wide()]), label: spec.xLabel };
      const y = { scale: scale(spec.yScale ?? "linear", spec.y[0], spec.y[spec.y.length - 1]), label: spec.yLabel };
      const plot = frame(ctx, size, x, y, room);
      const { box, px, py } = plot;
      /** @param {number} i @returns {number[]} */
      const rectangle = (i) => {
        const [column, row] = [i % wide(), Math.floor(i / wide())];
        const [left, top] = [Math.round(px(spec.x[column])), Math.round(py(spec.y[row + 1]))];
        return [left, top, Math.round(px(spec.x[column + 1])) - left, Math.round(py(spec.y[row])) - top];
      };
      drawAxes(ctx, plot, colours);
      for (let i = 0; i < counts.length; i += 1) {
        if (!filled(counts[i])) continue;
        ctx.fillStyle = css(tone(most > least || spec.diverging ? Math.max(0, values.place(counts[i])) : 1));
        const [left, top, width, height] = rectangle(i);
        ctx.fillRect(left, top, width, height);
      }
      warn.draw(plot.title, colours);
      if (Number.isFinite(most)) {
        colourBar(ctx, colours, { right: size.width, top: warn.room + (two ? LINE + 4 : 0), low, high, title: spec.valueLabel, tone });
      }
      const [binX, binY] = [binner(spec.x), binner(spec.y)];
      return {
        frame: plot,
        count: counts.length,
        stride: -wide(),
        pick(atX, atY) {
          if (atX < box.left || atY > box.top + box.height) return -1;
          const column = binX(x.scale.value((atX - box.left) / box.width));
          const row = binY(y.scale.value(1 - (atY - box.top) / box.height));
          return column < 0 || row < 0 ? -1 : row * wide() + column;
        },
        box: rectangle,
        range: (a, b) => spanned(spec.x, spec.y, a, b),
        text: (i) => {
          const [inX, inY] = cell(i);
          return [`${spec.valueLabel}: ${number(counts[i])}`, `${spec.xLabel}: ${inX}`, `${spec.yLabel}: ${inY}`];
        },
      };
    },
    values() {
      const counts = shown();
      const cells = Array.from(counts, (count, i) => ({ count, i })).filter(({ count }) => filled(count));
      return {
        head: [spec.xLabel, spec.yLabel, spec.valueLabel],
        rows: cells.sort((a, b) => Math.abs(b.count) - Math.abs(a.count)).map(({ count, i }) => [...cell(i), number(count)]),
        note: [spec.warning, "Cells that are not empty, the largest first."].filter(Boolean).join(" ⋅ "),
      };
    },
  });
  return handle(drawn, spec);
}
