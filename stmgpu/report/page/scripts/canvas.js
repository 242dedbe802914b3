// @ts-check
/** Canvases: their size in device pixels, their font, and paragraphs on them. */

export const FONT = "12px system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'DejaVu Sans', sans-serif";

/** The context of a canvas with the font of figures. @param {HTMLCanvasElement} canvas @returns {CanvasRenderingContext2D} */
export function fontOf(canvas) {
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  ctx.font = FONT;
  return ctx;
}

/**
 * Set a canvas to a size in CSS pixels and clear it.
 * @param {HTMLCanvasElement} canvas
 * @param {{width: number, height: number}} size
 * @param {number} ratio device pixels in a CSS pixel
 * @returns {CanvasRenderingContext2D}
 */
export function cleared(canvas, { width, height }, ratio) {
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const ctx = fontOf(canvas);
  ctx.setTransform(w / width, 0, 0, h / height, 0, 0);
  ctx.clearRect(0, 0, width, height);
  return ctx;
}

/**
 * Lines of a text broken at spaces to a width.
 * @param {string} text
 * @param {number} width pixels
 * @param {(text: string) => number} measure
 * @returns {string[]}
 */
export function wrapped(text, width, measure) {
  /** @type {string[]} */
  const lines = [];
  for (const word of text.split(" ")) {
    const last = lines[lines.length - 1];
    if (last !== undefined && measure(`${last} ${word}`) <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/**
 * A warning at the head of a figure, as lines with a bar at their left.
 * @param {CanvasRenderingContext2D} ctx
 * @param {string | undefined} text
 * @param {number} width of the canvas
 * @returns {{room: number, draw: (top: number, colours: {text: string, accent: string}) => void}}
 */
export function warning(ctx, text, width) {
  const lines = text ? wrapped(`⚠ ${text}`, width - 16, (part) => ctx.measureText(part).width) : [];
  return {
    room: lines.length ? lines.length * 16 + 10 : 0,
    draw(top, colours) {
      if (!lines.length) return;
      ctx.fillStyle = colours.accent;
      ctx.fillRect(0, top, 3, lines.length * 16);
      ctx.fillStyle = colours.text;
      ctx.textAlign = "left";
      ctx.textBaseline = "top";
      lines.forEach((line, i) => ctx.fillText(line, 10, top + 2 + i * 16));
    },
  };
}
