"""Check a built site: it fetches nothing from elsewhere, and every link within it leads to a page and a place there."""

from __future__ import annotations

import argparse
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

FETCHED = {
    "link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src", "audio": "src", "video": "src",
    "object": "data", "embed": "src", "form": "action",
}  # fmt: skip
"""Attributes with addresses that a browser fetches without being asked; a form sends there what is typed."""

UNFETCHED = {"search", "index", "next", "prev", "canonical", "author", "license"}
"""Relations of ``<link>`` that only name a page."""


class Page(HTMLParser):
    """Addresses and anchors of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the addresses and the anchor of an element."""
        values = {name: value for name, value in attrs if value}
        if anchor := values.get("id") or (values.get("name") if tag == "a" else None):
            self.anchors.add(anchor)
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        named_only = tag == "link" and set(values.get("rel", "").split()) <= UNFETCHED
        if tag in FETCHED and FETCHED[tag] in values and not named_only:
            self.fetched.append(values[FETCHED[tag]])


def problems(site: Path) -> list[str]:
    """Everything that is wrong with a site, one line each."""
    pages: dict[Path, Page] = {}
    for file in sorted(file for file in site.rglob("*.html") if "_static" not in file.parts):  # templates of the theme
        pages[file] = Page()
        pages[file].feed(file.read_text(encoding="utf-8"))
    found = [] if pages else [f"{site}: no page was built"]
    for file, page in pages.items():
        name = file.relative_to(site)
        for address in page.fetched:
            if urlsplit(address).netloc:
                found.append(f"{name}: fetches {address}")
            elif not address.startswith("data:"):
                found += [f"{name}: {wrong}" for wrong in _wrong(address, file, pages)]
        for address in page.links:
            if not urlsplit(address).scheme and not urlsplit(address).netloc:
                found += [f"{name}: {wrong}" for wrong in _wrong(address, file, pages)]
    for file in sorted(site.rglob("*.css")):
        style = re.sub(r"/\*.*?\*/", "", file.read_text(encoding="utf-8"), flags=re.S)
        remote = re.findall(r"url\(\s*['\"]?((?:https?:)?//[^)'\"]+)|@import\s+['\"]((?:https?:)?//[^'\"]+)", style)
        found += [f"{file.relative_to(site)}: fetches {''.join(address)}" for address in remote]
    return found


def _wrong(address: str, file: Path, pages: dict[Path, Page]) -> list[str]:
    parts = urlsplit(address)
    target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
    if not target.is_file():
        return [f"{address} leads nowhere"]
    if parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
        return [f"{address} leads to no place of that page"]
    return []


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path, help="folder of the built site")
    lines = problems(parser.parse_args().site.resolve())
    print("\n".join(lines) or "== every link leads somewhere, and nothing is fetched from elsewhere", file=sys.stderr)
    sys.exit(bool(lines))
