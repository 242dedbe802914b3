// @ts-check
/** Truth: what is written, read back as a spreadsheet reads it, is text and no formula. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { csvText, tabText } from "../../../../stmgpu/report/page/scripts/export.js";

const NAMES = ["=1+1", "'=x", "@cmd", "\t=1", '"=1+1"', '" =2', 'comma, "quote"', "plain"];
/** @type {any} */
const FIELD = { head: "name", kind: "text", csv: (/** @type {number} */ row) => NAMES[row] };
const ROWS = Uint32Array.from(NAMES.keys());

/** A cell as a spreadsheet takes it: quotes around it fall away. @param {string} cell */
function taken(cell) {
  return cell.startsWith('"') && cell.endsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell;
}

for (const [what, write] of /** @type {const} */ ([["pasted", tabText], ["opened", csvText]])) {
  test(`no name is a formula when it is ${what}`, () => {
    const cells = write([FIELD], ROWS).trimEnd().split("\n").slice(1).map(taken);
    assert.equal(cells.length, NAMES.length);
    assert.deepEqual(cells.filter((cell) => /^[=+\-@\t\r]/.test(cell)), []);
    assert.equal(cells[4], '"=1+1"');
    assert.equal(cells[7], "plain");
  });
}
