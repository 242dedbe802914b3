// @ts-check
/** The page: what is common to all kinds, and the choice of the kind. */
import { loadColumns } from "./columns.js";
import { closing, header, opening, partLinks } from "./frame.js";
import { element } from "./panel.js";
import { screeningPage } from "./screening.js";
import { studyPage } from "./study.js";
import { startTheme } from "./theme.js";

async function start() {
  startTheme();
  const doc = JSON.parse(/** @type {HTMLElement} */ (document.getElementById("page")).textContent ?? "");
  const main = /** @type {HTMLElement} */ (document.getElementById("main"));
  document.body.prepend(header());
  opening(main, doc);
  const columns = await loadColumns(doc);
  if (doc.kind === "screening") await screeningPage(main, { doc, columns });
  else studyPage(main, { doc, columns });
  closing(main, doc);
  partLinks(main);
  document.documentElement.dataset.ready = "true";
}

start().catch((error) => {
  const text = `This report cannot be shown: ${error.message ?? error}. Use a current browser, or write it again.`;
  document.body.prepend(element("p", { className: "warning", role: "alert" }, text));
  throw error;
});
