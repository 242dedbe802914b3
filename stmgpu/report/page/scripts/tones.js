// @ts-check
/** Colours of values. */

/** @typedef {import("./axes.js").Colours} Colours */

/** @param {number[]} rgb @returns {string} */
export function css([r, g, b]) {
  return `rgb(${Math.round(r)}, ${Math.round(g)}, ${Math.round(b)})`;
}

/**
 * Red, green and blue of `#rgb`, `#rrggbb` or `rgb(r, g, b)`.
 * @param {string} text
 * @returns {number[]}
 */
export function rgb(text) {
  const hex = text.trim().replace(/^#(.)(.)(.)$/, "#$1$1$2$2$3$3");
  if (hex.startsWith("#")) return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return (hex.match(/[\d.]+/g) ?? ["0", "0", "0"]).slice(0, 3).map(Number);
}

/**
 * A scale with two sides: the panel's colour at 0, two colours at -1 and 1.
 * @param {Colours} colours
 * @returns {(value: number) => number[]}
 */
export function diverging(colours) {
  const [below, middle, above] = [colours.series[0], colours.panel, colours.series[1]].map(rgb);
  return (value) => {
    const share = Math.min(1, Math.abs(value));
    return middle.map((part, i) => part + ((value < 0 ? below : above)[i] - part) * share);
  };
}

/** Relative luminance (WCAG 2). @param {number[]} colour @returns {number} */
export function luminance(colour) {
  const [r, g, b] = colour.map((part) => (part <= 10.31475 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Black or white, whichever stands out more. @param {number[]} behind @returns {string} */
export function ink(behind) {
  return luminance(behind) > 0.179 ? "#000" : "#fff";
}
