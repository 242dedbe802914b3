// @ts-check
/** Columns of the table: titles, how a value is written, how it is sorted and filtered, and its name in CSV files. */
import { textKeys } from "./sort.js";

/**
 * @typedef {Object} Field
 * @property {string} name  of its data, and of the column in tests and files
 * @property {string} title
 * @property {string} [unit]
 * @property {string} [meaning]  in a sentence
 * @property {number} width  in pixels
 * @property {"number"|"text"|"time"} kind
 * @property {(row: number) => string} text  as the table shows it
 * @property {(row: number) => string} csv  as a CSV file has it, before it is protected
 * @property {string} head  name in a CSV file
 * @property {() => ArrayLike<number>} keys  what rows are sorted by
 * @property {ArrayLike<number>} [values]  of numbers and times [Unix s]
 * @property {{codes: Uint32Array, values: string[]}} [words]  of texts
 */

/** @typedef {{name: string, title: string, unit?: string, width: number, digits?: number, head?: string, exact?: number}} Spec */

/** @type {Spec[]} */
const NUMBERS = [
  { name: "miss_distance", title: "Miss", unit: "km", width: 92, digits: 3, head: "miss_distance_km", exact: 6 },
  { name: "relative_speed", title: "Speed", unit: "km/s", width: 112, digits: 3, head: "relative_speed_km_s", exact: 6 },
  { name: "primary", title: "Primary", width: 92 },
  { name: "primary_name", title: "Name of primary", width: 176 },
  { name: "secondary", title: "Secondary", width: 108 },
  { name: "secondary_name", title: "Name of secondary", width: 176 },
  { name: "miss_radial", title: "Radial", unit: "km", width: 102, digits: 3, head: "miss_radial_km", exact: 6 },
  { name: "miss_transverse", title: "Transverse", unit: "km", width: 132, digits: 3, head: "miss_transverse_km", exact: 6 },
  { name: "miss_normal", title: "Normal", unit: "km", width: 106, digits: 3, head: "miss_normal_km", exact: 6 },
  { name: "primary_epoch_age_days", title: "Age 1", unit: "d", width: 88, digits: 1, exact: 6 },
  { name: "secondary_epoch_age_days", title: "Age 2", unit: "d", width: 88, digits: 1, exact: 6 },
  { name: "altitude", title: "Altitude", unit: "km", width: 112, digits: 1, head: "altitude_km", exact: 2 },
  { name: "latitude", title: "Latitude", unit: "°", width: 98, digits: 1, head: "latitude_deg", exact: 2 },
  { name: "longitude", title: "Longitude", unit: "°", width: 110, digits: 1, head: "longitude_deg", exact: 2 },
  { name: "primary_type", title: "Type of primary", width: 136 },
  { name: "secondary_type", title: "Type of secondary", width: 148 },
  { name: "primary_status", title: "Status of primary", width: 150 },
  { name: "secondary_status", title: "Status of secondary", width: 162 },
  { name: "flags", title: "Flags", width: 200 },
];

/** @type {Spec[]} */
const ASSESSED_LAST = [
  { name: "pc_method", title: "Method", width: 110 },
  { name: "pc_flags", title: "Flags of the probability", width: 320 },
];

/** @type {Spec[]} */
const ASSESSED = [
  { name: "triage", title: "Triage", width: 92 },
  { name: "pc", title: "Probability", width: 116 },
  { name: "pc_max", title: "Max. probability", width: 150 },
];

/**
 * Fields of the columns that a document has, in the order of the table.
 * @param {any} doc
 * @param {import("./columns.js").Columns} columns
 * @returns {Field[]}
 */
