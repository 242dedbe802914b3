// @ts-check
/** Truth: numbers written by hand. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { clock, cut, fixed, instant, number, powerOfTen } from "../../../../stmgpu/report/page/scripts/labels.js";

test("numbers keep their significant digits and drop zeros at their end", () => {
  const cases = [
    [0, "0"], [12, "12"], [-3, "−3"], [1234567, "1,234,567"], [0.5, "0.5"], [0.123456, "0.1235"], [14.2, "14.2"],
    [1.23456e-7, "1.235 × 10⁻⁷"], [-2.5e-9, "−2.5 × 10⁻⁹"], [3e12, "3 × 10¹²"], [NaN, "unknown"], [Infinity, "∞"],
  ];
  for (const [value, text] of cases) assert.equal(number(/** @type {number} */ (value)), text);
});

test("a value that rounds to zero has no sign, and thousands are set apart from five digits on", () => {
  assert.equal(fixed(-0.001, 2), "0.00");
  assert.equal(fixed(1234.5, 1), "1234.5");
  assert.equal(fixed(12345.6, 1), "12,345.6");
  assert.equal(fixed(1234, 0, 4), "1,234");
});

test("powers of ten, instants and clocks", () => {
  assert.equal(powerOfTen(-12), "10⁻¹²");
  assert.equal(instant(Date.UTC(2026, 10, 30, 3, 4, 5) / 1000), "2026-11-30 03:04:05");
  assert.equal(instant(NaN), "unknown");
  assert.equal(clock(Date.UTC(2026, 10, 30, 3, 4, 5) / 1000, 3600), "03:04");
  assert.equal(clock(Date.UTC(2026, 10, 30) / 1000, 3600), "30 Nov");
});

test("a text is cut to its width with an ellipsis", () => {
  const measure = (/** @type {string} */ text) => text.length * 10;
  assert.equal(cut("abcdef", 60, measure), "abcdef");
  assert.equal(cut("abcdef", 45, measure), "abc…");
});
