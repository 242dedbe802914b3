// @ts-check
/** Truth: the geometry of the orthographic projection, and on which side of a coast well-known places lie. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { paintEarth, paintPoints } from "../../../../stmgpu/report/page/scripts/globe_image.js";
import { coastLines } from "../../../../stmgpu/report/page/scripts/land.js";
import { dragged, hidden, seen, viewFrom } from "../../../../stmgpu/report/page/scripts/view.js";

/** @typedef {[number, number, number]} Vector */

const unit = (/** @type {number} */ latitude, /** @type {number} */ longitude) => {
  const [phi, lambda] = [(latitude * Math.PI) / 180, (longitude * Math.PI) / 180];
  return /** @type {Vector} */ ([Math.cos(phi) * Math.cos(lambda), Math.cos(phi) * Math.sin(lambda), Math.sin(phi)]);
};
const near = (/** @type {number[]} */ a, /** @type {number[]} */ b) => a.every((part, k) => Math.abs(part - b[k]) < 1e-12);

test("the place below the eye is in the middle, north is up and east is right", () => {
  const view = viewFrom(40, -75);
  assert.ok(near(seen(view, unit(40, -75)), [0, 0, 1]));
  const north = seen(view, unit(41, -75));
  assert.ok(north[1] > 0 && Math.abs(north[0]) < 1e-12);
  assert.ok(seen(view, unit(40, -74))[0] > 0);
});

test("only what is behind the disc is hidden", () => {
  assert.ok(hidden([0, 0, -7000], 6378));
  assert.ok(!hidden([0, 0, 7000], 6378));
  assert.ok(!hidden([6500, 0, -10], 6378));
});

test("a drag to the right turns the globe west, across the date line and not beyond the poles", () => {
  const after = dragged({ latitude: 0, longitude: -179 }, 200 * (Math.PI / 180) * 2, 0, 200);
  assert.ok(Math.abs(after.longitude - 179) < 1e-9);
  assert.equal(dragged({ latitude: 80, longitude: 0 }, 0, 1e4, 200).latitude, 90);
});

/** Even-odd rule. @param {number} x @param {number} y @returns {boolean} */
function onLand(x, y) {
  let inside = false;
  for (const ring of coastLines()) {
    for (const shift of [-360, 0, 360]) {
      ring.forEach((p, k) => {
        const q = ring[(k + 1) % ring.length];
        const [x1, x2] = [p[0] + shift, q[0] + shift];
        if (Math.abs(x1 - x2) > 180) return;
        if (p[1] > y !== q[1] > y && x < x1 + ((y - p[1]) * (x2 - x1)) / (q[1] - p[1])) inside = !inside;
      });
    }
  }
  return inside;
}

test("cities are on land and oceans are not", () => {
  for (const [name, x, y] of [["Paris", 2.35, 48.85], ["Nairobi", 36.8, -1.3], ["Denver", -105, 39.7], ["Alice Springs", 133.9, -23.7], ["Chukotka", -175, 67], ["Urumqi", 87.6, 43.8]]) {
    assert.ok(onLand(Number(x), Number(y)), String(name));
  }
  for (const [name, x, y] of [["Pacific", -150, 0], ["Atlantic", -30, 0], ["Indian Ocean", 80, -20], ["Arctic", 0, 88], ["Caspian Sea", 51, 41.5]]) {
    assert.ok(!onLand(Number(x), Number(y)), String(name));
  }
});

test("rings never jump over the date line", () => {
  const steps = coastLines().flatMap((ring) => ring.slice(1).map((point, k) => Math.abs(point[0] - ring[k][0])));
  assert.ok(Math.max(...steps) < 180);
  assert.ok(coastLines().flat().length > 4000);
});

const image = (/** @type {number} */ size) => /** @type {any} */ ({ data: new Uint8ClampedArray(4 * size * size), width: size, height: size });
const map = { wide: 4, high: 2, share: Uint8Array.of(0, 0, 255, 255, 0, 0, 255, 255) }; // the eastern hemisphere is land
const paint = { sea: [0, 0, 200], land: [200, 0, 0], night: [0.5, 0.5, 0.5], point: [0, 255, 0] };

test("the disc shows land east of Greenwich, sea west of it, night away from the Sun, and nothing beside it", () => {
  const picture = image(64);
  paintEarth(picture, { x: 32, y: 32, radius: 30 }, viewFrom(0, 0), [0, 0, 1], map, paint);
  const at = (/** @type {number} */ x, /** @type {number} */ y) => [...picture.data.slice(4 * (64 * y + x), 4 * (64 * y + x) + 4)];
  assert.deepEqual(at(44, 14), [200, 0, 0, 255]);
  assert.deepEqual(at(20, 14), [0, 0, 200, 255]);
  assert.deepEqual(at(44, 50), [100, 0, 0, 255]);
  assert.deepEqual(at(1, 1), [0, 0, 0, 0]);
});

test("points are painted in front of the Earth and beside it, not behind, and not when masked", () => {
  const points = Float32Array.from([1.1, 0, 0, -1.1, 0, 0, -0.3, 1.2, 0]); // before, behind, beside
  const painted = (/** @type {Uint8Array | null} */ mask) => {
    const picture = image(90);
    paintPoints(picture, { x: 45, y: 45, radius: 30 }, viewFrom(0, 0), points, mask, paint.point);
    return picture.data.filter((/** @type {number} */ _, /** @type {number} */ k) => k % 4 === 3 && picture.data[k]).length;
  };
  assert.equal(painted(null), 8);
  assert.equal(painted(Uint8Array.of(0, 1, 1)), 4);
});
