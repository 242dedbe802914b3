"""Chromium of the operating system, without a network, and pages that record what they must not do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, sync_playwright
from support.npm_tools import missing

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ["--disable-gpu", "--force-color-profile=srgb"]
"""Software rendering, and the colours that the style sheet names."""

_VIOLATIONS = """addEventListener("securitypolicyviolation", e =>
  console.error(`policy violated: ${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`), true)"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser; a test without one is skipped, see :func:`support.npm_tools.missing`."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        raise missing(f"no browser: none of {', '.join(NAMES)} is installed")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watched:
    """A page, and everything that it reported or asked for besides its own file."""

    page: Page
    file: str
    problems: list[str] = field(default_factory=list)

    def watch(self) -> None:
        page = self.page
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(f"error: {error.message}\n{error.stack}"))
        page.on("crash", lambda _: self.problems.append("the page crashed"))
        page.on("request", lambda request: self._request(request.url))
        page.on("websocket", lambda socket: self._request(socket.url))
        page.add_init_script(_VIOLATIONS)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            self.problems.append(f"console {message.type}: {message.text}")

    def _request(self, url: str) -> None:
        if url.partition("#")[0] != self.file and not url.startswith("blob:"):
            self.problems.append(f"request: {url[:200]}")


@contextmanager
def watched_page(browser: Browser, file: Path, **context: Any) -> Iterator[Watched]:
    """A page offline, not yet at `file`; whatever it reports until the end of the block is an AssertionError."""
    options = {"offline": True, "locale": "en-GB", "timezone_id": "America/St_Johns", "accept_downloads": True}
    with browser.new_context(**options, **context) as made:
        made.set_default_timeout(60_000)  # machines may be busy
        watched = Watched(made.new_page(), file.absolute().as_uri())
        watched.watch()
        yield watched
        try:
            watched.page.evaluate("0")  # what was reported until now has arrived
        except Error as error:
            watched.problems.append(str(error))
    assert not watched.problems, "\n".join(watched.problems)
