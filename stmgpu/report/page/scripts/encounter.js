// @ts-check
/** Planes of an encounter: the miss with the threshold's circle, or with the ellipse of its uncertainty. */

import { drawAxes, frame } from "./axes.js";
import { figure } from "./figure.js";
import { number } from "./labels.js";
import { handle } from "./linked.js";
import { element } from "./panel.js";
import { scale } from "./scale.js";

/**
 * @typedef {object} Plane
 * @property {string} xLabel with its unit
 * @property {string} yLabel
 * @property {number} x miss
 * @property {number} y
 * @property {number} [circle] radius of a circle about the primary, in the unit of the axes
 * @property {string} [circleLabel]
 * @property {{x: number, y: number}} [sigma] standard deviations of the miss along the axes
 * @typedef {object} Encounter
 * @property {Plane[]} planes
 * @property {Record<string, Reach>} views by the name of their button, the first shown first
 * @property {string[]} text lines of the read-out
 * @typedef {{x: number, y: number}} Reach half the width and height that a view must hold
 */

const HEIGHT = 290;

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {import("./figure.js").Size} size
 * @param {Plane} plane
 * @param {Reach} view
 * @param {import("./axes.js").Colours} colours
 * @returns {import("./axes.js").Frame}
 */
function drawPlane(ctx, size, plane, view, colours) {
  const { box } = frame(ctx, size, { scale: scale("linear", -1, 1), label: plane.xLabel }, { scale: scale("linear", -view.y, view.y), label: plane.yLabel });
  const reach = Math.max(view.y, (view.x * box.height) / box.width, 1e-9);
  const y = { scale: scale("linear", -reach, reach), label: plane.yLabel };
  const wide = (reach * box.width) / box.height;
  const plot = frame(ctx, size, { scale: scale("linear", -wide, wide), label: plane.xLabel }, y);
  const { px, py } = plot;
  drawAxes(ctx, plot, colours);
  const inner = plot.box;
  const unit = inner.height / (2 * reach);
  ctx.save();
  ctx.beginPath();
  ctx.rect(inner.left, inner.top, inner.width, inner.height);
  ctx.clip();
  if (plane.circle) {
    ctx.strokeStyle = colours.accent;
    ctx.lineWidth = 1.5;
    ctx.setLineDash([6, 4]);
    ctx.beginPath();
    ctx.arc(px(0), py(0), plane.circle * unit, 0, 2 * Math.PI);
    ctx.stroke();
    ctx.setLineDash([]);
  }
  for (const factor of plane.sigma ? [3, 2, 1] : []) {
    const { x: sx, y: sy } = /** @type {{x: number, y: number}} */ (plane.sigma);
    ctx.beginPath();
    ctx.ellipse(px(plane.x), py(plane.y), Math.max(0.5, factor * sx * unit), Math.max(0.5, factor * sy * unit), 0, 0, 2 * Math.PI);
    ctx.globalAlpha = 0.14;
    ctx.fillStyle = colours.series[1];
    ctx.fill();
    ctx.globalAlpha = 1;
    ctx.strokeStyle = colours.series[1];
    ctx.lineWidth = 1;
    ctx.stroke();
  }
  ctx.strokeStyle = colours.text;
  ctx.lineWidth = 2;
  ctx.beginPath();
  ctx.moveTo(px(0), py(0));
  ctx.lineTo(px(plane.x), py(plane.y));
  ctx.stroke();
  ctx.restore();
  const left = plane.x < 0;
  for (const [atX, atY, k] of [[0, 0, 0], [plane.x, plane.y, 1]]) {
    ctx.fillStyle = colours.series[k];
    ctx.beginPath();
    if (k) ctx.rect(px(atX) - 5, py(atY) - 5, 10, 10);
    else ctx.arc(px(atX), py(atY), 5.5, 0, 2 * Math.PI);
    ctx.fill();
    ctx.fillStyle = colours.text;
    ctx.textBaseline = "middle";
    ctx.textAlign = left === Boolean(k) ? "right" : "left";
    const aside = left === Boolean(k) ? -10 : 10;
    if (Math.hypot(px(plane.x) - px(0), py(plane.y) - py(0)) > 24) ctx.fillText(k ? "secondary" : "primary", px(atX) + aside, py(atY));
  }
  return plot;
}

/**
 * Planes side by side, or one below the other where the figure is narrow: the primary is the disc in the middle.
 * @param {import("./figure.js").Place} place
 * @param {Encounter} spec
 */
export function encounter(place, spec) {
  const stacked = (/** @type {number} */ width) => spec.planes.length > 1 && width < 480;
  let shown = Object.keys(spec.views)[0];
  let zoom = 1;
  const view = () => {
    const { x, y } = spec.views[shown] ?? Object.values(spec.views)[0];
    return { x: x / zoom, y: y / zoom };
  };
  const drawn = figure(place, {
    label: () => `Miss in ${spec.planes.map(({ xLabel, yLabel }) => `the plane of ${xLabel} and ${yLabel}`).join(" and ")}`,
    height: (width) => (stacked(width) ? spec.planes.length * HEIGHT + 12 : HEIGHT),
    onkey(key) {
      if (!["+", "=", "-", "−"].includes(key)) return false;
      zoom *= key === "+" || key === "=" ? 1.5 : 1 / 1.5;
      drawn.update();
      return true;
    },
    draw(ctx, size, colours) {
      const below = stacked(size.width);
      const n = spec.planes.length;
      const part = below ? { width: size.width, height: HEIGHT } : { width: (size.width - 16 * (n - 1)) / n, height: HEIGHT };
      const spots = spec.planes.map((plane, k) => {
        const [left, top] = below ? [0, k * (HEIGHT + 12)] : [k * (part.width + 16), 0];
        ctx.save();
        ctx.translate(left, top);
        const plot = drawPlane(ctx, part, plane, view(), colours);
        ctx.restore();
        return { plot, spot: [left + plot.px(plane.x), top + plot.py(plane.y)] };
      });
      return {
        frame: spots[0].plot,
        count: n,
        pick: (x, y) => spots.findIndex(({ spot }) => Math.hypot(x - spot[0], y - spot[1]) < 16),
        box: (i) => [...spots[i].spot, 0, 0],
        text: (i) => [...spec.text, `${spec.planes[i].xLabel}: ${number(spec.planes[i].x)}`, `${spec.planes[i].yLabel}: ${number(spec.planes[i].y)}`],
      };
    },
    values: () => ({
      head: ["", "value"],
      rows: [
        ...spec.text.map((line) => {
          const [name, ...rest] = line.split(": ");
          return [name, rest.join(": ")];
        }),
        ...spec.planes.flatMap(({ xLabel, yLabel, x, y, sigma }) => [
          [`miss: ${xLabel}`, number(x)],
          [`miss: ${yLabel}`, number(y)],
          ...(sigma ? [[`standard deviation: ${xLabel}`, number(sigma.x)], [`standard deviation: ${yLabel}`, number(sigma.y)]] : []),
        ]),
      ].filter(([name], k, all) => all.findIndex(([other]) => other === name) === k),
    }),
  });
  const buttons = Object.keys(spec.views).map((name) => {
    const button = element("button", { type: "button", "aria-pressed": String(name === shown) }, name);
    button.addEventListener("click", () => {
      [shown, zoom] = [name, 1];
      for (const each of buttons) each.setAttribute("aria-pressed", String(each === button));
      drawn.update();
    });
    return button;
  });
  place.figure.append(element("div", { className: "figure-buttons" }, ...buttons));
  return handle(drawn, spec);
}