export function fieldsOf(doc, columns) {
  const tca = columns.get("tca");
  /** @type {Field} */
  const time = {
    name: "tca", title: "Closest approach (UTC)", width: 204, kind: "time", head: "tca", values: tca, keys: () => tca,
    text: (row) => isoTime(tca[row]).replace("T", " ").replace("Z", ""), csv: (row) => isoTime(tca[row]),
  };
  const [first, last] = columns.has("pc") ? [ASSESSED, ASSESSED_LAST] : [[], []];
  return [time, ...[...first, ...NUMBERS, ...last].filter(({ name }) => columns.has(name)).map((spec) => field(spec, doc, columns))];
}

/** @param {number} seconds  Unix time @returns {string} */
export function isoTime(seconds) {
  return new Date(Math.round(seconds * 1000)).toISOString();
}

/** @param {Spec} spec @param {any} doc @param {import("./columns.js").Columns} columns @returns {Field} */
function field(spec, doc, columns) {
  const { name } = spec;
  const column = columns.get(name);
  const common = { ...spec, head: spec.head ?? name, meaning: doc.meanings[name] };
  const meanings = doc.codes[name];
  const words = meanings ? worded(column, meanings, name.endsWith("flags")) : column.codes ? column : null;
  if (words) {
    const text = (/** @type {number} */ row) => words.values[words.codes[row]];
    const plain = words.values.map((/** @type {string} */ value) => (meanings ? value.replaceAll("|", ", ").replaceAll("_", " ") : printable(value)));
    const shown = (/** @type {number} */ row) => plain[words.codes[row]];
    const keys = name === "triage" ? () => column : () => textKeys(words);
    return { ...common, kind: "text", words, text: shown, csv: text, keys };
  }
  const text = numberText(spec, column);
  const exact = spec.exact;
  const csv = (/** @type {number} */ row) => (Number.isNaN(column[row]) ? "nan" : exact ? column[row].toFixed(exact) : plainText(name, column[row]));
  return { ...common, kind: "number", values: column, text, csv, keys: () => column };
}

/** @param {Spec} spec @param {ArrayLike<number>} column @returns {(row: number) => string} */
function numberText(spec, column) {
  const digits = spec.digits;
  if (digits !== undefined) return (row) => (Number.isNaN(column[row]) ? "–" : fixed(column[row], digits));
  if (!spec.name.startsWith("pc")) return (row) => `${column[row]}`;
  return (row) => (Number.isNaN(column[row]) ? "–" : column[row] === 0 ? "<1e-37" : column[row].toExponential(1));
}

/** A whole number, or a probability with the digits that a page keeps. @param {string} name @param {number} value */
function plainText(name, value) {
  return name.startsWith("pc") ? `${Number(value.toPrecision(5))}` : `${value}`;
}

/** A number without a negative zero, and with a true minus. @param {number} value @param {number} digits */
function fixed(value, digits) {
  const text = value.toFixed(digits);
  return text[0] !== "-" ? text : Number(text) === 0 ? text.slice(1) : `−${text.slice(1)}`;
}

/**
 * Codes, or sums of flags, as texts.
 * @param {ArrayLike<number>} column @param {Record<string, string>} meanings @param {boolean} flags
 */
function worded(column, meanings, flags) {
  const word = (/** @type {number} */ value) =>
    Object.entries(meanings).filter(([bit]) => (flags ? value & Number(bit) : value === Number(bit))).map(([, text]) => text).join("|");
  /** @type {Map<number, string>} */
  const known = new Map();
  for (let k = 0; k < column.length; k++) if (!known.has(column[k])) known.set(column[k], word(column[k]));
  const values = [...new Set(known.values())].sort();
  const places = new Map([...known].map(([value, text]) => [value, values.indexOf(text)]));
  const codes = new Uint32Array(column.length);
  for (let k = 0; k < codes.length; k++) codes[k] = /** @type {number} */ (places.get(column[k]));
  return { codes, values };
}

/** A text in which what cannot be seen, or turns the text around it, is written as an escape. @param {string} text */
export function printable(text) {
  return text.replace(/[\p{C}\u2028\u2029]/gu, (one) => `\\u${(one.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`);
}
