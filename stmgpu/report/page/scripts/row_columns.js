// @ts-check
/** Columns of a row that follow from others: what an object has, and times in seconds. */

const OF_OBJECTS = ["name", "type", "status", "constellation", "kind", "group"];

/**
 * Add `tca` [Unix s], and for primary and secondary the id and what its object is called, to the columns.
 * @param {import("./columns.js").Columns} columns
 */
export function addRowColumns(columns) {
  columns.set("tca", /** @type {Float64Array} */ (columns.get("tca_ms")).map((ms) => ms / 1000));
  columns.delete("tca_ms");
  for (const who of ["primary", "secondary"]) {
    const places = columns.get(`${who}_object`);
    columns.set(who, taken(columns.get("object_id"), places));
    for (const what of OF_OBJECTS) {
      const text = columns.get(`object_${what}`);
      if (text) columns.set(`${who}_${what}`, { codes: taken(text.codes, places), values: text.values });
    }
  }
}

/** @param {Uint32Array} values @param {Uint32Array} places @returns {Uint32Array} */
function taken(values, places) {
  const row = new Uint32Array(places.length);
  for (let k = 0; k < row.length; k++) row[k] = values[places[k]];
  return row;
}
