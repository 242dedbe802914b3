// @ts-check
/** Truth: the definition of a scale (its inverse undoes it) and of a tick (a round number inside the axis). */

import assert from "node:assert/strict";
import { test } from "node:test";

import { extent, niceStep, rounded, scale } from "../../../../stmgpu/report/page/scripts/scale.js";

const labels = (/** @type {{label: string}[]} */ ticks) => ticks.map(({ label }) => label);

test("a scale and its inverse undo each other, and the ends are 0 and 1", () => {
  for (const kind of /** @type {const} */ (["linear", "log", "time"])) {
    const axis = scale(kind, 3, 700);
    assert.ok(Math.abs(axis.place(3)) < 1e-12);
    assert.ok(Math.abs(axis.place(700) - 1) < 1e-12);
    for (const value of [3, 10, 99.5, 700]) assert.ok(Math.abs(axis.value(axis.place(value)) - value) < 1e-9);
  }
});

test("steps are 1, 2 or 5 times a power of ten and never below what was asked for", () => {
  for (const [value, step] of [[0.7, 1], [1, 1], [1.1, 2], [2.1, 5], [5.1, 10], [0.003, 0.005], [200, 200]]) {
    assert.ok(Math.abs(niceStep(value) - step) < 1e-12 * step);
  }
});

test("linear ticks are round and inside, with as many decimals as they need", () => {
  assert.deepEqual(labels(scale("linear", 0, 1).ticks(5)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
  assert.deepEqual(labels(scale("linear", -0.3, 0.1).ticks(4)), ["−0.3", "−0.2", "−0.1", "0.0", "0.1"]);
  assert.deepEqual(labels(scale("linear", 2026, 2126).ticks(3)), ["2050", "2100"]);
  assert.deepEqual(labels(scale("linear", 0, 15000).ticks(3)), ["0", "5,000", "10,000", "15,000"]);
  assert.deepEqual(labels(scale("linear", 0, 2.5e6).ticks(3)), ["0", "1 × 10⁶", "2 × 10⁶"]);
});

test("log ticks are decades, with steps between them on a short axis", () => {
  assert.deepEqual(labels(scale("log", 0.01, 100).ticks(9)), ["0.01", "0.1", "1", "10", "100"]);
  assert.deepEqual(labels(scale("log", 1e-9, 1e3).ticks(5)), ["10⁻⁹", "10⁻⁶", "10⁻³", "10⁰", "10³"]);
  assert.deepEqual(labels(scale("log", 0.1, 5).ticks(6)), ["0.1", "0.2", "0.5", "1", "2", "5"]);
});

test("time ticks fall on the clock and name the day at midnight", () => {
  const start = Date.UTC(2026, 10, 30) / 1000;
  assert.deepEqual(labels(scale("time", start, start + 86400).ticks(4)), ["30 Nov", "06:00", "12:00", "18:00", "1 Dec"]);
  assert.deepEqual(labels(scale("time", start + 10, start + 70).ticks(4)), ["00:00:15", "00:00:30", "00:00:45", "00:01:00"]);
});

test("an axis without length, without values or without positive values still has one", () => {
  for (const axis of [scale("linear", 5, 5), scale("linear", 0, 0), scale("log", 2, 2), scale("linear", NaN, NaN), scale("log", -1, 0)]) {
    assert.ok(axis.domain[1] > axis.domain[0]);
    assert.ok(axis.ticks(5).length > 0);
  }
});

test("the extent leaves out what is not finite, and what is not positive on a log axis", () => {
  assert.deepEqual(extent([[3, NaN, -2], [Infinity, 7]]), [-2, 7]);
  assert.deepEqual(extent([[0, 4, -1, 9]], "log"), [4, 9]);
  assert.deepEqual(extent([[]]), [NaN, NaN]);
});

test("rounded ends hold the values", () => {
  assert.deepEqual(rounded("linear", 3, 97), [0, 100]);
  assert.deepEqual(rounded("linear", 30, 97, true), [0, 100]);
  assert.deepEqual(rounded("log", 0.02, 30), [0.01, 100]);
});
