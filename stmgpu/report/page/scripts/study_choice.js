// @ts-check
/** What the figures of a study show: one scenario, as values or as the difference from the first. */
import { element } from "./panel.js";

export class Choice {
  /** @type {Set<() => void>} */ #listeners = new Set();

  /** @param {number} scenario number of the scenario that is shown first */
  constructor(scenario) {
    this.scenario = scenario;
    this.difference = false;
  }

  /** @param {{scenario?: number, difference?: boolean}} change */
  set(change) {
    Object.assign(this, change);
    for (const listener of this.#listeners) listener();
  }

  /** Call a function now and whenever the choice changes. @param {() => void} listener */
  follow(listener) {
    this.#listeners.add(listener);
    listener();
  }
}

/**
 * Controls of the choice; a study with one scenario has none.
 * @param {HTMLElement} parent
 * @param {string[]} scenarios
 * @param {Choice} choice
 */
export function controls(parent, scenarios, choice) {
  if (scenarios.length < 2) return;
  const select = element("select", { id: "study-scenario" });
  select.append(...scenarios.map((name, k) => element("option", { value: String(k) }, name)));
  select.addEventListener("change", () => choice.set({ scenario: Number(select.value) }));
  const buttons = ["Values", `Differences from ${scenarios[0]}`].map((text, k) => {
    const button = element("button", { type: "button", "aria-pressed": "false" }, text);
    button.addEventListener("click", () => choice.set({ difference: k === 1 }));
    return button;
  });
  const label = element("label", { htmlFor: "study-scenario" }, "Scenario");
  const group = element("div", { role: "group", "aria-label": "Values or differences", className: "study-mode" }, ...buttons);
  parent.append(element("div", { className: "study-controls", role: "region", "aria-label": "What the figures show" }, label, select, group));
  choice.follow(() => {
    select.value = String(choice.scenario);
    buttons.forEach((button, k) => button.setAttribute("aria-pressed", String(choice.difference === (k === 1))));
  });
}
