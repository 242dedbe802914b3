// @ts-check
/** Scales of axes: where a value lies between the two ends of an axis, and its ticks. */

import { clock, fixed, powerOfTen } from "./labels.js";

/**
 * @typedef {"linear" | "log" | "time"} Kind
 * @typedef {{value: number, label: string}} Tick
 * @typedef {object} Scale
 * @property {Kind} kind
 * @property {[number, number]} domain
 * @property {(value: number) => number} place share of the way along the axis, 0 to 1
 * @property {(share: number) => number} value inverse of `place`
 * @property {(most: number) => Tick[]} ticks at most about so many
 */

const TIME_STEPS = [1, 5, 15, 30, 60, 300, 900, 1800, 3600, 10800, 21600, 43200, 86400, 172800, 604800, 1209600];

/**
 * The least of 1, 2 and 5 times a power of ten that is at least a value.
 * @param {number} value
 * @returns {number}
 */
export function niceStep(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  for (const factor of [1, 2, 5]) if (factor * power >= value * (1 - 1e-9)) return factor * power;
  return 10 * power;
}

/**
 * Multiples of a step within an interval.
 * @param {number} low
 * @param {number} high
 * @param {number} step
 * @returns {number[]}
 */
function multiples(low, high, step) {
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (first + i) * step);
}

/** @param {number} low @param {number} high @param {number} most @returns {Tick[]} */
function linearTicks(low, high, most) {
  const step = niceStep((high - low) / Math.max(1, most));
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const large = Math.max(Math.abs(low), Math.abs(high));
  if (large >= 1e6 || decimals > 5) {
    const power = Math.floor(Math.log10(large) + 1e-9);
    const rest = Math.max(0, decimals + power);
    const digits = large >= 1e6 ? Math.max(0, power - Math.floor(Math.log10(step) + 1e-9)) : rest;
    return multiples(low, high, step).map((value) => ({
      value,
      label: value === 0 ? "0" : `${fixed(value / 10 ** power, digits)} × ${powerOfTen(power)}`,
    }));
  }
  const from = large >= 1e4 ? 4 : 5;
  return multiples(low, high, step).map((value) => ({ value, label: fixed(value, decimals, from) }));
}

/** @param {number} low @param {number} high @param {number} most @returns {Tick[]} */
function logTicks(low, high, most) {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const decades = last - first + 1;
  const plain = low >= 1e-4 && high < 1e6;
  /** @param {number} exponent @param {number} factor @returns {Tick} */
  const tick = (exponent, factor) => {
    const value = exponent < 0 ? factor / 10 ** -exponent : factor * 10 ** exponent;
    const label = factor === 1 ? powerOfTen(exponent) : `${factor} × ${powerOfTen(exponent)}`;
    return { value, label: plain ? fixed(value, Math.max(0, -exponent), high >= 1e4 ? 4 : 5) : label };
  };
  if (decades <= 2) {
    for (const factors of [[1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 5], [1, 3]]) {
      const ticks = [];
      for (let exponent = first - 1; exponent <= last; exponent += 1) {
        for (const factor of factors) ticks.push(tick(exponent, factor));
      }
      const shown = ticks.filter(({ value }) => value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9));
      if (shown.length >= 2 && shown.length <= most) return shown;
    }
  }
  const every = Math.max(1, Math.ceil(decades / Math.max(1, most)));
  return multiples(first, last, every).map((exponent) => tick(exponent, 1));
}

/** @param {number} low @param {number} high @param {number} most @returns {Tick[]} */
function timeTicks(low, high, most) {
  const wanted = (high - low) / Math.max(1, most);
  const step = TIME_STEPS.find((each) => each >= wanted) ?? 86400 * niceStep(wanted / 86400);
  return multiples(low, high, step).map((value) => ({ value, label: clock(value, step) }));
}

/**
 * A scale over an interval; one without length is widened, so that a single value has a place.
 * @param {Kind} kind
 * @param {number} low
 * @param {number} high
 * @returns {Scale}
 */
export function scale(kind, low, high) {
  if (!Number.isFinite(low) || !Number.isFinite(high)) [low, high] = kind === "log" ? [0.1, 1] : [0, 1];
  if (kind === "log") {
    high = high > 0 ? high : 1;
    low = low > 0 ? low : high / 1000;
    if (low === high) [low, high] = [low / 2, high * 2];
    const [start, length] = [Math.log10(low), Math.log10(high) - Math.log10(low)];
    return {
      kind,
      domain: [low, high],
      place: (value) => (Math.log10(value) - start) / length,
      value: (share) => 10 ** (start + share * length),
      ticks: (most) => logTicks(low, high, most),
    };
  }
  if (low === high) [low, high] = kind === "time" ? [low - 1800, high + 1800] : [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
  return {
    kind,
    domain: [low, high],
    place: (value) => (value - low) / (high - low),
    value: (share) => low + share * (high - low),
    ticks: (most) => (kind === "time" ? timeTicks : linearTicks)(low, high, most),
  };
}

/**
 * Least and greatest of finite values; of positive ones for a log axis.
 * @param {Iterable<ArrayLike<number>>} arrays
 * @param {Kind} [kind]
 * @returns {[number, number]} NaN where there is no value
 */
export function extent(arrays, kind = "linear") {
  let [low, high] = [Infinity, -Infinity];
  for (const array of arrays) {
    for (let i = 0; i < array.length; i += 1) {
      const value = array[i];
      if (!Number.isFinite(value) || (kind === "log" && value <= 0)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low <= high ? [low, high] : [NaN, NaN];
}

/**
 * An interval widened to round ends: whole decades for a log axis where it spans more than one.
 * @param {Kind} kind
 * @param {number} low
 * @param {number} high
 * @param {boolean} [zero] begin at 0
 * @returns {[number, number]}
 */
export function rounded(kind, low, high, zero = false) {
  if (!Number.isFinite(low) || kind === "time") return [low, high];
  if (kind === "log") {
    if (high / low < 10) return [low / 1.1, high * 1.1];
    return [10 ** Math.floor(Math.log10(low) + 1e-9), 10 ** Math.ceil(Math.log10(high) - 1e-9)];
  }
  if (zero) [low, high] = [Math.min(0, low), Math.max(0, high)];
  if (low === high) return [low, high];
  const step = niceStep((high - low) / 10);
  return [Math.floor(low / step + 1e-9) * step, Math.ceil(high / step - 1e-9) * step];
}
