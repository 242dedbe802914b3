// @ts-check
/** Filters of rows by name, each set by one control or figure, with the rows that pass all of them. */

export class Filters {
  /** @type {Map<string, Uint8Array>} */ #masks = new Map();
  /** @type {Set<(name: string) => void>} */ #listeners = new Set();
  /** @type {Uint16Array} */ #failing; // filters that a row fails
  /** @type {Uint32Array|null} */ #shown = null;

  /** @param {number} rows */
  constructor(rows) {
    this.rows = rows;
    this.#failing = new Uint16Array(rows);
  }

  /** Names of the filters that are set. */
  get names() {
    return [...this.#masks.keys()];
  }

  /**
   * Set a filter, or remove it with null.
   * @param {string} name
   * @param {Uint8Array|null} mask  1 for each row that passes
   */
  set(name, mask) {
    const before = this.#masks.get(name);
    if (!mask && !before) return;
    const failing = this.#failing;
    for (let k = 0; before && k < failing.length; k++) failing[k] -= 1 - before[k];
    for (let k = 0; mask && k < failing.length; k++) failing[k] += 1 - mask[k];
    if (mask) this.#masks.set(name, mask);
    else this.#masks.delete(name);
    this.#shown = null;
    for (const listener of this.#listeners) listener(name);
  }

  /** Whether a row passes all filters. @param {number} row */
  passes(row) {
    return this.#failing[row] === 0;
  }

  /** Rows that pass all filters. @returns {Uint32Array} */
  get shown() {
    if (!this.#shown) {
      const rows = new Uint32Array(this.rows);
      let count = 0;
      for (let k = 0; k < rows.length; k++) if (this.#failing[k] === 0) rows[count++] = k;
      this.#shown = rows.subarray(0, count);
    }
    return this.#shown;
  }

  /**
   * Rows that pass all filters but one, so that a figure shows what its own filter could let in.
   * @param {string} name @returns {Uint8Array}  1 for each of them
   */
  passesOthers(name) {
    const own = this.#masks.get(name);
    const passes = new Uint8Array(this.rows);
    for (let k = 0; k < passes.length; k++) passes[k] = +(this.#failing[k] - (own ? 1 - own[k] : 0) === 0);
    return passes;
  }

  /** Call a function with the name of a filter whenever one changes. @param {(name: string) => void} listener */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
