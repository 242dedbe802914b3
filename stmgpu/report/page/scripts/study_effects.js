// @ts-check
/** What the scenarios change: paired differences, reduction per removal, costs. */
import { intervals } from "./intervals.js";
import { powerOfTen } from "./labels.js";
import { lines } from "./lines.js";
import { panel } from "./panel.js";
import { series } from "./study_curves.js";
import { interval, panels, part, spoken, table } from "./study_table.js";

/** @typedef {{scenario: number, mid: number|null, low: number|null, high: number|null, runs: number}} Row */

/** Rows of a figure; those without an interval are left to the table. @param {any} study @param {Row[]} rows */
function drawable(study, rows) {
  return rows
    .filter(({ low, mid, high }) => low !== null && mid !== null && high !== null)
    .map(({ scenario, low, mid, high }) => ({
      label: study.scenarios[scenario], low: Number(low), mid: Number(mid), high: Number(high),
    }));
}

/** Differences at the end of the study. @param {HTMLElement} parent @param {any} study */
export function differences(parent, study) {
  if (!study.differences.length) return;
  const section = part(
    parent, "differences", "Differences at the end",
    `Each scenario minus ${study.scenarios[0]}, run by run, with the 95 % interval of the mean. A filled mark has an interval without zero.`,
  );
  const place = panels(section, "study-three");
  for (const [k, { label, unit, rows }] of study.differences.entries()) {
    const title = `Difference in ${label}`;
    const shown = drawable(study, rows);
    if (shown.length) {
      intervals(panel(place, { id: `difference-${k}`, title }), {
        rows: shown, xLabel: `difference (${unit})`, zero: true, warning: study.warning,
      });
    }
  }
  const names = study.scenarios.slice(1);
  table(section, {
    id: "gains", caption: "Paired differences and their gain",
    head: ["Scenario", ...study.differences.flatMap((/** @type {any} */ one) => [one.unit === "t" ? `${one.label} (t)` : one.label, "gain"]), "pairs of runs"],
    rows: names.map((/** @type {string} */ name, /** @type {number} */ n) => [
      name,
      ...study.differences.flatMap((/** @type {any} */ one) => [interval(one.rows[n], { signed: true }), spoken(one.rows[n].gain, { digits: 2 })]),
      String(study.differences[0].rows[n].runs),
    ]),
    note: "Gain: how many times as many independent runs would give the same precision.",
  });
}

/** Objects and collisions fewer per object removed. @param {HTMLElement} parent @param {any} study */
export function reduction(parent, study) {
  if (!study.reduction?.objects.length) return; // no scenario removes more than the first
  const section = part(
    parent, "reduction", "Reduction per removal",
    "Effective reduction factor: objects fewer per object removed. 1 is the removed object itself; what is above 1 are fragments that were never made, and below 1 removed objects would have decayed anyway.",
  );
  const place = panels(section);
  const { objects, collisions, curves } = study.reduction;
  if (drawable(study, objects).length) {
    intervals(panel(place, { id: "factor", title: "Effective reduction factor at the end" }), {
      rows: drawable(study, objects), xLabel: "objects fewer per object removed", zero: true, reference: 1, warning: study.warning,
    });
  }
  if (drawable(study, collisions).length) {
    intervals(panel(place, { id: "avoided", title: "Catastrophic collisions avoided per removal" }), {
      rows: drawable(study, collisions), xLabel: "expected collisions fewer per object removed", zero: true, warning: study.warning,
    });
  }
  const shown = objects.map((/** @type {Row} */ { scenario: k }) => series(curves[k], study.scenarios[k], k, objects.length === 1));
  const note = objects.length > 1 ? "Estimates without their intervals, which are wide: a single large breakup in one run makes a jump." : undefined;
  lines(panel(place, { id: "factor-years", title: "Effective reduction factor over the years", note, wide: true }), {
    x: study.years, xLabel: "year", yLabel: "objects fewer per object removed", series: shown, warning: study.warning,
  });
}

/** What the policies cost. @param {HTMLElement} parent @param {any} study */
export function costs(parent, study) {
  const { prices, unit, rows } = study.costs ?? { rows: [] };
  if (!rows.length) return;
  const money = unit === "money";
  const largest = Math.max(...rows.map((/** @type {any} */ row) => row.cost_per_collision.mid ?? row.cost.mid ?? 0));
  const power = largest >= 1e6 ? 3 * Math.floor(Math.log10(largest) / 3) : 0;
  const unitSaid = power ? `${unit}, ${powerOfTen(power)}` : unit;
  const scaled = (/** @type {any} */ { mid, low, high }) =>
    Object.fromEntries(Object.entries({ mid, low, high }).map(([name, value]) => [name, value === null ? null : value / 10 ** power]));
  const listed = Object.entries(prices).map(([name, value]) => `${name} = ${spoken(value, { digits: 6 })}`).join(", ");
  const section = part(
    parent, "costs", "Cost",
    money ? `Prices: ${listed}; discounted to the start.` : "Counted in missions, since no prices were given: report with --price per_removal=... to see money.",
  );
  const shown = drawable(study, rows.map((/** @type {any} */ row) => ({ ...row, ...scaled(row.cost_per_collision) })));
  if (shown.length) {
    intervals(panel(panels(section), { id: "cost", title: "Cost of a catastrophic collision avoided", wide: true }), {
      rows: shown, xLabel: `${unitSaid} per collision avoided`, warning: study.warning,
    });
  }
  table(section, {
    id: "cost-table", caption: "Cost of the policies, with 95 % intervals",
    head: [
      "Scenario", `cost (${unitSaid})`, "collisions avoided", `${unitSaid} per collision avoided`,
      ...(money ? [`net present value (${unitSaid})`] : []),
    ],
    rows: rows.map((/** @type {any} */ row) => [
      study.scenarios[row.scenario], interval(scaled(row.cost)), interval(row.avoided),
      row.open
        ? { main: spoken(scaled(row.cost_per_collision).mid), more: "no upper limit" } : interval(scaled(row.cost_per_collision)),
      ...(money ? [interval(scaled(row.net_present_value), { signed: true })] : []),
    ]),
    note: rows.some((/** @type {any} */ row) => row.open)
      ? "No upper limit: these runs do not show that the policy avoids any collision." : undefined,
  });
}
