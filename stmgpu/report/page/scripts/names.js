// @ts-check
/** Names of objects as the page shows them. */

import { printable } from "./fields.js";

/**
 * Name of an object of a row, or its id.
 * @param {import("./columns.js").Columns} columns
 * @param {"primary" | "secondary"} who
 * @returns {(row: number) => string}
 */
export function called(columns, who) {
  const [ids, text] = [columns.get(who), columns.get(`${who}_name`)];
  return (row) => (text && printable(text.values[text.codes[row]])) || `Object ${ids[row]}`;
}

/** Names of both objects of a row. @param {import("./columns.js").Columns} columns @returns {(row: number) => string[]} */
export function pairNames(columns) {
  const [one, other] = [called(columns, "primary"), called(columns, "secondary")];
  return (row) => [one(row), other(row)];
}
