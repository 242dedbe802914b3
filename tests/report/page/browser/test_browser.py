"""The harness itself: what a page must not do is seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser
from support.browser import watched_page

pytestmark = pytest.mark.slow

FAULTS = {
    "console error": "console.error('spoken')",
    "console warning": "console.warn('spoken')",
    "error: thrown": "setTimeout(() => { throw new Error('thrown') })",
    "error: rejected": "Promise.reject(new Error('rejected'))",
    "request: https://": "fetch('https://example.org/a')",
    "request: file://": "document.body.append(Object.assign(new Image(), {src: 'a.png'}))",
    "request: wss://": "new WebSocket('wss://example.org/')",
    "policy violated: style-src-attr": "document.body.innerHTML = '<b style=\"color: red\">x</b>'",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_reported(browser: Browser, tmp_path: Path, fault: str) -> None:
    file = tmp_path / "page.html"
    policy = "default-src * 'unsafe-inline'; style-src 'none'"
    file.write_text(
        f'<!doctype html><meta http-equiv="Content-Security-Policy" content="{policy}"><title>x</title><body>'
        f"<script>onload = () => {{ {FAULTS[fault]} }}</script>"
    )
    with pytest.raises(AssertionError, match=fault), watched_page(browser, file) as watched:
        watched.page.goto(watched.file)
        watched.page.wait_for_timeout(100)


def test_a_quiet_page_is_none(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("<!doctype html><title>x</title><link rel=icon href='data:,'>")
    with watched_page(browser, file) as watched:
        watched.page.goto(watched.file + "#event=1")
        assert watched.page.title() == "x"
