"""The site of the documentation: its sources as laid out, what is made from the code, what a built site may not do."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path, PurePosixPath
from types import ModuleType

import pytest
from support.paths import ROOT

import stmgpu
from stmgpu.cli.exit_codes import MEANINGS
from stmgpu.store.schema import KINDS


@pytest.fixture(scope="module")
def stage() -> ModuleType:
    return _part("stage")


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    return _part("reference")


def _part(name: str) -> ModuleType:
    folder = str(ROOT / "docs" / "site")
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(name)


@pytest.fixture(scope="module")
def sources(stage: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out: Path = tmp_path_factory.mktemp("site") / "source"
    stage.lay_out(out)
    return out


def test_links_lead_to_pages_that_are_laid_out(sources: Path) -> None:
    pages = sorted(sources.rglob("*.md"))
    assert len(pages) > 100
    for page in pages:
        text = re.sub(r"^(`{3,}).*?^\1$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
        for target in re.findall(r"(?<!`)\]\(([^)\s#]+)", text):
            assert "://" in target or (page.parent / target).is_file(), f"{page.relative_to(sources)}: {target}"


def test_every_page_is_in_a_table_of_contents(sources: Path) -> None:
    listed = {PurePosixPath("index")}
    for page in sources.rglob("*.md"):
        for block in re.findall(r"^```\{toctree\}\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S):
            entries = [line for line in block.splitlines() if line and not line.startswith(":")]
            listed |= {PurePosixPath((page.parent / e).resolve().relative_to(sources.resolve())) for e in entries}
    files = [p.relative_to(sources) for p in sources.rglob("*") if p.suffix in (".md", ".rst", ".py")]
    pages = {PurePosixPath(p.with_suffix("")) for p in files if p.parts[0] != "source"}  # those show a file, for links
    assert pages == listed


def test_links_of_a_page_are_turned_but_for_its_code(stage: ModuleType, tmp_path: Path) -> None:
    turned = stage.Stage(tmp_path).relinked(
        "[a](../../SECURITY.md) [b](screening.md#flags) [c](../../slurm/job.sh) [d](https://x.org)\n\n"
        "```text\n[e](../../SECURITY.md)\n```\n",
        PurePosixPath("docs/guide/stores.md"),
        PurePosixPath("guide/stores.md"),
    )
    assert turned == (
        "[a](../project/security.md) [b](screening.md#flags) [c](../source/slurm/job.sh.md) [d](https://x.org)\n\n"
        "```text\n[e](../../SECURITY.md)\n```\n"
    )


def test_a_link_that_leads_nowhere_stops_the_build(stage: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"docs/guide/stores\.md: the link gone\.md leads nowhere"):
        stage.Stage(tmp_path).relinked(
            "[a](gone.md)", PurePosixPath("docs/guide/stores.md"), PurePosixPath("guide/stores.md")
        )


def test_the_api_has_every_public_name(sources: Path, reference: ModuleType) -> None:
    text = (sources / "reference" / "api.md").read_text(encoding="utf-8")
    for name in stmgpu.__all__:
        shown = (
            f": `stmgpu.{name}`\n" if f"stmgpu.{name}" in reference.MODULES else f"[`{name}`](api/stmgpu.{name}.rst)"
        )
        assert shown in text, name


def test_the_schema_has_every_variable_of_every_kind(sources: Path) -> None:
    text = (sources / "reference" / "store-schema.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## Kind `(\w+)`\n(.*?)(?=^## |\Z)", text, re.M | re.S))
    assert sections.keys() == KINDS.keys()
    for name, kind in KINDS.items():
        shown = re.findall(r"^\| `(\w+)` \| [^|]*\| (?:time|text|bool|u?int\d+|float\d+) \|", sections[name], re.M)
        assert shown == [path.rpartition("/")[2] for path in kind.arrays()]


def test_every_command_has_its_options(sources: Path) -> None:
    text = (sources / "reference" / "commands.md").read_text(encoding="utf-8")
    assert "\n## stmgpu screen\n" in text
    assert "\n## stmgpu catalog summary\n" in text
    screen = text[text.index("\n## stmgpu screen\n") : text.index("\n## stmgpu propagate\n")]
    assert "| `--threshold-km <float>` |" in screen
    assert "nearest\\|newest" in screen  # a bar within a cell


def test_exit_codes_of_the_guide_are_those_of_the_code(sources: Path) -> None:
    rows = [(str(code), meaning) for code, meaning in MEANINGS.items()]
    for page in (sources / "guide" / "scripts.md", sources / "reference" / "exit-codes.md"):
        table = (
            page.read_text(encoding="utf-8").partition("| exit code | meaning |\n|---|---|\n")[2].partition("\n\n")[0]
        )
        assert re.findall(r"^\| (\d+) \| (.*?) \|$", table, re.M) == rows


SITE = {
    "index.html": '<link rel="stylesheet" href="a.css"><body id="top"><a href="b.html#there">b</a>',
    "b.html": '<h1 id="there">b</h1><a href="index.html">a</a> <a href="https://example.org">elsewhere</a>',
    "a.css": "/* https://example.org */ h1 { background: url(data:image/png;base64,AA) }",
}


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("index.html", "", ""),
        (
            "index.html",
            '<script src="https://example.org/x.js"></script>',
            "index.html: fetches https://example.org/x.js",
        ),
        ("index.html", '<img src="//example.org/x.png">', "index.html: fetches //example.org/x.png"),
        ("index.html", '<img src="x.png">', "index.html: x.png leads nowhere"),
        ("index.html", '<a href="gone.html">x</a>', "index.html: gone.html leads nowhere"),
        ("index.html", '<a href="b.html#gone">x</a>', "index.html: b.html#gone leads to no place of that page"),
        ("a.css", "@import 'https://example.org/x.css';", "a.css: fetches https://example.org/x.css"),
        ("a.css", "p { src: url(https://example.org/x.woff) }", "a.css: fetches https://example.org/x.woff"),
    ],
)
def test_a_site_is_closed(file: str, text: str, problem: str, tmp_path: Path) -> None:
    for name, content in SITE.items():
        (tmp_path / name).write_text(content + (text if name == file else ""), encoding="utf-8")
    assert _part("check").problems(tmp_path) == ([problem] if problem else [])


def test_an_empty_site_is_a_problem(tmp_path: Path) -> None:
    assert _part("check").problems(tmp_path) == [f"{tmp_path}: no page was built"]
