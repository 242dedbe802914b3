// @ts-check
/** Ties between a figure and the filters: it sets one of them, and is drawn again when another changes. */

/**
 * @typedef {import("./filters.js").Filters} Filters
 * @typedef {object} Linked
 * @property {Filters} [filters]
 * @property {string} [name] of the figure's own filter
 * @property {() => Uint8Array | null} [mask] rows that pass the other filters; null where nothing is filtered
 */

/**
 * Rows that a figure shows.
 * @param {Linked} spec
 * @returns {Uint8Array | null} null where all rows count
 */
export function maskOf({ filters, name = "", mask }) {
  if (mask) return mask();
  const passing = filters?.passesOthers(name);
  return passing && passing.indexOf(0) >= 0 ? passing : null;
}

/**
 * Draw a figure again when others filter, and take away its brush when its own filter is removed.
 * @param {import("./figure.js").Drawn} drawn
 * @param {Linked} spec
 * @returns {() => void} ends the tie
 */
export function link(drawn, { filters, name = "" }) {
  const forget = filters?.subscribe((/** @type {string} */ changed) => {
    if (changed !== name) drawn.update();
    else if (!filters.names.includes(name)) drawn.clear();
  });
  return () => void forget?.();
}

/**
 * The parts of a figure that every kind has.
 * @template {object} T
 * @param {import("./figure.js").Drawn} drawn
 * @param {T} spec
 * @returns {{update: (change?: Partial<T>) => void, destroy: () => void}}
 */
export function handle(drawn, spec) {
  const unlink = link(drawn, /** @type {Linked} */ (spec));
  return {
    update(change = {}) {
      Object.assign(spec, change);
      drawn.update();
    },
    destroy() {
      unlink();
      drawn.destroy();
    },
  };
}
