// @ts-check
/** Points: single ones as long as they are few, otherwise their density; a brushed rectangle filters rows. */

import { drawAxes, frame, ruler } from "./axes.js";
import { cellsOf, spanned, within } from "./bins.js";
import { figure } from "./figure.js";
import { colourBar } from "./heat.js";
import { instant, number } from "./labels.js";
import { handle, maskOf } from "./linked.js";
import { extent, rounded, scale } from "./scale.js";
import { density, nearest, places } from "./points.js";

/**
 * @typedef {ArrayLike<number>} Numbers
 * @typedef {import("./scale.js").Kind} Kind
 * @typedef {object} Scatter
 * @property {Numbers} x
 * @property {Numbers} y
 * @property {string} xLabel
 * @property {string} yLabel
 * @property {Kind} [xScale]
 * @property {Kind} [yScale]
 * @property {string} [valueLabel] what a point is
 * @property {{x: Numbers, y: Numbers, counts: Numbers}} [all] counts of all rows of the store, where the points are fewer
 * @property {(row: number) => string} [nameOf] a row
 * @property {import("./filters.js").Filters} [filters]
 * @property {string} [name] of its filter
 * @property {() => Uint8Array | null} [mask] see `linked.js`
 * @property {import("./selection.js").Selection} [selection]
 */

const [WIDE, HIGH] = [24, 16]; // cells for the arrow keys
const FEW = 3000;

/**
 * @param {import("./figure.js").Place} place
 * @param {Scatter} spec
 */
