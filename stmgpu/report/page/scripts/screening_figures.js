// @ts-check
/** Figures of a screening. */

/**
 * @param {HTMLElement} parent
 * @param {{doc: any, columns: import("./columns.js").Columns, filters: import("./filters.js").Filters,
 *   selection: import("./selection.js").Selection}} page
 */
export function screeningFigures(parent, page) {
  void parent;
  void page;
}
