"""Roles, names and contrast by axe-core, and the layout on narrow screens, light and dark."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page
from support.npm_tools import installed
from support.page_stores import HOSTILE, write_conjunctions, write_screening

pytestmark = pytest.mark.slow

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}


def violations(page: Page) -> list[str]:
    """What axe-core objects to: rule, impact, and the first elements."""
    page.evaluate((installed() / "axe-core" / "axe.min.js").read_text("utf-8") + "; 0")
    found: list[dict[str, Any]] = page.evaluate("rules => axe.run(document, rules).then(r => r.violations)", RULES)
    return [
        f"{one['id']} ({one['impact']}), {len(one['nodes'])} elements: {one['help']}: "
        + "; ".join(node["html"][:150] + " " + (node.get("failureSummary") or "")[:200] for node in one["nodes"][:3])
        for one in found
    ]


def overflowing(page: Page) -> list[str]:
    """Elements that stick out of the page to the right, but for those inside a part that scrolls by itself."""
    return page.evaluate(
        """() => {
          const width = document.documentElement.clientWidth, out = [];
          if (document.documentElement.scrollWidth > width) out.push(`page: ${document.documentElement.scrollWidth}`);
          for (const one of document.body.querySelectorAll("*")) {
            if (one.getBoundingClientRect().right <= width + 0.5) continue;
            let scrolls = false;
            for (let up = one.parentElement; up; up = up.parentElement)
              if (getComputedStyle(up).overflowX !== "visible") scrolls = true;
            if (!scrolls) out.push(`${one.tagName} ${one.id} ${one.className}: ${one.getBoundingClientRect().right}`);
          }
          return out.slice(0, 5);
        }"""
    )


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_screening_passes_axe(scheme: str, width: int, page_of, opened) -> None:
    page = opened(page_of(write_screening, assessed=True), color_scheme=scheme, width=width, fragment="")
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") == (scheme == "dark")
    assert overflowing(page) == []
    assert violations(page) == []


@pytest.mark.parametrize("rows", [0, 700])
def test_names_and_nothing_pass_axe(rows: int, page_of, opened) -> None:
    page = opened(page_of(write_conjunctions, rows, names=HOSTILE), width=360)
    assert overflowing(page) == []
    assert violations(page) == []


def test_dark_is_dark(page_of, opened) -> None:
    """Text and background change places, by the system's choice and by the button."""
    file = page_of(write_conjunctions, 700, names=HOSTILE)

    def brightness(page: Page, what: str) -> float:
        red, green, blue = page.evaluate(
            "what => getComputedStyle(document.body)[what].match(/[0-9.]+/g).slice(0, 3).map(Number)", what
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = opened(file, color_scheme="light"), opened(file, color_scheme="dark")
    assert brightness(light, "backgroundColor") > 200.0 > 60.0 > brightness(light, "color")
    assert brightness(dark, "backgroundColor") < 60.0 < 180.0 < brightness(dark, "color")
    dark.get_by_role("button", name="Light or dark").focus()
    dark.keyboard.press("Enter")
    assert brightness(dark, "backgroundColor") == brightness(light, "backgroundColor")
    light.get_by_role("button", name="Light or dark").click()
    light.get_by_role("button", name="Light or dark").click()
    assert brightness(light, "backgroundColor") > 200.0
