// @ts-check
/** What every page has: bar, title, headline and warnings first; certificate and provenance last. */
import { element } from "./panel.js";
import { toggleTheme } from "./theme.js";

/** Bar with the parts of the page and the choice of light or dark. @param {any} doc */
export function header(doc) {
  const button = element("button", { type: "button", className: "quiet", id: "theme" }, "Light or dark");
  button.addEventListener("click", toggleTheme);
  return element(
    "header", { className: "bar" },
    element("a", { href: "#main", className: "skip" }, "Skip to the content"),
    element("span", { className: "brand" }, "stmgpu"), element("span", { className: "bar-title" }, doc.title), button,
  );
}

/** @param {HTMLElement} main @param {any} doc */
export function opening(main, doc) {
  const facts = doc.headline.map((/** @type {{label: string, value: string, note?: string}} */ fact) =>
    element(
      "div", { className: "fact" }, element("dt", {}, fact.label), element("dd", { className: "big" }, fact.value),
      ...(fact.note ? [element("dd", { className: "small" }, fact.note)] : []),
    ));
  main.append(
    element("div", { className: "title" }, element("h1", {}, doc.title), element("p", {}, doc.subtitle ?? "")),
    ...doc.warnings.map((/** @type {string} */ text) => element("p", { className: "warning", role: "note" }, text)),
    element("dl", { className: "headline", id: "headline" }, ...facts),
  );
}

/** @param {HTMLElement} main @param {any} doc */
export function closing(main, doc) {
  if (doc.certificate.length) {
    main.append(element(
      "section", { id: "certificate", className: "prose" }, element("h2", {}, doc.certificate_title ?? "Certificate"),
      ...doc.certificate.map((/** @type {{heading: string, text: string}} */ part) =>
        element("div", {}, element("h3", {}, part.heading), element("p", {}, part.text))),
    ));
  }
  const rows = doc.provenance.map((/** @type {{label: string, value: string, code?: boolean}} */ fact) =>
    element(
      "div", {}, element("dt", {}, fact.label),
      element("dd", {}, fact.code ? element("code", {}, fact.value) : fact.value),
    ));
  main.append(element(
    "section", { id: "provenance" }, element("h2", {}, "Provenance"), element("dl", { className: "facts" }, ...rows),
  ));
}
