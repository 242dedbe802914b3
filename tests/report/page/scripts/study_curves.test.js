// @ts-check
/** Truth: each value lies inside its own cell, and cells of equal steps are equal. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { edgesAround } from "../../../../stmgpu/report/page/scripts/study_curves.js";

test("records of each year and of every fifth year stand in the middle of their cells", () => {
  assert.deepEqual(edgesAround([2023, 2024, 2025]), [2022.5, 2023.5, 2024.5, 2025.5]);
  assert.deepEqual(edgesAround([2020, 2025, 2030]), [2017.5, 2022.5, 2027.5, 2032.5]);
});

test("uneven records and a single one have increasing edges around them", () => {
  for (const values of [[2020], [2020, 2021, 2030, 2030.5]]) {
    const edges = edgesAround(values);
    assert.equal(edges.length, values.length + 1);
    values.forEach((value, k) => assert.ok(edges[k] < value && value < edges[k + 1]));
  }
});
