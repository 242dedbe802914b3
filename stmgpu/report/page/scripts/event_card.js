// @ts-check
/** The selected conjunction: every value of its row, and a link to it. */
import { copyText } from "./export.js";
import { called } from "./names.js";
import { element } from "./panel.js";

/**
 * @param {HTMLElement} parent
 * @param {{fields: import("./fields.js").Field[], selection: import("./selection.js").Selection,
 *   columns: import("./columns.js").Columns, say: (text: string) => void}} page
 */
export function eventCard(parent, { fields, selection, columns, say }) {
  const heading = element("h3", { id: "event-title" });
  const when = element("p", { className: "note" });
  const values = element("dl", { className: "facts compact" });
  const share = element("button", { type: "button" }, "Copy link to this event");
  share.addEventListener("click", async () => {
    await copyText(selection.link);
    say("Link copied");
  });
  parent.append(element("div", { className: "event-head" }, element("div", {}, heading, when), share), values);
  const names = [called(columns, "primary"), called(columns, "secondary")];
  const show = (/** @type {number|null} */ row) => {
    share.hidden = row === null;
    heading.textContent = row === null ? "No conjunction is selected" : `${names[0](row)} and ${names[1](row)}`;
    when.textContent = row === null ? "Choose a row of the table." : `${fields[0].text(row)} UTC`;
    const shown = row === null ? [] : fields.filter((one) => !one.name.endsWith("_name") && one.kind !== "time" && one.text(row) !== "");
    values.replaceChildren(...shown.map((one) => fact(one, /** @type {number} */ (row))));
  };
  selection.subscribe(show);
  show(selection.row);
}

/** @param {import("./fields.js").Field} field @param {number} row */
function fact(field, row) {
  const unit = field.unit ? ` ${field.unit}` : "";
  return element("div", {}, element("dt", {}, field.title), element("dd", {}, `${field.text(row)}${unit}`));
}