export function scatter(place, spec) {
  const { filters, name = "scatter", selection } = spec;
  const what = spec.valueLabel ?? "points";
  const domain = () => {
    const { all } = spec;
    const ends = (/** @type {Numbers} */ values, /** @type {Kind | undefined} */ kind, /** @type {Numbers | undefined} */ edges) =>
      edges && kind !== "log" ? extent([values, edges]) : rounded(kind ?? "linear", ...extent([values], kind));
    return { x: scale(spec.xScale ?? "linear", ...ends(spec.x, spec.xScale, all?.x)), y: scale(spec.yScale ?? "linear", ...ends(spec.y, spec.yScale, all?.y)) };
  };
  const { x, y } = domain();
  const steps = (/** @type {import("./scale.js").Scale} */ axis, /** @type {number} */ count) =>
    Array.from({ length: count + 1 }, (_, i) => axis.value(i / count));
  const [xEdges, yEdges] = [steps(x, WIDE), steps(y, HIGH)];
  const whole = () => (maskOf(spec) ? null : (spec.all ?? null));
  const passing = () => maskOf(spec) ?? filters?.passesOthers(name) ?? null;
  const cells = () => cellsOf([spec], xEdges, yEdges, passing());
  const say = (/** @type {Kind | undefined} */ kind, /** @type {number} */ value) => (kind === "time" ? instant(value) : number(value, 3));
  /** @param {number} i @returns {string[]} */
  const cell = (i) => {
    const [column, row] = [i % WIDE, HIGH - 1 - Math.floor(i / WIDE)];
    return [
      `${say(spec.xScale, xEdges[column])} to ${say(spec.xScale, xEdges[column + 1])}`,
      `${say(spec.yScale, yEdges[row])} to ${say(spec.yScale, yEdges[row + 1])}`,
    ];
  };
  const flipped = (/** @type {number} */ i) => (HIGH - 1 - Math.floor(i / WIDE)) * WIDE + (i % WIDE);
  /** @type {ArrayLike<number>} */
  let seen = [];

  const drawn = figure(place, {
    label: () => `${what}: ${spec.yLabel} against ${spec.xLabel}`,
    height: (width) => Math.min(380, Math.max(270, width * 0.6)),
    brush: filters ? "xy" : undefined,
    onbrush: (range) => filters?.set(name, range ? within([spec], range) : null),
    onpick(index) {
      if (!selection) return;
      const rows = index >= WIDE * HIGH ? [seen[index - WIDE * HIGH]] : Array.from(seen).filter((row) => inCell(row, index));
      if (rows.length) selection.select(rows.reduce((best, row) => (spec.y[row] < spec.y[best] ? row : best)));
    },
    draw(ctx, size, colours) {
      const over = whole();
      const plot = frame(ctx, size, { scale: x, label: spec.xLabel }, { scale: y, label: spec.yLabel });
      const { box } = plot;
      const spots = places(spec, plot, passing());
      seen = spots.rows;
      drawAxes(ctx, plot, colours);
      const few = spots.rows.length <= FEW && !over;
      if (few) {
        ctx.fillStyle = colours.series[0];
        ctx.globalAlpha = 0.65;
        for (let i = 0; i < spots.rows.length; i += 1) {
          ctx.beginPath();
          ctx.arc(spots.px[i], spots.py[i], 2, 0, 2 * Math.PI);
          ctx.fill();
        }
        ctx.globalAlpha = 1;
      } else {
        const most = density(ctx, plot, spots, colours, over);
        const measure = ruler(ctx);
        const title = measure(spec.yLabel) + measure(`${what} in a cell`) + 150 < size.width ? `${what} in a cell` : "";
        colourBar(ctx, colours, { right: size.width, top: 0, low: "1", high: number(most), title, tone: (share) => colours.ramp(0.25 + 0.75 * share) });
      }
      const chosen = selection?.row ?? null;
      if (chosen !== null) {
        const [cx, cy] = [plot.px(spec.x[chosen]), plot.py(spec.y[chosen])];
        ctx.strokeStyle = colours.text;
        ctx.lineWidth = 2;
        ctx.strokeRect(cx - 5, cy - 5, 10, 10);
      }
      const counts = cells();
      const grid = WIDE * HIGH;
      return {
        frame: plot,
        count: grid,
        limit: grid + spots.rows.length,
        stride: WIDE,
        pick: (atX, atY) => {
          const i = nearest(spots, atX, atY);
          return i < 0 ? -1 : grid + i;
        },
        box: (i) =>
          i >= grid
            ? [spots.px[i - grid], spots.py[i - grid], 0, 0]
            : [box.left + ((i % WIDE) * box.width) / WIDE, box.top + (Math.floor(i / WIDE) * box.height) / HIGH, box.width / WIDE, box.height / HIGH],
        range: (a, b) => spanned(xEdges, yEdges, flipped(a), flipped(b)),
        text: (i) => {
          if (i < grid) return [`${what}${over ? " in the table" : ""}: ${number(counts[flipped(i)])}`, `${spec.xLabel}: ${cell(i)[0]}`, `${spec.yLabel}: ${cell(i)[1]}`];
          const row = spots.rows[i - grid];
          const own = [`${spec.xLabel}: ${say(spec.xScale, spec.x[row])}`, `${spec.yLabel}: ${say(spec.yScale, spec.y[row])}`];
          return spec.nameOf ? [spec.nameOf(row), ...own] : own;
        },
      };
    },
    values() {
      const over = whole();
      if (over) return listed(over);
      const counts = cells();
      const full = Array.from({ length: WIDE * HIGH }, (_, i) => i).filter((i) => counts[flipped(i)] > 0);
      return { head: [spec.xLabel, spec.yLabel, what], rows: full.map((i) => [...cell(i), number(counts[flipped(i)])]), note: `Numbers of ${what} in cells.` };
    },
  });
  /** @param {{x: Numbers, y: Numbers, counts: Numbers}} all @returns {import("./values.js").Values} */
  const listed = ({ x: xs, y: ys, counts }) => {
    const between = (/** @type {Kind | undefined} */ kind, /** @type {Numbers} */ edges, /** @type {number} */ i) => `${say(kind, edges[i])} to ${say(kind, edges[i + 1])}`;
    const wide = xs.length - 1;
    const full = Array.from(counts, (count, i) => ({ count, i })).filter(({ count }) => count > 0).sort((a, b) => b.count - a.count);
    const rows = full.map(({ count, i }) => [between(spec.xScale, xs, i % wide), between(spec.yScale, ys, Math.floor(i / wide)), number(count)]);
    return { head: [spec.xLabel, spec.yLabel, what], rows, note: `Numbers of ${what} in cells, the largest first.` };
  };
  /** @param {number} row @param {number} i @returns {boolean} */
  const inCell = (row, i) => {
    const [column, line] = [i % WIDE, HIGH - 1 - Math.floor(i / WIDE)];
    return spec.x[row] >= xEdges[column] && spec.x[row] <= xEdges[column + 1] && spec.y[row] >= yEdges[line] && spec.y[row] <= yEdges[line + 1];
  };
  selection?.subscribe(() => drawn.update());
  return handle(drawn, spec);
}
