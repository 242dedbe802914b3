// @ts-check
/** What every page has: bar, title, headline and warnings first; certificate and provenance last. */
import { element } from "./panel.js";
import { toggleTheme } from "./theme.js";

/** Bar with the parts of the page and the choice of light or dark. */
export function header() {
  const button = element("button", { type: "button", className: "quiet", id: "theme" }, "Light or dark");
  button.addEventListener("click", toggleTheme);
  return element(
    "header", { className: "bar" },
    element("a", { href: "#main", className: "skip" }, "Skip to the content"),
    element("span", { className: "brand" }, "stmgpu"), element("nav", { "aria-label": "Parts of the page", id: "parts" }), button,
  );
}

/** Links to the parts of the page, once they are there. @param {HTMLElement} main */
export function partLinks(main) {
  const nav = /** @type {HTMLElement} */ (document.getElementById("parts"));
  for (const section of /** @type {NodeListOf<HTMLElement>} */ (main.querySelectorAll(":scope > section[id]"))) {
    const heading = section.querySelector("h2");
    if (heading) nav.append(element("a", { href: `#${section.id}` }, heading.textContent ?? ""));
  }
}

/** @param {HTMLElement} main @param {any} doc */
export function opening(main, doc) {
  const facts = doc.headline.map((/** @type {{label: string, value: string, note?: string}} */ fact) =>
    element(
      "div", { className: "fact" }, element("dt", {}, fact.label), element("dd", { className: "big" }, fact.value),
      ...(fact.note ? [element("dd", { className: "small" }, fact.note)] : []),
    ));
  const headline = element("dl", { className: "headline", id: "headline" }, ...facts);
  headline.style.setProperty("--facts", String(facts.length > 7 ? Math.ceil(facts.length / 2) : Math.max(facts.length, 1)));
  main.append(
    element("div", { className: "title" }, element("h1", {}, doc.title), element("p", {}, doc.subtitle ?? "")),
    ...doc.warnings.map((/** @type {string} */ text) => element("p", { className: "warning", role: "note" }, text)),
    headline,
  );
}

/** @param {HTMLElement} main @param {any} doc */
export function closing(main, doc) {
  if (doc.certificate.length) {
    main.append(element(
      "section", { id: "certificate" }, element("h2", {}, doc.certificate_title ?? "Certificate"),
      element("div", { className: "parts" }, ...doc.certificate.map((/** @type {{heading: string, text: string}} */ part) =>
        element("div", {}, element("h3", {}, part.heading), element("p", {}, part.text)))),
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
