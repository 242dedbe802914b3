// @ts-check
/** Figures over the years: objects, collisions, density, operators. */
import { heat } from "./heat.js";
import { lines } from "./lines.js";
import { panel } from "./panel.js";
import { compared, edgesAround, plain, series } from "./study_curves.js";
import { panels, part } from "./study_table.js";

/** @typedef {import("./study_choice.js").Choice} Choice */
/** @typedef {import("./study_curves.js").Maybe} Maybe */
/** @typedef {{study: any, columns: import("./columns.js").Columns, choice: Choice}} Page */

/**
 * Lines that follow the choice.
 * @param {HTMLElement} parent @param {Page} page
 * @param {{id: string, title: string, note?: string, wide?: boolean, height?: number, xLabel?: string, x?: ArrayLike<number>}} where
 * @param {() => {series: any[], yLabel: string, bandLabel?: string}} what
 */
function follow(parent, { study, choice }, where, what) {
  const place = panel(parent, where);
  const base = { x: where.x ?? study.years, xLabel: where.xLabel ?? "year", warning: study.warning, height: where.height };
  const spec = () => ({ ...base, ...what(), zero: !choice.difference });
  const drawn = lines(place, spec());
  choice.follow(() => drawn.update(spec()));
}

/** Objects: all, by class, by size. @param {HTMLElement} parent @param {Page} page */
export function population(parent, page) {
  const { study, choice } = page;
  const section = part(
    parent, "population", "Objects",
    "Mean of the runs. The band of the chosen scenario holds 90 % of the runs; that of a difference is the 95 % interval of its mean.",
  );
  const small = () => (choice.difference ? "difference in objects" : "objects");
  const said = () => (choice.difference ? `${small()} from ${study.scenarios[0]}` : small());
  const bandLabel = () => {
    if (choice.difference) return "95 % interval of the mean";
    return study.without_spread.includes(choice.scenario) ? "95 % interval of the mean" : "90 % of the runs";
  };
  const [all, ...others] = study.population;
  const first = panels(section);
  follow(first, page, { id: "objects", title: "All objects", wide: true }, () => ({
    series: compared(page, all.values, all.differences), yLabel: said(), bandLabel: bandLabel(),
  }));
  for (const by of ["class", "size"]) {
    const shown = others.filter((/** @type {any} */ one) => one.by === by);
    if (shown.length < 2) continue;
    const grid = panels(section, "study-small");
    for (const [k, one] of shown.entries()) {
      const title = one.label[0].toUpperCase() + one.label.slice(1);
      follow(grid, page, { id: `${by}-${k}`, title, height: 220 }, () => ({
        series: alone(page, one), yLabel: small(), bandLabel: bandLabel(),
      }));
    }
  }
}

/** The chosen scenario with its band, and the first beside it. @param {Page} page @param {any} one */
function alone({ study, choice }, one) {
  const k = choice.scenario;
  const curves = choice.difference ? one.differences : one.values;
  const chosen = series(curves[k], "", k, true);
  return choice.difference || k === 0 ? [chosen] : [chosen, series(curves[0], study.scenarios[0], 0)];
}

/** Collisions since the start, and where they happen. @param {HTMLElement} parent @param {Page} page */
export function collisions(parent, page) {
  const { study, choice } = page;
  const section = part(
    parent, "collisions", "Collisions",
    "Expected collisions are sums of probabilities along the runs; sampled ones happened. Both have the same mean, and the expected ones vary less. Bands are 95 % intervals of the mean.",
  );
  const place = panels(section);
  const [catastrophic, cratering] = study.collisions;
  const unit = "collisions since the start";
  const said = () => (choice.difference ? `difference from ${study.scenarios[0]} (${unit})` : unit);
  follow(place, page, { id: "channels", title: "Catastrophic: expected and sampled" }, () => {
    const k = choice.scenario;
    const expected = series(catastrophic.expected[k], "expected", k);
    const same = study.without_spread.includes(k);
    const sampled = { ...series(catastrophic.sampled[k], "sampled", k, true), points: true };
    return { series: same ? [expected] : [expected, sampled], yLabel: unit };
  });
  follow(place, page, { id: "expected", title: "Catastrophic: expected, all scenarios" }, () => ({
    series: compared(page, catastrophic.expected, catastrophic.differences), yLabel: said(),
  }));
  follow(place, page, { id: "cratering", title: "Cratering: expected, all scenarios" }, () => ({
    series: compared(page, cratering.expected, cratering.differences), yLabel: said(),
  }));
  follow(place, page, { id: "by-altitude", title: "Catastrophic: expected, by altitude", x: middles(study), xLabel: "altitude (km)" }, () => ({
    series: study.scenarios.map((/** @type {string} */ name, /** @type {number} */ k) => ({
      label: study.scenarios.length > 1 ? name : "", colour: k, y: plain(study.collisions_by_altitude[k]),
    })),
    yLabel: "collisions in each 50 km, to the end",
  }));
}

