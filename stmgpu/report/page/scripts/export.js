// @ts-check
/** What the table shows as CSV, also with the columns of SOCRATES, and the ways out of the page. */
import { isoTime } from "./fields.js";

/** @typedef {import("./fields.js").Field} Field */

const FORMULA = /^'*[=+\-@\t\r]/; // the same rule as stmgpu.csv_cells

/** A text as a cell that no spreadsheet executes, quoted where CSV needs it. @param {string} text */
export function cell(text) {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/**
 * Rows as CSV.
 * @param {Field[]} fields @param {Uint32Array} rows @returns {string}
 */
export function csvText(fields, rows) {
  const lines = [fields.map((one) => one.head).join(",")];
  for (const row of rows) lines.push(fields.map((one) => (one.kind === "text" ? cell(one.csv(row)) : one.csv(row))).join(","));
  return `${lines.join("\n")}\n`;
}

/** Rows as text for a spreadsheet: tabs between what the table shows. @param {Field[]} fields @param {Uint32Array} rows */
export function tabText(fields, rows) {
  const lines = [fields.map((one) => one.head).join("\t")];
  const plain = (/** @type {Field} */ one, /** @type {number} */ row) => {
    const text = one.csv(row).replace(/[\t\r\n]/g, " ");
    if (one.kind !== "text") return text;
    return text.startsWith('"') ? `"${text.replaceAll('"', '""')}"` : FORMULA.test(text) ? `'${text}` : text;
  };
  for (const row of rows) lines.push(fields.map((one) => plain(one, row)).join("\t"));
  return `${lines.join("\n")}\n`;
}

const SOCRATES = [
  "NORAD_CAT_ID_1", "OBJECT_NAME_1", "DSE_1", "NORAD_CAT_ID_2", "OBJECT_NAME_2", "DSE_2", "TCA", "TCA_RANGE",
  "TCA_RELATIVE_SPEED", "MAX_PROB", "DILUTION",
];

/** A probability as SOCRATES writes it, such as 1.298E-06. @param {number|undefined} value */
function probabilityText(value) {
  if (value === undefined || Number.isNaN(value)) return "";
  const [digits, exponent] = value.toExponential(3).split("e");
  return `${digits}E${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}

/**
 * Rows with the columns of SOCRATES; probability and dilution are empty where the page does not have them.
 * @param {any} doc @param {import("./columns.js").Columns} columns @param {Uint32Array} rows @returns {string}
 */
export function socratesText(doc, columns, rows) {
  const read = (/** @type {string} */ name, /** @type {number} */ row) => {
    const text = columns.get(name);
    return text ? text.values[text.codes[row]] : "";
  };
  const object = (/** @type {string} */ who, /** @type {number} */ row) => {
    const code = doc.codes.status[read(`${who}_status`, row)] ?? "";
    const name = read(`${who}_name`, row);
    const age = columns.get(`${who}_epoch_age_days`)?.[row] ?? NaN;
    return [String(columns.get(who)[row]), cell(code ? `${name} [${code}]` : name), Number.isNaN(age) ? "" : age.toFixed(3)];
  };
  const lines = [SOCRATES.join(",")];
  for (const row of rows) {
    const numbers = ["miss_distance", "relative_speed"].map((name) => columns.get(name)[row].toFixed(3));
    const time = isoTime(columns.get("tca")[row]).replace("T", " ").replace("Z", "");
    const dilution = columns.get("socrates_dilution")?.[row] ?? NaN;
    const risk = [probabilityText(columns.get("socrates_probability")?.[row]), Number.isNaN(dilution) ? "" : dilution.toFixed(3)];
    lines.push([...object("primary", row), ...object("secondary", row), time, ...numbers, ...risk].join(","));
  }
  return `${lines.join("\n")}\n`;
}

/** Give a file to the reader. @param {string} name @param {string} text */
export function download(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** Put text into the clipboard; also where a page from a file may not ask for it. @param {string} text */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}
