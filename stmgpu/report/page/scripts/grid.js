// @ts-check
/** A table of any number of rows of which only those in sight are elements. */
import { element } from "./panel.js";

const ROW = 30; // height of a row [px]
const TALLEST = 12e6; // height that every browser can scroll [px]
const SPARE = 4; // rows beyond those in sight

/** @typedef {import("./fields.js").Field} Field */
/** @typedef {{cells: HTMLElement[], element: HTMLElement}} Line */

export class Grid {
  /** @type {Uint32Array} */ #order = new Uint32Array(0);
  /** @type {Line[]} */ #lines = [];
  #pending = 0;

  /**
   * @param {Field[]} fields
   * @param {{id: string, label: string, onSort: (field: Field) => void, onPick: (row: number) => void}} options
   */
  constructor(fields, options) {
    this.fields = fields;
    this.options = options;
    this.selected = /** @type {number|null} */ (null);
    this.place = 0; // of the active row in the order
    this.cell = 0; // of the active cell in its row
    this.columns = fields.map(({ width }) => `${width}px`).join(" ");
    this.head = element("div", { role: "row", className: "grid-row grid-head-row", "aria-rowindex": 1 }, ...fields.map((one, k) => this.#header(one, k)));
    this.head.style.gridTemplateColumns = this.columns;
    this.body = element("div", { role: "rowgroup", className: "grid-body" });
    this.element = element(
      "div", { id: options.id, role: "grid", className: "grid", tabIndex: 0, "aria-label": options.label, "aria-colcount": fields.length },
      element("div", { role: "rowgroup", className: "grid-head" }, this.head), this.body,
    );
    const width = fields.reduce((sum, one) => sum + one.width, 0);
    this.body.style.width = this.head.style.width = `${width}px`;
    this.element.addEventListener("scroll", () => this.#later(), { passive: true });
    this.element.addEventListener("keydown", (event) => this.#key(event));
    this.body.addEventListener("click", (event) => this.#click(event));
    new ResizeObserver(() => this.#later()).observe(this.element);
  }

  /** Rows in the order of the table. */
  get order() {
    return this.#order;
  }

  /** Show rows in an order. @param {Uint32Array} order */
  show(order) {
    this.#order = order;
    this.element.setAttribute("aria-rowcount", String(order.length + 1));
    this.body.style.height = `${Math.min(Math.max(order.length, 1) * ROW, TALLEST)}px`;
    this.place = Math.min(this.place, Math.max(order.length - 1, 0));
    this.draw();
  }

  /** Mark the column that the rows are sorted by. @param {string} name @param {boolean} descending */
  mark(name, descending) {
    for (const cell of /** @type {Iterable<HTMLElement>} */ (/** @type {unknown} */ (this.head.children))) {
      const own = cell.dataset.column === name;
      cell.setAttribute("aria-sort", own ? (descending ? "descending" : "ascending") : "none");
    }
  }

  /** Select a row, and show it where it is in the table. @param {number|null} row @param {boolean} scroll */
  select(row, scroll) {
    this.selected = row;
    const place = row === null ? -1 : this.#order.indexOf(row);
    if (place >= 0) this.place = place;
    if (place >= 0 && scroll) this.#reveal();
    this.draw();
  }

  /** First row in sight. */
  get first() {
    const scrollable = this.body.offsetHeight - this.#inner;
    const whole = this.#order.length * ROW - this.#inner;
    const top = this.element.scrollTop;
    return scrollable < whole && scrollable > 0 ? Math.round((top / scrollable) * (whole / ROW)) : Math.floor(top / ROW);
  }

  get #inner() {
    return Math.max(this.element.clientHeight - this.head.offsetHeight, ROW);
  }

  #later() {
    if (!this.#pending) this.#pending = requestAnimationFrame(() => this.draw());
  }

  /** Fill the rows in sight. */
  draw() {
    cancelAnimationFrame(this.#pending);
    this.#pending = 0;
    const sight = Math.ceil(this.#inner / ROW) + 2 * SPARE;
    const first = Math.max(0, Math.min(this.first - SPARE, this.#order.length - sight));
    const top = this.#order.length * ROW <= TALLEST ? first * ROW : this.element.scrollTop - (this.first - first) * ROW;
    while (this.#lines.length < sight) this.#lines.push(this.#line());
    this.element.removeAttribute("aria-activedescendant");
    this.#lines.forEach((line, k) => {
      const place = first + k;
      const here = k < sight && place < this.#order.length;
      line.element.hidden = !here;
      if (here) this.#fill(line, place, top + k * ROW);
    });
  }

  /** @param {Line} line @param {number} place @param {number} top */
  #fill(line, place, top) {
    const row = this.#order[place];
    const own = line.element;
    own.style.transform = `translateY(${top}px)`;
    own.setAttribute("aria-rowindex", String(place + 2));
    own.setAttribute("aria-selected", String(row === this.selected));
    own.dataset.row = String(row);
    own.classList.toggle("active", place === this.place);
    own.classList.toggle("odd", place % 2 === 1);
    line.cells.forEach((cell, k) => {
      const text = this.fields[k].text(row);
      if (cell.textContent !== text) cell.textContent = text;
      const active = place === this.place && k === this.cell;
      cell.classList.toggle("active", active);
      if (active) this.element.setAttribute("aria-activedescendant", cell.id);
    });
  }

  /** @returns {Line} */
  #line() {
    const number = this.#lines.length;
    const cells = this.fields.map((one, k) => element("div", {
      role: "gridcell", className: one.kind === "number" ? "number" : "words", "data-column": one.name,
      "aria-colindex": k + 1, id: `${this.options.id}-${number}-${k}`,
    }));
    const line = element("div", { role: "row", className: "grid-row" }, ...cells);
    line.style.gridTemplateColumns = this.columns;
    this.body.append(line);
    return { cells, element: line };
  }

  /** @param {Field} one @param {number} k */
  #header(one, k) {
    const unit = one.unit ? [element("span", { className: "unit" }, ` ${one.unit}`)] : [];
    const button = element("button", { type: "button", title: one.meaning }, element("span", {}, one.title, ...unit));
    button.addEventListener("click", () => this.options.onSort(one));
    return element("div", {
      role: "columnheader", "data-column": one.name, "aria-sort": "none", "aria-colindex": k + 1,
      className: one.kind === "number" ? "number" : "words",
    }, button);
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const row = /** @type {HTMLElement} */ (event.target).closest("[data-row]");
    if (row) this.options.onPick(Number(/** @type {HTMLElement} */ (row).dataset.row));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.target !== this.element || event.altKey || event.metaKey) return;
    const last = this.#order.length - 1;
    const page = Math.max(Math.floor(this.#inner / ROW) - 1, 1);
    /** @type {Record<string, [number, number]>} */
    const moves = {
      ArrowDown: [this.place + 1, 0], ArrowUp: [this.place - 1, 0], PageDown: [this.place + page, 0],
      PageUp: [this.place - page, 0], Home: [0, 0], End: [last, 0], ArrowRight: [this.place, 1], ArrowLeft: [this.place, -1],
    };
    const move = moves[event.key];
    if (move) {
      this.place = Math.max(0, Math.min(move[0], last));
      this.cell = Math.max(0, Math.min(this.cell + move[1], this.fields.length - 1));
      this.#reveal();
      this.draw();
    } else if ((event.key === "Enter" || event.key === " ") && last >= 0) {
      this.options.onPick(this.#order[this.place]);
    } else return;
    event.preventDefault();
  }

  /** Scroll so that the active cell is in sight. */
  #reveal() {
    const inner = this.#inner;
    const whole = this.#order.length * ROW - inner;
    const scale = this.body.offsetHeight - inner < whole && whole > 0 ? (this.body.offsetHeight - inner) / whole : 1;
    const [top, end] = [this.place * ROW * scale, ((this.place + 1) * ROW - inner) * scale];
    if (this.element.scrollTop > top) this.element.scrollTop = top;
    else if (this.element.scrollTop < end) this.element.scrollTop = Math.ceil(end);
    const left = this.fields.slice(0, this.cell).reduce((sum, one) => sum + one.width, 0);
    const right = left + this.fields[this.cell].width - this.element.clientWidth;
    if (this.element.scrollLeft > left) this.element.scrollLeft = left;
    else if (this.element.scrollLeft < right) this.element.scrollLeft = right;
  }
}
