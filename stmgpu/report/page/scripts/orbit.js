// @ts-check
/** Orbits as ellipses from mean elements, the Earth's rotation and the Sun: enough for a picture, not for screening. */

/**
 * @typedef {[number, number, number]} Vector
 * @typedef {object} Elements SGP4 mean elements
 * @property {number} epoch Unix time [s]
 * @property {number} meanMotion [rad/min]
 * @property {number} eccentricity
 * @property {number} inclination [rad]
 * @property {number} raan [rad]
 * @property {number} argp [rad]
 */

const MU = 398600.4418; // km^3/s^2
const J2 = 1.0826267e-3;
const FLATTENING = 1 / 298.257223563;
export const EARTH_RADIUS_KM = 6378.137;

/** Semi-major axis [km] by Kepler's third law. @param {number} meanMotion [rad/min] @returns {number} */
export function semiMajorAxis(meanMotion) {
  return Math.cbrt(MU / (meanMotion / 60) ** 2);
}

/**
 * Node and perigee at a time, moved from the epoch by the secular rates of J2.
 * @param {Elements} elements
 * @param {number} time Unix time [s]
 * @returns {{raan: number, argp: number}}
 */
export function turned({ epoch, meanMotion, eccentricity, inclination, raan, argp }, time) {
  const a = semiMajorAxis(meanMotion);
  const p = a * (1 - eccentricity ** 2);
  const rate = 1.5 * J2 * (EARTH_RADIUS_KM / p) ** 2 * (meanMotion / 60) * (time - epoch);
  const cos = Math.cos(inclination);
  return { raan: raan - rate * cos, argp: argp + rate * (2.5 * cos ** 2 - 0.5) };
}

/**
 * Points of the ellipse in the inertial frame (true equator, mean equinox), in order of motion, the first repeated.
 * @param {Elements} elements
 * @param {number} time Unix time [s] to which node and perigee are moved
 * @param {number} [count]
 * @returns {Vector[]} km
 */
export function ellipse(elements, time, count = 360) {
  const { raan, argp } = turned(elements, time);
  const { eccentricity: e, inclination } = elements;
  const a = semiMajorAxis(elements.meanMotion);
  const b = a * Math.sqrt(1 - e * e);
  const [cosO, sinO, cosW, sinW] = [Math.cos(raan), Math.sin(raan), Math.cos(argp), Math.sin(argp)];
  const [cosI, sinI] = [Math.cos(inclination), Math.sin(inclination)];
  return Array.from({ length: count + 1 }, (_, k) => {
    const anomaly = (2 * Math.PI * (k % count)) / count; // eccentric
    const [x, y] = [a * (Math.cos(anomaly) - e), b * Math.sin(anomaly)];
    const [u, v] = [x * cosW - y * sinW, x * sinW + y * cosW];
    return [u * cosO - v * cosI * sinO, u * sinO + v * cosI * cosO, v * sinI];
  });
}

/**
 * Greenwich mean sidereal time (IAU 1982, with UTC for UT1).
 * @param {number} time Unix time [s]
 * @returns {number} rad, 0 to 2 pi
 */
export function siderealTime(time) {
  const centuries = (time / 86400 + 2440587.5 - 2451545) / 36525;
  const seconds = 67310.54841 + (876600 * 3600 + 8640184.812866) * centuries + 0.093104 * centuries ** 2 - 6.2e-6 * centuries ** 3;
  const angle = ((seconds % 86400) / 86400) * 2 * Math.PI;
  return angle < 0 ? angle + 2 * Math.PI : angle;
}

/**
 * Direction of the Sun in the inertial frame, to about 0.01 degree (Astronomical Almanac, low precision).
 * @param {number} time Unix time [s]
 * @returns {Vector} of length 1
 */
export function sunDirection(time) {
  const days = time / 86400 + 2440587.5 - 2451545;
  const degree = Math.PI / 180;
  const anomaly = (357.528 + 0.9856003 * days) * degree;
  const longitude = (280.46 + 0.9856474 * days + 1.915 * Math.sin(anomaly) + 0.02 * Math.sin(2 * anomaly)) * degree;
  const obliquity = (23.439 - 4e-7 * days) * degree;
  return [Math.cos(longitude), Math.cos(obliquity) * Math.sin(longitude), Math.sin(obliquity) * Math.sin(longitude)];
}

/**
 * A vector turned about the Earth's axis.
 * @param {Vector} vector
 * @param {number} angle rad; minus the sidereal time leads from the inertial to the Earth-fixed frame
 * @returns {Vector}
 */
export function turnedAboutAxis([x, y, z], angle) {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return [cos * x - sin * y, sin * x + cos * y, z];
}

/**
 * Earth-fixed position of a place above the WGS-84 ellipsoid.
 * @param {number} latitude degree
 * @param {number} longitude degree
 * @param {number} height km
 * @returns {Vector} km
 */
export function earthFixed(latitude, longitude, height) {
  const [phi, lambda] = [(latitude * Math.PI) / 180, (longitude * Math.PI) / 180];
  const square = FLATTENING * (2 - FLATTENING);
  const normal = EARTH_RADIUS_KM / Math.sqrt(1 - square * Math.sin(phi) ** 2);
  const across = (normal + height) * Math.cos(phi);
  return [across * Math.cos(lambda), across * Math.sin(lambda), (normal * (1 - square) + height) * Math.sin(phi)];
}
