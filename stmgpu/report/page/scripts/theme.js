// @ts-check
/** Light and dark: the choice, and the colours of the style sheet for what is drawn on canvas. */

import { rgb } from "./tones.js";

/** @type {Set<() => void>} */
const listeners = new Set();
const dark = matchMedia("(prefers-color-scheme: dark)");
/** @type {string|null} */
let chosen = null;
/** @type {Colours|null} */
let known = null;

/**
 * @typedef {{text: string, muted: string, grid: string, background: string, panel: string, accent: string,
 *   series: string[], ramp: (t: number) => number[]}} Colours
 */

/** Follow the system's choice, and paper's when printing. */
export function startTheme() {
  apply();
  dark.addEventListener("change", apply);
  addEventListener("beforeprint", () => apply("light"));
  addEventListener("afterprint", () => apply());
}

/** Change between light and dark. */
export function toggleTheme() {
  chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  apply();
}

/** @param {unknown} [theme] */
function apply(theme) {
  const name = typeof theme === "string" ? theme : chosen ?? (dark.matches ? "dark" : "light");
  if (document.documentElement.dataset.theme === name) return;
  document.documentElement.dataset.theme = name;
  known = null;
  for (const listener of listeners) listener();
}

/** Call a function whenever the colours change. @param {() => void} listener */
export function onTheme(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Colours of the current theme. @returns {Colours} */
export function colours() {
  if (known) return known;
  const style = getComputedStyle(document.documentElement);
  const read = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  const stops = [0, 1, 2, 3, 4].map((k) => rgb(read(`ramp-${k}`)));
  known = {
    text: read("text"), muted: read("muted"), grid: read("grid"), background: read("background"),
    panel: read("panel"), accent: read("accent"),
    series: [1, 2, 3, 4, 5, 6, 7, 8].map((k) => read(`series-${k}`)),
    ramp: (t) => mixed(stops, t),
  };
  return known;
}

/** Colour of a ramp at 0 to 1. @param {number[][]} stops @param {number} t @returns {number[]} */
function mixed(stops, t) {
  const place = Math.min(Math.max(t, 0), 1) * (stops.length - 1);
  const low = Math.min(Math.floor(place), stops.length - 2);
  return stops[low].map((from, k) => Math.round(from + (place - low) * (stops[low + 1][k] - from)));
}