/** Density by altitude and year. @param {HTMLElement} parent @param {Page} page */
export function density(parent, page) {
  const { study, choice, columns } = page;
  const section = part(parent, "density", "Density", "Objects of all classes by altitude, mean of the runs.");
  const both = panels(section);
  const place = panel(both, { id: "density-heat", title: "Density by altitude and year", wide: true });
  const [years, shells] = [study.years.length, study.shells.length - 1];
  const counts = () => {
    const from = columns.get(choice.difference ? "density_difference" : "density");
    const found = new Float64Array(years * shells);
    const start = choice.scenario * years * shells;
    for (let t = 0; t < years; t += 1) for (let h = 0; h < shells; h += 1) found[h * years + t] = from[start + t * shells + h];
    return found;
  };
  const spec = () => ({
    x: edgesAround(study.years), y: study.shells, counts: counts(), xLabel: "year", yLabel: "altitude (km)", logColour: false,
    diverging: choice.difference, warning: study.warning,
    valueLabel: `${choice.difference ? "difference in " : ""}objects per (1000 km)³, ${study.scenarios[choice.scenario]}`,
  });
  const drawn = heat(place, spec());
  choice.follow(() => drawn.update(spec()));
  const all = columns.get("density");
  const profile = (/** @type {number} */ k, /** @type {number} */ t) => all.subarray((k * years + t) * shells, (k * years + t + 1) * shells);
  lines(panel(both, { id: "density-ends", title: "Density by altitude at the start and at the end", wide: true }), {
    x: middles(study), xLabel: "altitude (km)", yLabel: "objects per (1000 km)³", warning: study.warning,
    series: [
      { label: `start, ${study.years[0].toFixed(0)}`, colour: 7, y: profile(0, 0) },
      ...study.scenarios.map((/** @type {string} */ name, /** @type {number} */ k) => ({
        label: study.scenarios.length > 1 ? name : `end, ${study.years[years - 1].toFixed(0)}`, colour: k, y: profile(k, years - 1),
      })),
    ],
  });
}

/** Middles of the shells (km). @param {any} study @returns {number[]} */
function middles({ shells }) {
  return shells.slice(1).map((/** @type {number} */ top, /** @type {number} */ k) => (top + shells[k]) / 2);
}

/** Manoeuvres and the time between collisions. @param {HTMLElement} parent @param {Page} page */
export function operators(parent, page) {
  const { study } = page;
  const { year, manoeuvres, crash_clock: clock } = study.operators;
  if (!year) return;
  const section = part(parent, "operators", "Operators");
  const place = panels(section);
  const each = (/** @type {Maybe[]} */ values) => study.scenarios.map((/** @type {string} */ name, /** @type {number} */ k) => ({
    label: study.scenarios.length > 1 ? name : "", colour: k, y: plain(values[k]),
  }));
  const draw = (/** @type {any} */ where, /** @type {Maybe[]} */ values, /** @type {string} */ yLabel) =>
    lines(panel(place, where), { x: year, xLabel: "year", yLabel, series: each(values), warning: study.warning });
  if (manoeuvres) draw({ id: "manoeuvres", title: "Manoeuvres of a satellite", note: "Expected, of objects that avoid others." }, manoeuvres, "manoeuvres a year");
  const note = "Days to an expected collision of any kind if nobody manoeuvres.";
  draw({ id: "clock", title: "CRASH clock", note }, clock, "days");
}
