"""One browser a session, the pages of the stores that the tests share, and pages whose every complaint fails a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from support.browser import chromium, watched_page

from stmgpu.report.page import write_page

OpenPage = Callable[..., Page]
MakePage = Callable[..., Path]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser of all tests of this process."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def page_of(tmp_path_factory: pytest.TempPathFactory) -> MakePage:
    """Write the page of a store once: ``page_of(write_conjunctions, 500, names=HOSTILE, report={"rows": 9})``.

    The first argument makes the store in a folder; the page is written beside it.
    """
    made: dict[str, Path] = {}

    def write(
        make: Callable[..., Path], *arguments: Any, report: dict[str, Any] | None = None, **keywords: Any
    ) -> Path:
        key = repr((make.__name__, arguments, report, keywords))
        if key not in made:
            store_key = repr((make.__name__, arguments, keywords))
            if store_key not in made:
                made[store_key] = make(tmp_path_factory.mktemp("store"), *arguments, **keywords)
            made[key] = made[store_key].parent / f"page{len(made)}.html"
            write_page(made[store_key], made[key], **(report or {}))
        return made[key]

    return write


@pytest.fixture
def opened(browser: Browser) -> Iterator[OpenPage]:
    """Open a page's file offline: ``opened(file, fragment="event=3", width=360, color_scheme="dark")``.

    The test fails at its end if the page has logged an error or a warning, thrown, broken its policy or asked for
    anything besides its own file.
    """
    with ExitStack() as stack:

        def open_(file: Path, *, fragment: str = "", width: int = 1280, height: int = 900, **context: Any) -> Page:
            context["viewport"] = {"width": width, "height": height}
            watched = stack.enter_context(watched_page(browser, file, **context))
            watched.page.goto(watched.file + (f"#{fragment}" if fragment else ""))
            watched.page.wait_for_selector("html[data-ready]")
            return watched.page

        yield open_
