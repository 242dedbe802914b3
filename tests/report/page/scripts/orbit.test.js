// @ts-check
/**
 * Truth: Vallado, Fundamentals of Astrodynamics (2013), example 3-5 for the sidereal time; the equinox and solstice of
 * 2026 for the Sun; published rates of nodes; the geometry of an ellipse.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { earthFixed, ellipse, semiMajorAxis, siderealTime, sunDirection, turned, turnedAboutAxis } from "../../../../stmgpu/report/page/scripts/orbit.js";

const DEGREE = Math.PI / 180;
const DAY = 86400;
const revolutions = (/** @type {number} */ perDay) => (perDay * 2 * Math.PI) / 1440;
const ISS = { epoch: 0, meanMotion: revolutions(15.5), eccentricity: 0.001, inclination: 51.64 * DEGREE, raan: 1, argp: 2 };

test("sidereal time of 1992-08-20 12:14:00 is 152.5788 degrees", () => {
  assert.ok(Math.abs(siderealTime(Date.UTC(1992, 7, 20, 12, 14) / 1000) / DEGREE - 152.578787886) < 1e-4);
});

test("the Sun crosses the equator at the equinox and is highest at the solstice of 2026", () => {
  const equinox = sunDirection(Date.UTC(2026, 2, 20, 14, 46) / 1000);
  assert.ok(Math.abs(equinox[2]) < 2e-4 && equinox[0] > 0.999);
  const solstice = sunDirection(Date.UTC(2026, 5, 21, 8, 25) / 1000);
  assert.ok(Math.abs(solstice[2] - Math.sin(23.436 * DEGREE)) < 1e-4 && Math.abs(solstice[0]) < 5e-4);
  assert.ok(Math.abs(Math.hypot(...solstice) - 1) < 1e-12);
});

test("nodes move as published: a sun-synchronous one with the Sun, that of the station 5 degrees a day westward", () => {
  const a = 7178.137;
  const meanMotion = 60 * Math.sqrt(398600.4418 / a ** 3);
  const rate = turned({ ...ISS, meanMotion, eccentricity: 0, inclination: 98.603 * DEGREE, raan: 0 }, DAY).raan / DEGREE;
  assert.ok(Math.abs(rate - 0.9856) < 0.003, String(rate));
  const station = (turned(ISS, DAY).raan - ISS.raan) / DEGREE;
  assert.ok(station < -4.8 && station > -5.1, String(station));
  const frozen = { ...ISS, inclination: Math.acos(Math.sqrt(0.2)) };
  assert.ok(Math.abs(turned(frozen, DAY).argp - ISS.argp) < 1e-12);
});

test("an ellipse begins at perigee, lies in its plane, is closed, and goes with the object", () => {
  const elements = { ...ISS, eccentricity: 0.3 };
  const points = ellipse(elements, 0, 100);
  const a = semiMajorAxis(elements.meanMotion);
  const normal = [Math.sin(elements.inclination) * Math.sin(1), -Math.sin(elements.inclination) * Math.cos(1), Math.cos(elements.inclination)];
  assert.ok(Math.abs(Math.hypot(...points[0]) - 0.7 * a) < 1e-6);
  assert.ok(Math.abs(Math.hypot(...points[50]) - 1.3 * a) < 1e-6);
  assert.deepEqual(points[100], points[0]);
  for (const [x, y, z] of points) assert.ok(Math.abs(x * normal[0] + y * normal[1] + z * normal[2]) < 1e-6);
  const [p, q] = [points[10], points[11]];
  const momentum = p[0] * q[1] - p[1] * q[0];
  assert.ok(momentum * normal[2] > 0);
});

test("the station's mean motion of 15.5 a day is a height of about 417 km", () => {
  assert.ok(Math.abs(semiMajorAxis(revolutions(15.5)) - 6378.137 - 417) < 2);
});

test("places on the ellipsoid: equator, pole, and a height", () => {
  assert.ok(Math.abs(earthFixed(0, 90, 0)[1] - 6378.137) < 1e-9);
  assert.ok(Math.abs(earthFixed(90, 0, 0)[2] - 6356.7523) < 1e-4);
  assert.ok(Math.abs(earthFixed(0, 0, 500)[0] - 6878.137) < 1e-9);
  const [x, y] = turnedAboutAxis([1, 0, 5], Math.PI / 2);
  assert.ok(Math.abs(x) < 1e-12 && Math.abs(y - 1) < 1e-12);
});
