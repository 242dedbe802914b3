"""The file of a page: self-contained, with a policy that names its script and style."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re

from support.paths import ROOT

from stmgpu.report.page.assemble import ENTRY, assemble, script_text, style_text
from stmgpu.report.page.columns import encode
from stmgpu.report.page.document import Page

FOLDER = ROOT / "stmgpu" / "report" / "page"


def _written(title: str = "A page") -> str:
    page = Page("screening", title, {"rows": 2}, [encode("x", [1.0, 2.0])])
    file = io.BytesIO()
    assemble(page, file)
    return file.getvalue().decode("utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_policy_allows_the_one_script_and_style_and_nothing_else() -> None:
    text = _written()
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert found
    policy = dict(part.strip().split(" ", 1) for part in found[1].split(";"))
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert policy == {
        "default-src": "'none'",
        "script-src": _digest(script),
        "style-src": _digest(style),
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_nothing_is_fetched_and_no_markup_carries_code() -> None:
    text = _written()
    assert not re.search(
        r"<(?:link|img|iframe|object|base)\b|\bsrc=|\son\w+=|\sstyle=|https?://", text.split("<script")[0]
    )
    assert not re.search(r"\b(?:eval|Function|fetch|XMLHttpRequest|importScripts|innerHTML)\b\s*[(=]", script_text())
    assert "url(" not in style_text()
    assert "@import" not in style_text()


def test_document_and_columns_are_in_the_file() -> None:
    text = _written("<script>alert(1)</script>")
    assert "<title>&lt;script&gt;alert(1)&lt;/script&gt;</title>" in text
    found = re.search(r'<script type="application/json" id="page">(.*?)</script>', text)
    assert found
    document = json.loads(found[1])
    assert document["title"] == "<script>alert(1)</script>"
    for column in document["columns"]:
        assert f'<script type="text/plain" id="{column["data_id"]}">' in text


def test_every_module_is_short_and_typed_and_the_entry_uses_all() -> None:
    modules = {path.name: path.read_text(encoding="utf-8") for path in (FOLDER / "scripts").glob("*.js")}
    assert {name: text.count("\n") for name, text in modules.items() if text.count("\n") > 200} == {}
    assert [name for name, text in modules.items() if not text.startswith("// @ts-check\n")] == []
    imported = {name for text in modules.values() for name in re.findall(r'from "\./(\w+\.js)";', text)}
    assert sorted(modules.keys() - imported) == [ENTRY]


def test_every_style_sheet_is_in_the_page_the_base_first_and_print_last() -> None:
    style = style_text()
    sheets = {path.name: path.read_text(encoding="utf-8") for path in (FOLDER / "styles").glob("*.css")}
    assert all(text in style for text in sheets.values())
    assert style.startswith(sheets["base.css"])
    assert style.endswith(sheets["print.css"])
