// @ts-check
/** A canvas with its overlay: sharp at any pixel ratio, redrawn once a frame and only while it can be seen. */

import { cleared, fontOf } from "./canvas.js";
import { element } from "./panel.js";
import { pointer } from "./pointer.js";
import { colours, onTheme } from "./theme.js";
import { listValues } from "./values.js";

/**
 * @typedef {import("./axes.js").Colours} Colours
 * @typedef {import("./axes.js").Frame} Frame
 * @typedef {{figure: HTMLElement, list: HTMLElement}} Place
 * @typedef {{width: number, height: number}} Size
 * @typedef {object} Marks what the pointer and the arrow keys reach
 * @property {Frame} frame
 * @property {number} count of marks that keys reach
 * @property {number} [limit] of marks that the pointer reaches besides
 * @property {(x: number, y: number) => number} pick mark at a place, -1 for none
 * @property {(index: number) => number[]} box left, top, width and height in pixels; both 0 for a point
 * @property {(index: number) => string[]} text lines of the read-out
 * @property {(first: number, last: number) => Range} [range] that two marks span, for a brush by keys
 * @property {number} [stride] marks from a row of a grid to the row below
 * @typedef {{x0: number, x1: number, y0: number, y1: number}} Range in the units of the axes
 * @typedef {object} Spec
 * @property {() => string} label accessible name
 * @property {(width: number, ctx: CanvasRenderingContext2D) => number} height with the font set
 * @property {(ctx: CanvasRenderingContext2D, size: Size, colours: Colours) => Marks} draw
 * @property {() => import("./values.js").Values} values
 * @property {(index: number) => void} [onpick]
 * @property {"x" | "xy"} [brush]
 * @property {(dx: number, dy: number, done: boolean) => void} [ondrag] instead of a brush; pixels since the last call
 * @property {(key: string) => boolean} [onkey] whether a key was used
 * @property {(range: Range | null) => void} [onbrush]
 * @typedef {object} Drawn
 * @property {() => void} update draw again
 * @property {() => void} clear take the brush away
 * @property {() => void} destroy
 */

const PRINT_RATIO = 3;

/**
 * Put a figure into its place.
 * @param {Place} place
 * @param {Spec} spec
 * @returns {Drawn}
 */
export function figure(place, spec) {
  const base = element("canvas", { className: "figure-canvas", "aria-hidden": "true" });
  const overlay = element("canvas", { className: "figure-overlay", role: "img", "aria-label": spec.label(), tabIndex: 0 });
  const readout = element("div", { className: "figure-readout", role: "status", hidden: true });
  const frame = element("div", { className: "figure-frame" }, base, overlay, readout);
  place.figure.append(frame);

  let waiting = 0;
  let seen = false;
  let stale = true;
  const reach = pointer({ overlay, readout, spec });
  const refresh = listValues(place.list, spec.values);

  /** @param {number} [ratio] */
  const draw = (ratio = window.devicePixelRatio || 1) => {
    cancelAnimationFrame(waiting);
    waiting = 0;
    const width = Math.floor(frame.clientWidth);
    if (width < 40) return;
    const size = { width, height: Math.round(spec.height(width, fontOf(base))) };
    const palette = colours();
    overlay.setAttribute("aria-label", spec.label());
    stale = false;
    reach.redraw(size, ratio, palette, spec.draw(cleared(base, size, ratio), size, palette));
  };
  const schedule = () => {
    stale = true;
    if (seen && !waiting) waiting = requestAnimationFrame(() => draw());
  };
  const update = () => {
    schedule();
    refresh();
  };
  const print = () => draw(PRINT_RATIO);
  const resize = new ResizeObserver(schedule);
  const sight = new IntersectionObserver(
    (entries) => {
      seen = entries[entries.length - 1].isIntersecting;
      if (seen && stale) schedule();
    },
    { rootMargin: "200px" },
  );
  resize.observe(frame);
  sight.observe(frame);
  const forget = onTheme(schedule);
  window.addEventListener("beforeprint", print);
  window.addEventListener("afterprint", schedule);
  return {
    update,
    clear: reach.clear,
    destroy() {
      cancelAnimationFrame(waiting);
      resize.disconnect();
      sight.disconnect();
      forget();
      window.removeEventListener("beforeprint", print);
      window.removeEventListener("afterprint", schedule);
      frame.remove();
      place.list.replaceChildren();
    },
  };
}
