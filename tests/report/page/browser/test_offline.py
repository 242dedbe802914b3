"""The page is one file: it asks for nothing, and no script but its own runs in it, whatever the names are."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page
from support.browser import watched_page
from support.page_stores import HOSTILE, LETTERS, write_conjunctions, write_screening

pytestmark = pytest.mark.slow

STORES = {
    "no row": (write_conjunctions, 0, {}),
    "one row": (write_conjunctions, 1, {}),
    "hostile names": (write_conjunctions, 700, {"names": (*HOSTILE, LETTERS)}),
}


@pytest.mark.parametrize("kind", STORES)
def test_made_up_rows_are_shown_quietly(kind: str, page_of, opened) -> None:
    make, rows, keywords = STORES[kind]
    page: Page = opened(page_of(make, rows, **keywords))
    assert page.evaluate("window.injected") is None
    assert page.get_by_role("alert").count() == 0


@pytest.mark.parametrize("assessed", [False, True])
def test_screened_stores_are_shown_quietly(assessed: bool, page_of, opened) -> None:
    page: Page = opened(page_of(write_screening, assessed=assessed))
    assert page.get_by_role("alert").count() == 0


ATTACKS = {
    "inline script": "document.body.append(Object.assign(document.createElement('script'), {text: 'window.hit = 1'}))",
    "inline handler": "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hit = 1\">')",
    "eval": "eval('window.hit = 1')",
    "Function": "new Function('window.hit = 1')()",
    "timer with text": "setTimeout('window.hit = 1')",
    "style attribute": "document.body.insertAdjacentHTML('beforeend', '<b style=\"color: rgb(1, 2, 3)\">b</b>');"
    " if (getComputedStyle(document.body.lastChild).color === 'rgb(1, 2, 3)') window.hit = 1",
    "style element": "document.head.insertAdjacentHTML('beforeend', '<style>body{color: rgb(1, 2, 3)}</style>');"
    " if (getComputedStyle(document.body).color === 'rgb(1, 2, 3)') window.hit = 1",
    "script from data": "document.body.append(Object.assign(document.createElement('script'),"
    " {src: 'data:text/javascript,window.hit=1'}))",
    "worker": "new Worker(URL.createObjectURL(new Blob(['0']))).onmessage = () => { window.hit = 1 }",
    "frame": "document.body.append(Object.assign(document.createElement('iframe'),"
    " {src: 'data:text/html,<script>1</script>'}))",
    "request": "fetch('data:text/plain,x').then(() => { window.hit = 1 })",
    "link": "document.head.append(Object.assign(document.createElement('link'), {rel: 'stylesheet', href: 'x.css'}))",
    "form": "const f = Object.assign(document.createElement('form'), {action: 'https://example.org/'});"
    " document.body.append(f); f.submit()",
    "base": "document.head.append(Object.assign(document.createElement('base'), {href: 'https://example.org/'}));"
    " if (document.baseURI.startsWith('https:')) window.hit = 1",
}
"""Scripts, as one that got into the page would run them; they set ``window.hit`` where they succeed."""


def test_the_policy_stops_every_attack(page_of, browser: Browser) -> None:
    """Attacks run from a timer: what a debugger evaluates is free of the policy, what the page calls is not."""
    succeeded, unseen = [], []
    with (
        pytest.raises(AssertionError, match="policy violated"),
        watched_page(browser, page_of(write_conjunctions, 1)) as w,
    ):
        w.page.goto(w.file)
        w.page.wait_for_selector("html[data-ready]")
        for name, attack in ATTACKS.items():
            before = len(w.problems)
            w.page.evaluate("attack => { window.hit = 0; setTimeout(new Function(attack)) }", attack)
            w.page.wait_for_timeout(50)
            succeeded += [name] if w.page.evaluate("window.hit") else []
            unseen += [name] if len(w.problems) == before else []
    assert succeeded == []
    assert unseen == []
