// @ts-check
/** Counting of rows in bins. */

/**
 * The bin of a value: `edges[i] <= value < edges[i + 1]`, the last bin with its upper edge; -1 outside.
 * @param {ArrayLike<number>} edges increasing
 * @returns {(value: number) => number}
 */
export function binner(edges) {
  const bins = edges.length - 1;
  const [low, high] = [edges[0], edges[bins]];
  return (value) => {
    if (!(value >= low && value <= high)) return -1;
    let [first, last] = [0, bins];
    while (last - first > 1) {
      const middle = (first + last) >> 1;
      if (value >= edges[middle]) first = middle;
      else last = middle;
    }
    return first;
  };
}

/**
 * Rows of each bin.
 * @param {ArrayLike<number>} values
 * @param {ArrayLike<number>} edges
 * @param {Uint8Array | null} mask rows that count, all if null
 * @returns {Float64Array}
 */
export function histogramOf(values, edges, mask) {
  const counts = new Float64Array(edges.length - 1);
  const bin = binner(edges);
  for (let row = 0; row < values.length; row += 1) {
    if (mask && !mask[row]) continue;
    const at = bin(values[row]);
    if (at >= 0) counts[at] += 1;
  }
  return counts;
}

/**
 * Rows of each cell, the cells of one y bin side by side.
 * @param {{x: ArrayLike<number>, y: ArrayLike<number>}[]} pairs columns; a row counts once for each pair
 * @param {ArrayLike<number>} xEdges
 * @param {ArrayLike<number>} yEdges
 * @param {Uint8Array | null} mask
 * @returns {Float64Array}
 */
export function cellsOf(pairs, xEdges, yEdges, mask) {
  const wide = xEdges.length - 1;
  const counts = new Float64Array(wide * (yEdges.length - 1));
  const [binX, binY] = [binner(xEdges), binner(yEdges)];
  for (const { x, y } of pairs) {
    for (let row = 0; row < x.length; row += 1) {
      if (mask && !mask[row]) continue;
      const i = binX(x[row]);
      const j = i < 0 ? -1 : binY(y[row]);
      if (j >= 0) counts[j * wide + i] += 1;
    }
  }
  return counts;
}

/**
 * Rows within a range in at least one pair of columns.
 * @param {{x: ArrayLike<number>, y?: ArrayLike<number>}[]} pairs
 * @param {{x0: number, x1: number, y0: number, y1: number}} range
 * @returns {Uint8Array}
 */
export function within(pairs, { x0, x1, y0, y1 }) {
  const mask = new Uint8Array(pairs[0].x.length);
  for (const { x, y } of pairs) {
    for (let row = 0; row < mask.length; row += 1) {
      if (x[row] >= x0 && x[row] <= x1 && (!y || (y[row] >= y0 && y[row] <= y1))) mask[row] = 1;
    }
  }
  return mask;
}

/**
 * What the law expects within each distance, from the count within the largest.
 * @param {ArrayLike<number>} distances
 * @param {number} total within the last distance
 * @returns {number[]}
 */
export function expected(distances, total) {
  const largest = distances[distances.length - 1];
  return Array.from(distances, (distance) => total * (distance / largest) ** 2);
}

/**
 * Rows with a value of at most each distance.
 * @param {ArrayLike<number>} values
 * @param {ArrayLike<number>} distances increasing
 * @param {Uint8Array} mask
 * @returns {number[]}
 */
export function cumulative(values, distances, mask) {
  const counts = new Array(distances.length).fill(0);
  for (let row = 0; row < values.length; row += 1) {
    if (!mask[row]) continue;
    let [low, high] = [0, distances.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (distances[middle] >= values[row]) high = middle;
      else low = middle + 1;
    }
    if (low < counts.length) counts[low] += 1;
  }
  let sum = 0;
  return counts.map((count) => (sum += count));
}

/**
 * Conjunctions between groups, symmetric.
 * @param {ArrayLike<number>} one group of the primary by row, -1 for none
 * @param {ArrayLike<number>} other
 * @param {number} n groups
 * @param {Uint8Array} mask
 * @returns {Float64Array}
 */
export function meetings(one, other, n, mask) {
  const counts = new Float64Array(n * n);
  for (let row = 0; row < mask.length; row += 1) {
    const [a, b] = [one[row], other[row]];
    if (!mask[row] || a < 0 || b < 0) continue;
    counts[a * n + b] += 1;
    if (a !== b) counts[b * n + a] += 1;
  }
  return counts;
}

/** Cells of a lower triangle, row by row. @param {number} n @returns {number[][]} */
export function triangle(n) {
  return Array.from({ length: n }, (_, row) => Array.from({ length: row + 1 }, (__, column) => [row, column])).flat();
}

/**
 * The range that two cells span.
 * @param {ArrayLike<number>} xEdges
 * @param {ArrayLike<number>} yEdges
 * @param {number} first cell, counted along x
 * @param {number} last
 * @returns {{x0: number, x1: number, y0: number, y1: number}}
 */
export function spanned(xEdges, yEdges, first, last) {
  const wide = xEdges.length - 1;
  const [left, right] = [first % wide, last % wide].sort((a, b) => a - b);
  const [low, high] = [Math.floor(first / wide), Math.floor(last / wide)].sort((a, b) => a - b);
  return { x0: xEdges[left], x1: xEdges[right + 1], y0: yEdges[low], y1: yEdges[high + 1] };
}
