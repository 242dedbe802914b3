// @ts-check
/** Numbers and times as text: of ticks, read-outs and lists of values. */

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A power of ten. @param {number} exponent @returns {string} */
export function powerOfTen(exponent) {
  const digits = [...String(Math.abs(exponent))].map((digit) => SUPERSCRIPTS[Number(digit)]).join("");
  return `10${exponent < 0 ? "⁻" : ""}${digits}`;
}

/**
 * A number with a fixed number of decimals, a true minus sign and thousands apart from so many digits on.
 * @param {number} value
 * @param {number} decimals
 * @param {number} [from]
 * @returns {string}
 */
export function fixed(value, decimals, from = 5) {
  const text = Math.abs(value).toFixed(decimals);
  const [whole, part] = text.split(".");
  const grouped = whole.length >= from ? whole.replace(/\B(?=(\d{3})+$)/g, ",") : whole;
  const sign = value < 0 && Number(text) !== 0 ? "−" : "";
  return sign + grouped + (part ? `.${part}` : "");
}

/**
 * A number to so many significant digits, without zeros at its end.
 * @param {number} value
 * @param {number} [digits]
 * @returns {string}
 */
export function number(value, digits = 4) {
  if (Number.isNaN(value)) return "unknown";
  if (!Number.isFinite(value)) return value < 0 ? "−∞" : "∞";
  if (value === 0) return "0";
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return fixed(value, 0);
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  if (exponent < -4 || exponent > 8) {
    const [mantissa, power] = Math.abs(value).toExponential(digits - 1).split("e");
    return `${value < 0 ? "−" : ""}${Number(mantissa)} × ${powerOfTen(Number(power))}`;
  }
  const decimals = Math.max(0, digits - 1 - exponent);
  const text = fixed(value, decimals);
  return decimals ? text.replace(/\.?0+$/, "") : text;
}

/** Two digits. @param {number} value @returns {string} */
function two(value) {
  return String(value).padStart(2, "0");
}

/**
 * A time in UTC as `2026-11-30 03:04:05`.
 * @param {number} seconds Unix time
 * @returns {string}
 */
export function instant(seconds) {
  return Number.isFinite(seconds) ? new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ") : "unknown";
}

/**
 * A tick of a time axis: the clock, and the date where a day begins.
 * @param {number} seconds Unix time
 * @param {number} step seconds between ticks
 * @returns {string}
 */
export function clock(seconds, step) {
  const date = new Date(Math.round(seconds * 1000));
  const midnight = date.getUTCHours() + date.getUTCMinutes() + date.getUTCSeconds() === 0;
  if (midnight || step >= 86400) return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
  const text = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
  return step < 60 ? `${text}:${two(date.getUTCSeconds())}` : text;
}

/**
 * Text cut to a width, with an ellipsis.
 * @param {string} text
 * @param {number} width pixels
 * @param {(text: string) => number} measure
 * @returns {string}
 */
export function cut(text, width, measure) {
  if (measure(text) <= width) return text;
  let length = text.length - 1;
  while (length > 1 && measure(`${text.slice(0, length)}…`) > width) length -= 1;
  return `${text.slice(0, length).trimEnd()}…`;
}

/**
 * A count in few characters: 1234 as `1.2k`.
 * @param {number} count
 * @returns {string}
 */
export function short(count) {
  if (count < 1000) return number(count);
  const [unit, letter] = count < 999500 ? [1e3, "k"] : [1e6, "M"];
  return (count / unit < 9.95 ? (count / unit).toFixed(1) : Math.round(count / unit).toFixed(0)) + letter;
}
