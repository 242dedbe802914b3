// @ts-check
/** Truth: WCAG 2's contrast of black and white, 21, and its limit for text, 4.5. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { css, diverging, ink, luminance, rgb } from "../../../../stmgpu/report/page/scripts/tones.js";

const contrast = (/** @type {number} */ a, /** @type {number} */ b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);

test("colours are read in each form", () => {
  assert.deepEqual(rgb("#0b5fa5"), [11, 95, 165]);
  assert.deepEqual(rgb("#fff"), [255, 255, 255]);
  assert.deepEqual(rgb("rgb(1, 2, 3)"), [1, 2, 3]);
  assert.equal(css([0.4, 254.6, 7]), "rgb(0, 255, 7)");
});

test("black on white has a contrast of 21, and the ink on any grey at least 4.5", () => {
  assert.ok(Math.abs(contrast(luminance([0, 0, 0]), luminance([255, 255, 255])) - 21) < 1e-9);
  for (let grey = 0; grey < 256; grey += 1) {
    const behind = [grey, grey, grey];
    assert.ok(contrast(luminance(behind), ink(behind) === "#fff" ? 1 : 0) >= 4.5, String(grey));
  }
});

test("differences have the panel's colour at 0 and a colour for each sign", () => {
  const tone = diverging(/** @type {any} */ ({ series: ["#0000ff", "#ff0000"], panel: "#ffffff" }));
  assert.deepEqual([-1, 0, 1, 0.5].map(tone), [[0, 0, 255], [255, 255, 255], [255, 0, 0], [255, 127.5, 127.5]]);
});
