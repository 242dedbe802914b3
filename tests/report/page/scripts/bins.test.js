// @ts-check
/** Truth: counting by hand, and by a second way over random values. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { binner, cellsOf, histogramOf, within } from "../../../../stmgpu/report/page/scripts/bins.js";
import { spread } from "../../../../stmgpu/report/page/scripts/legend.js";

test("a bin holds its lower edge, the last one also its upper edge", () => {
  const bin = binner([0, 1, 10, 100]);
  assert.deepEqual([-0.1, 0, 0.99, 1, 10, 100, 100.1, NaN].map(bin), [-1, 0, 0, 1, 2, 2, -1, -1]);
});

test("cells equal a count of each rectangle by itself", () => {
  let state = 7;
  const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
  const x = Array.from({ length: 500 }, random);
  const y = Array.from({ length: 500 }, random);
  const edges = [0, 0.2, 0.7, 1];
  const mask = Uint8Array.from(x, (_, i) => i % 3 && 1);
  const counts = cellsOf([{ x, y }], edges, edges, mask);
  for (let j = 0; j < 3; j += 1) {
    for (let i = 0; i < 3; i += 1) {
      const expected = x.filter((_, k) => k % 3 && x[k] >= edges[i] && x[k] < edges[i + 1] && y[k] >= edges[j] && y[k] < edges[j + 1]);
      assert.equal(counts[3 * j + i], expected.length);
    }
  }
  const columns = [0, 1, 2].map((i) => counts[i] + counts[3 + i] + counts[6 + i]);
  assert.deepEqual([...histogramOf(x, edges, mask)], columns);
});

test("a row is within a range if one of its pairs is", () => {
  const pairs = [{ x: [1, 5, NaN], y: [1, 1, 1] }, { x: [9, 2, 2], y: [9, 9, 2] }];
  assert.deepEqual([...within(pairs, { x0: 0, x1: 3, y0: 0, y1: 3 })], [1, 0, 1]);
});

test("labels are moved apart and stay inside", () => {
  const heights = spread([50, 52, 51, 98], 10, 0, 100);
  const sorted = [...heights].sort((a, b) => a - b);
  for (let i = 1; i < 4; i += 1) assert.ok(sorted[i] - sorted[i - 1] >= 10 - 1e-9);
  assert.ok(sorted[0] >= 0 && sorted[3] <= 100);
  assert.ok(heights[0] < heights[2] && heights[2] < heights[1]);
});
