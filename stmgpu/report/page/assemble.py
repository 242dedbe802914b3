"""One HTML file of a page's document, columns, script and style."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from stmgpu.report.page.bundle import bundle
from stmgpu.report.page.document import Page, to_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

ENTRY = "app.js"
"""Module that the page's script begins with."""

_FIRST, _LAST = "base.css", "print.css"


def assemble(page: Page, file: BinaryIO) -> None:
    """Write a page as one HTML file that needs no network.

    The policy in its head forbids everything but the one script and the one style in it, which it names by their
    hashes.

    Parameters
    ----------
    page : Page
        The page.
    file : binary file
        Where to write UTF-8 to.
    """
    for part in _parts(page):
        file.write(part.encode("utf-8"))


def _parts(page: Page) -> Iterator[str]:
    script, style = script_text(), style_text()
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(page.title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        '<main id="main"></main>\n<noscript>This report needs JavaScript.</noscript>\n'
        f'<script type="application/json" id="page">{to_json(page.document())}</script>\n'
    )
    for column in page.columns:
        yield f'<script type="text/plain" id="{escape(column.description["data_id"])}">{column.data}</script>\n'
    yield f"<script>{script}</script>\n</body>\n</html>\n"


@cache
def script_text() -> str:
    """The page's script: all modules in one."""
    folder = files("stmgpu.report.page") / "scripts"
    return bundle({one.name: one.read_text("utf-8") for one in folder.iterdir() if one.name.endswith(".js")}, ENTRY)


@cache
def style_text() -> str:
    """The page's style sheets in one: the base first, what is for print last."""
    sheets = {one.name: one.read_text("utf-8") for one in (files("stmgpu.report.page") / "styles").iterdir()}
    order = sorted(sheets, key=lambda name: (name != _FIRST, name == _LAST, name))
    return "\n".join(sheets[name] for name in order)


def _hash(text: str) -> str:
    """Digest of an inline element as the policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}"
