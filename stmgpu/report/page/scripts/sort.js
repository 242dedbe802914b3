// @ts-check
/** Order of rows by a column: a radix sort of the bits of its numbers, stable, in time that is linear in the rows. */

const DIGITS = 65536;

/**
 * Rows sorted by a key; rows of equal keys keep their order, and rows without a number (NaN) come last either way.
 * @param {ArrayLike<number>} keys
 * @param {boolean} descending
 * @returns {Uint32Array}
 */
export function sortedRows(keys, descending) {
  const rows = keys.length;
  const halves = sortableBits(keys, descending);
  let order = new Uint32Array(rows);
  for (let k = 0; k < rows; k++) order[k] = k;
  let other = new Uint32Array(rows);
  const counts = new Uint32Array(DIGITS + 1);
  for (let pass = 0; pass < 4; pass++) {
    const words = halves[pass >> 1];
    const shift = 16 * (pass & 1);
    counts.fill(0);
    for (let k = 0; k < rows; k++) counts[((words[k] >>> shift) & 0xffff) + 1]++;
    if (rows && counts[((words[0] >>> shift) & 0xffff) + 1] === rows) continue; // all alike
    for (let digit = 0; digit < DIGITS; digit++) counts[digit + 1] += counts[digit];
    for (let k = 0; k < rows; k++) other[counts[(words[order[k]] >>> shift) & 0xffff]++] = order[k];
    [order, other] = [other, order];
  }
  return order;
}

/**
 * Low and high halves of unsigned integers that are ordered as the numbers are.
 * @param {ArrayLike<number>} keys @param {boolean} descending @returns {[Uint32Array, Uint32Array]}
 */
function sortableBits(keys, descending) {
  const rows = keys.length;
  const numbers = new Float64Array(rows);
  for (let k = 0; k < rows; k++) numbers[k] = keys[k] + 0; // no negative zero
  const words = new Uint32Array(numbers.buffer);
  const low = new Uint32Array(rows);
  const high = new Uint32Array(rows);
  for (let k = 0; k < rows; k++) {
    let [first, second] = [words[2 * k], words[2 * k + 1]];
    if (numbers[k] !== numbers[k]) {
      low[k] = high[k] = 0xffffffff;
      continue;
    }
    if (second >>> 31) [first, second] = [~first, ~second];
    else second |= 0x80000000;
    low[k] = descending ? ~first : first;
    high[k] = descending ? ~second : second;
  }
  return [low, high];
}

/**
 * Numbers that are ordered as the texts are, whose values stand in order; without a number for empty texts.
 * @param {{codes: Uint32Array, values: string[]}} text
 * @returns {Float64Array}
 */
export function textKeys({ codes, values }) {
  const keys = new Float64Array(codes.length);
  for (let k = 0; k < keys.length; k++) keys[k] = values[codes[k]] === "" ? NaN : codes[k];
  return keys;
}
