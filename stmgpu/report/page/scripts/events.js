// @ts-check
/** The section with the table of conjunctions, its filters and its ways out. */
import { copyText, csvText, download, socratesText, tabText } from "./export.js";
import { filterBar } from "./filter_bar.js";
import { Grid } from "./grid.js";
import { element } from "./panel.js";
import { paperTable } from "./paper.js";
import { sortedRows } from "./sort.js";

/**
 * @param {HTMLElement} parent
 * @param {{doc: any, columns: import("./columns.js").Columns, filters: import("./filters.js").Filters,
 *   selection: import("./selection.js").Selection, fields: import("./fields.js").Field[], status: HTMLElement}} page
 */
export function eventsSection(parent, page) {
  const { doc, filters, selection, fields, status } = page;
  parent.append(element(
    "div", { className: "section-head" }, element("h2", {}, "Conjunctions"),
    ...(doc.notes.table ? [element("p", { className: "note" }, doc.notes.table)] : []),
  ));
  if (!doc.rows) return;
  const bar = filterBar(page);
  let sorted = { name: "miss_distance", descending: false };
  /** @type {Uint32Array|null} */
  let whole = null; // all rows in order; null: the order in which they are stored, by miss distance
  const grid = new Grid(fields, {
    id: "conjunctions", label: "Conjunctions", onPick: (row) => selection.select(row), onSort: (field) => {
      sorted = { name: field.name, descending: sorted.name === field.name && !sorted.descending };
      whole = sortedRows(field.keys(), sorted.descending);
      update();
    },
  });
  const clear = element("button", { type: "button", className: "quiet", id: "clear-filters" }, "Clear all filters");
  clear.addEventListener("click", bar.clear);
  const count = element("p", { role: "status", className: "count" });
  const none = element("p", { className: "none" }, "No conjunction passes the filters.");
  const update = () => {
    grid.show(inOrder(whole, filters));
    grid.mark(sorted.name, sorted.descending);
    const shown = filters.shown.length;
    count.textContent = `${shown.toLocaleString("en")} of ${doc.rows.toLocaleString("en")} conjunctions shown`;
    none.hidden = shown > 0;
    clear.hidden = filters.names.every((name) => name === "slow");
  };
  const name = `conjunctions-${new Date(doc.start * 1000).toISOString().slice(0, 10)}`;
  const say = (/** @type {string} */ text) => { status.textContent = text; };
  const actions = [
    action("Copy", "Copy what is shown, for a spreadsheet", async () => {
      await copyText(tabText(fields, grid.order));
      say(`${grid.order.length.toLocaleString("en")} rows copied`);
    }),
    action("Save CSV", "Save what is shown as CSV", () => download(`${name}.csv`, csvText(fields, grid.order))),
    action(
      "Save SOCRATES CSV", "Save what is shown with the columns of SOCRATES",
      () => download(`${name}-socrates.csv`, socratesText(doc, page.columns, grid.order)),
    ),
    action("Print", "Print this page with the first 100 rows", () => print()),
  ];
  parent.append(
    element("div", { className: "tools" }, bar.search, ...(doc.rows_slow ? [bar.slow] : []), element("div", { className: "actions" }, ...actions)),
    bar.more, element("div", { className: "count-line" }, count, clear), none, grid.element,
  );
  paperTable(parent, fields, () => grid.order);
  filters.subscribe(update);
  selection.subscribe((row) => grid.select(row, true));
  update();
}

/** Rows that pass the filters, in an order. @param {Uint32Array|null} whole @param {import("./filters.js").Filters} filters */
function inOrder(whole, filters) {
  if (!whole) return filters.shown;
  const rows = new Uint32Array(filters.shown.length);
  let count = 0;
  for (let k = 0; k < whole.length; k++) if (filters.passes(whole[k])) rows[count++] = whole[k];
  return rows;
}

/** @param {string} text @param {string} title @param {() => void} act */
function action(text, title, act) {
  const button = element("button", { type: "button", title }, text);
  button.addEventListener("click", act);
  return button;
}
