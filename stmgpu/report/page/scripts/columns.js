// @ts-check
/** Columns of the page: byte-shuffled gzip in base64, decoded by the browser itself. */

/** @typedef {{name: string, kind: "f4"|"f8"|"i4"|"u4"|"u1"|"text", length: number, data_id: string, scale?: number, values?: string[]}} Description */
/** @typedef {{codes: Uint32Array, values: string[]}} Text */
/** @typedef {Float32Array|Float64Array|Int32Array|Uint32Array|Uint8Array} Numbers */
/** @typedef {Map<string, any>} Columns  Numbers or Text by name. */

const TYPES = { f4: Float32Array, f8: Float64Array, i4: Int32Array, u4: Uint32Array, u1: Uint8Array, text: Uint32Array };
const ABSENT = -2147483648;

/**
 * Decode all columns of a document.
 * @param {{columns: Description[]}} doc
 * @returns {Promise<Columns>}
 */
export async function loadColumns(doc) {
  const loaded = await Promise.all(doc.columns.map(loadColumn));
  return new Map(doc.columns.map((description, k) => [description.name, loaded[k]]));
}

/** @param {Description} description @returns {Promise<Numbers|Text>} */
async function loadColumn(description) {
  const element = /** @type {HTMLElement} */ (document.getElementById(description.data_id));
  const bytes = await unpacked(element.textContent ?? "");
  element.textContent = ""; // the text is not needed any more
  const array = new TYPES[description.kind](unshuffled(bytes, description.length).buffer);
  if (description.kind === "text") {
    return { codes: /** @type {Uint32Array} */ (array), values: description.values ?? [] };
  }
  return description.scale ? scaled(/** @type {Int32Array} */ (array), description.scale) : array;
}

/** @param {string} text  base64 of gzip @returns {Promise<Uint8Array>} */
export async function unpacked(text) {
  const binary = atob(text);
  const packed = new Uint8Array(binary.length);
  for (let k = 0; k < packed.length; k++) packed[k] = binary.charCodeAt(k);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * Values from planes of bytes.
 * @param {Uint8Array} planes @param {number} length @returns {Uint8Array<ArrayBuffer>}
 */
export function unshuffled(planes, length) {
  const width = length ? planes.length / length : 1;
  const bytes = new Uint8Array(planes.length);
  for (let plane = 0; plane < width; plane++) {
    for (let k = 0, from = plane * length, to = plane; k < length; k++, from++, to += width) bytes[to] = planes[from];
  }
  return bytes;
}

/** @param {Int32Array} whole @param {number} scale @returns {Float64Array} */
function scaled(whole, scale) {
  const values = new Float64Array(whole.length);
  for (let k = 0; k < values.length; k++) values[k] = whole[k] === ABSENT ? NaN : whole[k] / scale;
  return values;
}
