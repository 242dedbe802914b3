// @ts-check
/** A figure's place on the page: heading, canvas, and its numbers as a list for keyboard and screen readers. */

/**
 * Make an element.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} [properties]  properties; names with a hyphen or `role` are attributes
 * @param {(Node|string)[]} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (name.includes("-") || name === "role") made.setAttribute(name, String(value));
    else /** @type {any} */ (made)[name] = value;
  }
  made.append(...children);
  return made;
}

/** @typedef {{section: HTMLElement, body: HTMLElement, figure: HTMLElement, list: HTMLElement}} Place */

/**
 * Add a panel.
 * @param {HTMLElement} parent
 * @param {{id: string, title: string, note?: string, wide?: boolean}} spec
 * @returns {Place}  `figure` is where a canvas goes, `list` where its numbers go, `body` holds both
 */
export function panel(parent, { id, title, note, wide }) {
  const heading = element("h3", { id: `${id}-title` }, title);
  const figure = element("div", { className: "figure" });
  const list = element("div", { className: "values", tabIndex: 0, role: "region", "aria-label": `Values of ${title}` });
  const values = element("details", { className: "numbers" }, element("summary", {}, "Values"), list);
  const body = element("div", { className: "panel-body" }, figure, values);
  const section = element(
    "section", { id, className: wide ? "panel wide" : "panel", "aria-labelledby": `${id}-title` }, heading,
    ...(note ? [element("p", { className: "note" }, note)] : []), body,
  );
  parent.append(section);
  return { section, body, figure, list };
}
