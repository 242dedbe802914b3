// @ts-check
/** The page of a screening: table, selected event, figures. */
import { eventCard } from "./event_card.js";
import { eventFigures } from "./event_figures.js";
import { eventsSection } from "./events.js";
import { fieldsOf, isoTime } from "./fields.js";
import { Filters } from "./filters.js";
import { element } from "./panel.js";
import { addRowColumns } from "./row_columns.js";
import { screeningFigures } from "./screening_figures.js";
import { Selection } from "./selection.js";

/**
 * @param {HTMLElement} main
 * @param {{doc: any, columns: import("./columns.js").Columns}} page
 */
export async function screeningPage(main, { doc, columns }) {
  addRowColumns(columns);
  const filters = new Filters(doc.rows);
  const selection = selectionOf(doc, columns);
  const fields = fieldsOf(doc, columns);
  const status = element("p", { role: "status", className: "toast" });
  const events = element("section", { id: "events" });
  const event = element("section", { id: "event", "aria-labelledby": "event-title" });
  const figures = element("section", { id: "figures" });
  main.append(events, status);
  if (doc.rows) events.after(event, figures);
  eventsSection(events, { doc, columns, filters, selection, fields, status });
  if (!doc.rows) return;
  await painted(); // the table is there before the figures
  const card = element("div", { className: "event-card" });
  event.append(card);
  eventCard(card, { fields, selection, columns, say: (text) => { status.textContent = text; } });
  const pictures = element("div", { className: "panels" });
  event.append(pictures);
  eventFigures(pictures, { doc, columns, filters, selection });
  const panels = element("div", { className: "panels" });
  figures.append(
    element("div", { className: "section-head" }, element("h2", {}, "Figures"), element("p", { className: "note" }, doc.notes.figures)),
    panels,
  );
  screeningFigures(panels, { doc, columns, filters, selection });
  if (selection.follow()) status.textContent = "The event of this link is not in the table of this page.";
  if (selection.row === null && filters.shown.length) selection.select(filters.shown[0], false);
}

/** @param {any} doc @param {import("./columns.js").Columns} columns */
function selectionOf(doc, columns) {
  const [first, second, tca] = ["primary", "secondary", "tca"].map((name) => columns.get(name));
  const idOf = (/** @type {number} */ row) => `${first[row]}-${second[row]}-${isoTime(tca[row])}`;
  return new Selection(idOf, (id) => {
    for (let k = 0; k < doc.rows; k++) if (id.startsWith(`${first[k]}-`) && idOf(k) === id) return k;
    return null;
  });
}

/** When what is on the page has been drawn; soon also where nothing is drawn, as in a tab behind others. */
function painted() {
  return new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve));
    setTimeout(resolve, 200);
  });
}
