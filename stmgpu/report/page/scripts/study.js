// @ts-check
/** The page of a study. */
import { breakups, rankings } from "./study_breakups.js";
import { Choice, controls } from "./study_choice.js";
import { costs, differences, reduction } from "./study_effects.js";
import { collisions, density, operators, population } from "./study_series.js";
import { balances, cutOff, ends, noted, settings } from "./study_summary.js";

/**
 * @param {HTMLElement} parent
 * @param {{doc: any, columns: import("./columns.js").Columns}} page
 */
export function studyPage(parent, { doc, columns }) {
  const { study } = doc;
  const choice = new Choice(0);
  const page = { study, columns, choice };
  ends(parent, study);
  differences(parent, study);
  reduction(parent, study);
  costs(parent, study);
  controls(parent, study.scenarios, choice);
  population(parent, page);
  collisions(parent, page);
  density(parent, page);
  operators(parent, page);
  breakups(parent, study, choice);
  rankings(parent, study, choice);
  balances(parent, study, choice);
  settings(parent, study);
  cutOff(parent, study);
  noted(parent, doc.notes);
}
