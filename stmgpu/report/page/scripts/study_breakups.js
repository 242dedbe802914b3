// @ts-check
/** Breakups of a study and the objects behind them: generations, families, rankings. */
import { bars } from "./bars.js";
import { element, panel } from "./panel.js";
import { familyList, familyTree } from "./study_tree.js";
import { panels, part, spoken, table } from "./study_table.js";

/** @typedef {import("./study_choice.js").Choice} Choice */

/** Events by generation, and one family. @param {HTMLElement} parent @param {any} study @param {Choice} choice */
export function breakups(parent, study, choice) {
  if (!study.families) return;
  const { generations, families, counted } = study.families;
  const section = part(
    parent, "breakups", "Families of breakups",
    "A breakup belongs to generation 1 if no fragment of an earlier breakup of its run took part in it. A family is such a breakup with all that follow from its fragments.",
  );
  const place = panels(section);
  const spec = () => {
    const counts = generations[choice.scenario];
    return {
      labels: counts.map((/** @type {number} */ _, /** @type {number} */ k) => `generation ${k + 1}`), values: counts,
      valueLabel: "breakups in a run", warning: study.warning,
    };
  };
  const drawn = bars(panel(place, { id: "generations", title: "Breakups by generation" }), spec());
  const tree = panel(place, {
    id: "family", title: "Family tree", wide: true, note: "Disc: catastrophic collision; ring: cratering collision; square: explosion.",
  });
  choice.follow(() => {
    drawn.update(spec());
    showFamilies(tree, families[choice.scenario], counted[choice.scenario]);
  });
}

/** @param {import("./panel.js").Place} place @param {any[]} families @param {number} counted */
function showFamilies(place, families, counted) {
  place.figure.replaceChildren();
  place.list.replaceChildren();
  if (!families.length) {
    place.figure.append(element("p", { className: "note" }, "No breakup of this scenario led to another."));
    return;
  }
  const select = element("select", { id: "family-choice" });
  select.append(...families.map(({ run, size, events }, k) =>
    element("option", { value: String(k) }, `${events[0].type} of ${events[0].year.toFixed(1)}, run ${run}: ${size} breakups`)));
  const said = counted > families.length ? `the largest ${families.length} of ${counted}` : `all ${counted}`;
  const drawing = element("div", { className: "study-tree" });
  const show = () => {
    const family = families[Number(select.value)];
    drawing.replaceChildren(familyTree(family));
    place.list.replaceChildren(familyList(family));
  };
  select.addEventListener("change", show);
  place.figure.append(element("p", { className: "study-pick" }, element("label", { htmlFor: select.id }, `Family (${said})`), select), drawing);
  show();
}

/** Objects that policies chose, and those whose absence would have spared most. @param {HTMLElement} parent @param {any} study @param {Choice} choice */
export function rankings(parent, study, choice) {
  const chosen = study.candidates.some((/** @type {any[]} */ one) => one.length);
  if (!chosen && !study.victims.length) return;
  const section = part(parent, "candidates", "Candidates for removal");
  if (chosen) {
    const body = element("div");
    section.append(body);
    choice.follow(() => {
      const shown = study.candidates[choice.scenario].length ? choice.scenario : study.candidates.findIndex((/** @type {any[]} */ one) => one.length);
      body.replaceChildren();
      table(body, {
        id: "chosen", caption: `What the policies of ${study.scenarios[shown]} chose, the surest and earliest first`,
        head: ["Object", "class", "mass (kg)", "altitude (km)", "chosen in runs", "turn", "year"],
        rows: study.candidates[shown].map((/** @type {any} */ one) => [
          one.object, one.class, spoken(one.mass), spoken(one.altitude), `${one.chosen} of ${one.runs}`,
          spoken(one.turn), one.year.toFixed(1),
        ]),
        text: [1],
        note: "Turn: how many missions of its run it took until this object, in the mean. Rows are those of the initial population, from 0.",
      });
    });
  }
  if (study.victims.length) {
    table(section, {
      id: "victims", caption: `What the absence of an object would have spared ${study.scenarios[0]}, at most`,
      head: ["Object", "class", "mass (kg)", "collided in runs", "collisions avoided in a run", "fragments avoided in a run"],
      rows: study.victims.map((/** @type {any} */ one) => [
        one.object, one.class, spoken(one.mass), `${one.hit} of ${one.runs}`, spoken(one.avoided), spoken(one.fragments),
      ]),
      text: [1],
      note: "Stored runs without the events of the object and all that follow from them: upper bounds, and with few runs a matter of chance. A scenario of its own has neither fault.",
    });
  }
}
