// @ts-check
/** Tables of a study: its end by scenario, settings, balances, runs that were cut off, notes. */
import { element } from "./panel.js";
import { interval, part, spoken, table } from "./study_table.js";

/** The end of the study, one row a scenario. @param {HTMLElement} parent @param {any} study */
export function ends(parent, study) {
  const { summary } = study;
  const section = part(
    parent, "ends", "At the end",
    "Means of the runs, with 95 % intervals of the means below them.",
  );
  const several = summary.scenarios.length > 1;
  const removes = summary.scenarios.some((/** @type {any} */ one) => one.removed > 0);
  const head = [
    "Scenario", "objects", "change", "catastrophic, expected", "catastrophic, sampled",
    ...(several ? [`objects against ${summary.baseline}`] : []),
    ...(removes ? ["removed", "reduction factor"] : []), "mass (t)", "runs that grow", "doubled after", "runs",
  ];
  const rows = summary.scenarios.map((/** @type {any} */ one) => [
    one.name, interval(one.objects_end), interval(one.change_percent, { signed: true, unit: " %" }),
    interval(one.catastrophic_expected), interval(one.catastrophic_sampled),
    ...(several ? [interval(one.difference, { signed: true })] : []),
    ...(removes ? [spoken(one.removed), interval(one.effective_reduction_factor)] : []),
    interval(one.mass_end_tonnes), growth(one.growth_probability), doubling(one.doubling), String(one.runs_used),
  ]);
  table(section, { id: "ends-table", caption: `The scenarios in ${summary.last_year.toFixed(0)}`, head, rows });
}

/** @param {{mean: number|null, lower: number|null, upper: number|null}} part */
function growth({ mean, lower, upper }) {
  const percent = (/** @type {number|null} */ share) => (share === null ? null : Number((100 * share).toFixed(6))); // no 2e-15
  return interval({ mid: percent(mean), low: percent(lower), high: percent(upper) }, { unit: " %" });
}

/** @param {{share: number|null, median_years: number|null}} part */
function doubling({ share, median_years: years }) {
  if (years !== null) return { main: `${spoken(years)} years`, more: "median" };
  return share ? { main: `${spoken(100 * share)} %`, more: "of the runs" } : "no run";
}

/** What the scenarios differ in, and what they share. @param {HTMLElement} parent @param {any} study */
export function settings(parent, study) {
  const { differ, shared } = study.settings;
  if (!differ.length && !shared.length) return;
  const section = part(parent, "settings", "Settings");
  if (differ.length) {
    table(section, {
      id: "differ", caption: "What the scenarios differ in", head: ["Key", ...study.scenarios],
      rows: differ.map((/** @type {any} */ { key, values }) => [element("code", {}, key), ...values]),
      text: study.scenarios.map((/** @type {string} */ _, /** @type {number} */ k) => k + 1),
    });
  }
  if (shared.length) {
    table(section, {
      id: "shared", caption: "What they share, besides the defaults", head: ["Key", "Value"],
      rows: shared.map((/** @type {any} */ { key, value }) => [element("code", {}, key), value]), text: [1],
    });
  }
}

/**
 * Where objects come from and go, and how exactly that is kept.
 * @param {HTMLElement} parent @param {any} study @param {import("./study_choice.js").Choice} choice
 */
export function balances(parent, study, choice) {
  const { classes, flows, counted, mass, errors } = study.balances;
  const section = part(parent, "balances", "Balances", "Means of the runs that reached the end.");
  const body = element("div");
  section.append(body);
  choice.follow(() => {
    const k = choice.scenario;
    const name = study.scenarios[k];
    const filled = classes.map((/** @type {string} */ _, /** @type {number} */ c) => c)
      .filter((/** @type {number} */ c) => [...flows[k], ...mass[k]].some((row) => row.values[c]));
    const head = ["Objects", "all", ...filled.map((/** @type {number} */ c) => classes[c])];
    const rows = (/** @type {any[]} */ of) => of.map((row, n) => [
      row.label, ...[row.all, ...filled.map((/** @type {number} */ c) => row.values[c])]
        .map((value) => spoken(value, { signed: of === flows[k] && n > 0 && n < of.length - 1 })),
    ]);
    body.replaceChildren();
    table(body, { id: "flows", caption: `Objects of ${name}, by class`, head, rows: rows(flows[k]), strong: flows[k].length - 1 });
    const happened = (counted[k] ?? []).filter((/** @type {any} */ row) => row.all);
    if (happened.length) {
      table(body, {
        id: "counted", caption: `Events of ${name}, by class`, head: ["Events", ...head.slice(1)], rows: rows(happened),
        note: "Counted apart: an object that is lowered or kept out of the way stays in orbit for some time.",
      });
    }
    table(body, { id: "mass", caption: `Mass of ${name} (t), by class`, head: ["Mass", ...head.slice(1)], rows: rows(mass[k]) });
  });
  table(section, {
    id: "errors", caption: "Largest relative errors of the balances of any run", head: ["Balance", "error", "of what"],
    rows: errors.map((/** @type {any} */ one) => [one.label, spoken(one.largest, { digits: 2 }), one.meaning]), text: [2],
    note: "Rounding errors are near 10⁻¹⁵; anything much larger would be a fault of the program.",
  });
}

/** Runs that held too many objects. @param {HTMLElement} parent @param {any} study */
export function cutOff(parent, study) {
  const cut = study.summary.cut_off;
  if (!cut.length) return;
  const section = part(
    parent, "cut-off", "Runs cut off",
    "These runs held too many objects and were stopped. They are left out of means from then on, which are too low; they count as grown.",
  );
  table(section, {
    id: "cut-table", caption: `${cut.length} of ${study.summary.runs * study.scenarios.length} runs`, head: ["Scenario", "run", "year"],
    rows: cut.map((/** @type {any} */ one) => [one.scenario, String(one.run), one.year.toFixed(1)]),
  });
}

/** Notes of the study. @param {HTMLElement} parent @param {string[]} notes */
export function noted(parent, notes) {
  if (!notes.length) return;
  const section = part(parent, "notes", "Notes");
  section.append(element("ul", { className: "study-notes" }, ...notes.map((text) => element("li", {}, text))));
}
