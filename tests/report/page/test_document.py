"""The document of a page: JSON that no text can break out of."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import numpy as np
import pytest
from support.page_stores import HOSTILE, LETTERS

from stmgpu.report.page.columns import encode
from stmgpu.report.page.document import Page, to_json


class _Scripts(HTMLParser):
    """Texts of the scripts of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.texts.append("")

    def handle_data(self, data: str) -> None:
        if self.texts:
            self.texts[-1] += data


@pytest.mark.parametrize("text", [*HOSTILE, LETTERS])
def test_every_text_stays_inside_its_element(text: str) -> None:
    page = _Scripts()
    page.feed(f"<script>{to_json({text: [text, {'name': text}]})}</script>")
    assert page.tags == ["script"]
    assert json.loads(page.texts[0]) == {text: [text, {"name": text}]}


def test_numbers_of_numpy_and_absent_ones() -> None:
    document = {"a": np.array([1.5, np.nan, -np.inf]), "b": np.int64(3), "c": (np.float32(0.5), None), 4: True}
    assert json.loads(to_json(document)) == {"a": [1.5, None, None], "b": 3, "c": [0.5, None], "4": True}


def test_a_page_describes_its_columns() -> None:
    page = Page("screening", "A title", {"rows": 2, "headline": [], "figures": {}}, [encode("x", [1.0, 2.0])])
    assert page.document()["columns"] == [{"name": "x", "kind": "f8", "length": 2, "data_id": "data-x"}]
    assert page.summary() == {"kind": "screening", "title": "A title", "headline": [], "rows": 2}
