// @ts-check
/** The Earth pixel by pixel: land, sea, day and night, and many points, as an image. */

/**
 * @typedef {import("./orbit.js").Vector} Vector
 * @typedef {import("./view.js").View} View
 * @typedef {{sea: number[], land: number[], night: number[], point: number[]}} Paint
 */

const TWILIGHT = 0.1; // half the width of the terminator, sine of the Sun's height

/**
 * Paint the Earth as a disc.
 * @param {ImageData} image
 * @param {{x: number, y: number, radius: number}} disc in pixels of the image
 * @param {View} view
 * @param {Vector | null} sun Earth-fixed; null for no night
 * @param {import("./land.js").LandMap} map
 * @param {Paint} paint
 */
export function paintEarth({ data, width, height }, { x: cx, y: cy, radius }, { right, up, toward }, sun, map, { sea, land, night }) {
  const [top, bottom] = [Math.max(0, Math.ceil(cy - radius - 1)), Math.min(height - 1, Math.floor(cy + radius + 1))];
  const [columns, lines] = [map.wide / (2 * Math.PI), map.high / Math.PI];
  for (let row = top; row <= bottom; row += 1) {
    const v = (cy - row - 0.5) / radius;
    const half = Math.sqrt(Math.max(0, (1 + 1 / radius) ** 2 - v * v)) * radius;
    const [first, last] = [Math.max(0, Math.floor(cx - half)), Math.min(width - 1, Math.ceil(cx + half))];
    for (let column = first; column <= last; column += 1) {
      const u = (column + 0.5 - cx) / radius;
      const square = u * u + v * v;
      const edge = (1 - Math.sqrt(square)) * radius + 0.5;
      if (edge <= 0) continue;
      const w = Math.sqrt(Math.max(0, 1 - square));
      const x = u * right[0] + v * up[0] + w * toward[0];
      const y = u * right[1] + v * up[1] + w * toward[1];
      const z = u * right[2] + v * up[2] + w * toward[2];
      const mapX = Math.min(map.wide - 1, Math.floor((Math.atan2(y, x) + Math.PI) * columns));
      const mapY = Math.min(map.high - 1, Math.floor((Math.PI / 2 - Math.asin(Math.max(-1, Math.min(1, z)))) * lines));
      const share = map.share[mapY * map.wide + mapX] / 255;
      const light = sun ? Math.max(0, Math.min(1, (x * sun[0] + y * sun[1] + z * sun[2]) / (2 * TWILIGHT) + 0.5)) : 1;
      const at = 4 * (row * width + column);
      for (let k = 0; k < 3; k += 1) {
        const day = sea[k] + (land[k] - sea[k]) * share;
        data[at + k] = day * (light + (1 - light) * night[k]);
      }
      data[at + 3] = edge < 1 ? 255 * edge : 255;
    }
  }
}

/**
 * Paint points that the Earth doesn't hide, two pixels wide.
 * @param {ImageData} image
 * @param {{x: number, y: number, radius: number}} disc
 * @param {View} view
 * @param {Float32Array} points x, y and z of each in radii of the Earth, Earth-fixed
 * @param {Uint8Array | null} mask points to paint, all if null
 * @param {number[]} colour
 */
export function paintPoints({ data, width, height }, { x: cx, y: cy, radius }, { right, up, toward }, points, mask, colour) {
  const strength = Math.max(0.06, Math.min(0.3, radius / 700)); // a small Earth would vanish behind its points
  for (let k = 0; k < points.length; k += 3) {
    if (mask && !mask[k / 3]) continue;
    const [x, y, z] = [points[k], points[k + 1], points[k + 2]];
    const u = x * right[0] + y * right[1] + z * right[2];
    const v = x * up[0] + y * up[1] + z * up[2];
    if (x * toward[0] + y * toward[1] + z * toward[2] < 0 && u * u + v * v < 1) continue;
    const [left, top] = [Math.round(cx + u * radius) - 1, Math.round(cy - v * radius) - 1];
    if (!(left >= 0 && top >= 0 && left < width - 1 && top < height - 1)) continue;
    for (let corner = 0; corner < 4; corner += 1) {
      const at = 4 * ((top + (corner >> 1)) * width + left + (corner & 1));
      const behind = data[at + 3] / 255;
      const alpha = strength + behind * (1 - strength);
      for (let c = 0; c < 3; c += 1) data[at + c] = (colour[c] * strength + data[at + c] * behind * (1 - strength)) / alpha;
      data[at + 3] = 255 * alpha;
    }
  }
}
