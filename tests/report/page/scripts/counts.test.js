// @ts-check
/** Truth: counting by hand; the number of random passes within a distance grows with its square. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { cumulative, expected, meetings, spanned, triangle } from "../../../../stmgpu/report/page/scripts/bins.js";
import { short } from "../../../../stmgpu/report/page/scripts/labels.js";
import { nearest, places } from "../../../../stmgpu/report/page/scripts/points.js";

test("half the distance expects a quarter of the conjunctions", () => {
  assert.deepEqual(expected([0.5, 1, 2], 400), [25, 100, 400]);
});

test("the cumulative count equals a count of each distance by itself", () => {
  const values = [0.5, 0.1, 2, 1, 3.5, 1];
  const mask = Uint8Array.of(1, 1, 1, 1, 1, 0);
  const distances = [0.2, 0.5, 1, 3];
  const byHand = distances.map((d) => values.filter((value, row) => mask[row] && value <= d).length);
  assert.deepEqual(cumulative(values, distances, mask), byHand);
});

test("a conjunction stands once on the diagonal and in both halves beside it", () => {
  const counts = meetings([0, 0, 1, 2, -1], [0, 1, 0, 2, 1], 3, Uint8Array.of(1, 1, 1, 1, 1));
  assert.deepEqual([...counts], [1, 2, 0, 2, 0, 0, 0, 0, 1]);
});

test("a triangle has each pair once, and its place follows from row and column", () => {
  const cells = triangle(5);
  assert.equal(cells.length, 15);
  cells.forEach(([row, column], i) => assert.equal((row * (row + 1)) / 2 + column, i));
});

test("counts are short", () => {
  assert.deepEqual([0, 999, 1000, 1234, 9940, 9960, 25400, 999600, 3.2e6].map(short), ["0", "999", "1.0k", "1.2k", "9.9k", "10k", "25k", "1.0M", "3.2M"]);
});

test("places leave out what is masked or unknown, and the nearest is the nearest", () => {
  const plot = /** @type {any} */ ({ px: (/** @type {number} */ v) => 10 * v, py: (/** @type {number} */ v) => 10 * v });
  const spots = places({ x: [1, 2, NaN, 4], y: [1, 2, 3, 4] }, plot, Uint8Array.of(1, 0, 1, 1));
  assert.deepEqual([...spots.rows], [0, 3]);
  assert.equal(nearest(spots, 37, 41), 1);
  assert.equal(nearest(spots, 200, 200), -1);
});

test("two cells span the range of all between them, in whatever order", () => {
  const [x, y] = [[0, 1, 2, 3], [10, 20, 30]];
  assert.deepEqual(spanned(x, y, 1, 5), { x0: 1, x1: 3, y0: 10, y1: 30 });
  assert.deepEqual(spanned(x, y, 3, 2), { x0: 0, x1: 3, y0: 10, y1: 30 });
  assert.deepEqual(spanned(x, y, 4, 4), { x0: 1, x1: 2, y0: 20, y1: 30 });
});
