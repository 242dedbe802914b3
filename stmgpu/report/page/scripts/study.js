// @ts-check
/** The page of a study. */

/**
 * @param {HTMLElement} parent
 * @param {{doc: any, columns: import("./columns.js").Columns}} page
 */
export function studyPage(parent, page) {
  void parent;
  void page;
}
