// @ts-check
/** The selected row, mirrored to the address as `#event=ID`, so that a link shows the same event. */

const KEY = "event=";

export class Selection {
  /** @type {number|null} */ #row = null;
  /** @type {Set<(row: number|null) => void>} */ #listeners = new Set();
  /** @type {(row: number) => string} */ #idOf;
  /** @type {(id: string) => number|null} */ #rowOf;

  /**
   * @param {(row: number) => string} idOf  id of a row in links
   * @param {(id: string) => number|null} rowOf  its row, or null if there is none
   */
  constructor(idOf, rowOf) {
    this.#idOf = idOf;
    this.#rowOf = rowOf;
    addEventListener("hashchange", () => this.follow());
  }

  get row() {
    return this.#row;
  }

  /** Link to the selected row; without one, to the page. */
  get link() {
    const page = location.href.split("#")[0];
    return this.#row === null ? page : `${page}#${KEY}${this.#idOf(this.#row)}`;
  }

  /**
   * Select a row, or none.
   * @param {number|null} row
   * @param {boolean} [mirrored]  whether the address follows
   */
  select(row, mirrored = true) {
    const same = row === this.#row;
    this.#row = row;
    if (mirrored) this.#mirror(row);
    if (!same) for (const listener of this.#listeners) listener(row);
  }

  /** @param {number|null} row */
  #mirror(row) {
    const place = row === null ? "" : `#${KEY}${this.#idOf(row)}`;
    if (place || location.hash.startsWith(`#${KEY}`)) {
      try {
        history.replaceState(null, "", place || location.pathname + location.search);
      } catch {
        location.hash = place; // pages without an address of their own, such as a frame's srcdoc
      }
    }
  }

  /** Select the row that the address names. @returns {boolean} whether the address names an event that is not here */
  follow() {
    const place = location.hash.slice(1);
    if (!place.startsWith(KEY)) return false;
    const row = this.#rowOf(decoded(place.slice(KEY.length)));
    if (row !== null) this.select(row);
    return row === null;
  }

  /** Call a function with the row whenever it changes. @param {(row: number|null) => void} listener */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** Text of a part of an address; as it stands where it is broken. @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
