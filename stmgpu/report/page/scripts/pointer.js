// @ts-check
/** Pointer and keys over a figure: the read-out of a mark, picking, and brushing of an interval or a rectangle. */

import { cleared } from "./canvas.js";
import { element } from "./panel.js";

/**
 * @typedef {import("./figure.js").Marks} Marks
 * @typedef {import("./figure.js").Range} Range
 * @typedef {import("./figure.js").Size} Size
 * @typedef {import("./axes.js").Colours} Colours
 */

const DRAG = 4;

/**
 * The range of the axes under two corners in pixels.
 * @param {import("./axes.js").Frame} frame
 * @param {number[]} corners x1, y1, x2, y2
 * @returns {Range | null} null where an axis has no numbers
 */
export function rangeOf({ box, x, y }, [x1, y1, x2, y2]) {
  if (!x.scale) return null;
  /** @param {number} at @returns {number} */
  const share = (at) => Math.min(1, Math.max(0, at));
  const [a, b] = [x1, x2].map((at) => share((at - box.left) / box.width)).sort((p, q) => p - q);
  const [c, d] = [y1, y2].map((at) => share(1 - (at - box.top) / box.height)).sort((p, q) => p - q);
  const whole = !y.scale;
  return {
    x0: x.scale.value(a),
    x1: x.scale.value(b),
    y0: whole ? -Infinity : /** @type {import("./scale.js").Scale} */ (y.scale).value(c),
    y1: whole ? Infinity : /** @type {import("./scale.js").Scale} */ (y.scale).value(d),
  };
}

/**
 * @param {{overlay: HTMLCanvasElement, readout: HTMLElement, spec: import("./figure.js").Spec}} host
 * @returns {{redraw: (size: Size, ratio: number, colours: Colours, marks: Marks) => void, clear: () => void}}
 */
export function pointer({ overlay, readout, spec }) {
  /** @type {Marks | null} */
  let marks = null;
  /** @type {Size} */
  let size = { width: 0, height: 0 };
  let ratio = 1;
  /** @type {Colours | null} */
  let palette = null;
  let at = -1;
  /** @type {Range | null} */
  let range = null;
  /** @type {number[] | null} */
  let start = null;
  /** @type {Range | null} */
  let before = null; // range at the start of a drag
  let anchor = -1;

  const paint = () => {
    if (!marks || !palette || size.width === 0) return;
    const ctx = cleared(overlay, size, ratio);
    const { box, px, py } = marks.frame;
    if (range) {
      const [left, right] = [px(range.x0), px(range.x1)];
      const tall = spec.brush === "x" || !marks.frame.y.scale;
      const [top, bottom] = tall ? [box.top, box.top + box.height] : [py(range.y1), py(range.y0)];
      ctx.beginPath();
      ctx.rect(box.left, box.top, box.width, box.height);
      ctx.rect(left, top, right - left, bottom - top);
      ctx.globalAlpha = 0.62;
      ctx.fillStyle = palette.background;
      ctx.fill("evenodd");
      ctx.globalAlpha = 1;
      ctx.strokeStyle = palette.text;
      ctx.lineWidth = 1.5;
      ctx.strokeRect(left, top, right - left, bottom - top);
    }
    if (at < 0 || at >= (marks.limit ?? marks.count)) {
      readout.hidden = true;
      return;
    }
    const [left, top, width, height] = marks.box(at);
    ctx.strokeStyle = palette.text;
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    if (width || height) ctx.rect(left, top, width, height);
    else ctx.arc(left, top, 5, 0, 2 * Math.PI);
    ctx.stroke();
    readout.replaceChildren(...marks.text(at).map((line) => element("div", {}, line)));
    readout.hidden = false;
    const [wide, high] = [readout.offsetWidth, readout.offsetHeight];
    const right = left + width + 10;
    readout.style.left = `${Math.max(0, right + wide <= size.width ? right : left - wide - 10)}px`;
    readout.style.top = `${Math.max(0, Math.min(top - high / 2 + height / 2, size.height - high))}px`;
  };

  /** @param {Range | null} next */
  const brush = (next) => {
    if (!next && !range) return;
    range = next && spec.brush === "x" ? { ...next, y0: -Infinity, y1: Infinity } : next;
    spec.onbrush?.(range);
    paint();
  };
  /** @param {PointerEvent} event @returns {number[]} */
  const where = (event) => {
    const rect = overlay.getBoundingClientRect();
    return [event.clientX - rect.left, event.clientY - rect.top];
  };
  /** @param {number} next */
  const move = (next) => {
    at = next;
    paint();
  };

  overlay.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || (!spec.brush && !spec.ondrag)) return;
    [start, before] = [where(event), range];
    overlay.setPointerCapture(event.pointerId);
  });
  overlay.addEventListener("pointermove", (event) => {
    const [x, y] = where(event);
    if (start && spec.ondrag) {
      spec.ondrag(x - start[0], y - start[1], false);
      start = [x, y];
    } else if (start && marks && Math.hypot(x - start[0], y - start[1]) > DRAG) {
      at = -1;
      brush(rangeOf(marks.frame, [...start, x, y]));
    } else if (!start && marks) move(marks.pick(x, y));
  });
  overlay.addEventListener("pointerup", (event) => {
    const [x, y] = where(event);
    const dragged = start && (spec.ondrag || Math.hypot(x - start[0], y - start[1]) > DRAG);
    if (start) spec.ondrag?.(0, 0, true);
    start = null;
    if (dragged || !marks) return;
    const index = marks.pick(x, y);
    if (range) brush(null);
    else if (index >= 0) spec.onpick?.(index);
    move(index);
  });
  overlay.addEventListener("pointercancel", () => {
    if (start && range !== before) brush(before); // a finger that began a brush scrolls the page
    start = null;
  });
  overlay.addEventListener("pointerleave", () => {
    if (!start) move(-1);
  });
  overlay.addEventListener("blur", () => {
    anchor = -1;
    move(-1);
  });
  overlay.addEventListener("keydown", (event) => {
    if (spec.onkey?.(event.key)) event.preventDefault();
    if (!marks || marks.count === 0 || event.defaultPrevented) return;
    const row = marks.stride ?? 1;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: row, ArrowUp: -row }[event.key];
    if (step) {
      if (event.shiftKey && anchor < 0) anchor = Math.max(at, 0);
      if (!event.shiftKey) anchor = -1;
      if (at < 0 || at >= marks.count) at = 0;
      else if (at + step >= 0 && at + step < marks.count) at += step;
      if (event.shiftKey && spec.brush) {
        brush(marks.range?.(anchor, at) ?? null);
      }
    } else if (event.key === "Home" || event.key === "End") at = event.key === "Home" ? 0 : marks.count - 1;
    else if (event.key === "Escape") brush(null);
    else if ((event.key === "Enter" || event.key === " ") && at >= 0) spec.onpick?.(at);
    else return;
    event.preventDefault();
    paint();
  });

  return {
    redraw(nextSize, nextRatio, nextColours, nextMarks) {
      [size, ratio, palette, marks] = [nextSize, nextRatio, nextColours, nextMarks];
      paint();
    },
    clear() {
      range = null;
      paint();
    },
  };
}
