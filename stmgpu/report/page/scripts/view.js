// @ts-check
/** Views of the globe: the orthographic projection from above a place. */

/**
 * @typedef {import("./orbit.js").Vector} Vector
 * @typedef {{right: Vector, up: Vector, toward: Vector}} View axes of the picture in the Earth-fixed frame
 */

/**
 * The view from above a place, north up.
 * @param {number} latitude degree
 * @param {number} longitude degree
 * @returns {View}
 */
export function viewFrom(latitude, longitude) {
  const [phi, lambda] = [(latitude * Math.PI) / 180, (longitude * Math.PI) / 180];
  const [cosP, sinP, cosL, sinL] = [Math.cos(phi), Math.sin(phi), Math.cos(lambda), Math.sin(lambda)];
  return { right: [-sinL, cosL, 0], up: [-sinP * cosL, -sinP * sinL, cosP], toward: [cosP * cosL, cosP * sinL, sinP] };
}

/** @param {Vector} a @param {Vector} b @returns {number} */
export function dot(a, b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/**
 * A vector in the axes of a view: right, up, and toward the eye.
 * @param {View} view
 * @param {Vector} vector
 * @returns {Vector}
 */
export function seen({ right, up, toward }, vector) {
  return [dot(right, vector), dot(up, vector), dot(toward, vector)];
}

/**
 * Whether a point is behind the Earth, or inside it.
 * @param {Vector} point in the axes of a view
 * @param {number} radius of the Earth
 * @returns {boolean}
 */
export function hidden([x, y, z], radius) {
  return z < 0 && x * x + y * y < radius * radius;
}

/**
 * Latitude and longitude after a drag across the globe.
 * @param {{latitude: number, longitude: number}} place
 * @param {number} dx pixels to the right
 * @param {number} dy pixels down
 * @param {number} radius of the Earth in pixels
 * @returns {{latitude: number, longitude: number}}
 */
export function dragged({ latitude, longitude }, dx, dy, radius) {
  const degrees = 180 / Math.PI / Math.max(60, radius);
  const east = longitude - dx * degrees;
  return { latitude: Math.max(-90, Math.min(90, latitude + dy * degrees)), longitude: ((((east + 180) % 360) + 360) % 360) - 180 };
}
