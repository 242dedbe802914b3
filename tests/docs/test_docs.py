"""The documentation does what it says: its code blocks, its commands and the tutorial run, its links lead somewhere."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import json
import re
import shlex
import statistics
import tomllib
from pathlib import Path

import pytest
from support.histories import write_history
from support.messages import kvn
from support.paths import ROOT
from typer.testing import CliRunner

from stmgpu.backend.cpu import usable_levels
from stmgpu.catalog import synthetic_catalog, write_catalog
from stmgpu.cli import app
from stmgpu.propagate.codes import CODES
from stmgpu.risk import variables as risk
from stmgpu.risk.validity import REFUTED
from stmgpu.screen.variables import FLAGS

GUIDE = sorted(page for name in ("guide", "explanation", "reference") for page in (ROOT / "docs" / name).glob("*.md"))
PAGES = [ROOT / "README.md", *GUIDE]
DESIGN = sorted((ROOT / "docs" / "design").glob("*.md"))
ROOT_PAGES = [ROOT / name for name in ("ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")]
RESULTS = sorted((ROOT / "benchmarks" / "results").glob("*.md"))
CONTENTS = [ROOT / "docs" / name for name in ("index.md", "project/README.md", "tutorials/README.md")]
LINKED = [
    *PAGES,
    *CONTENTS,
    *DESIGN,
    *RESULTS,
    *ROOT_PAGES,
    ROOT / "slurm" / "README.md",
    ROOT / "kernels" / "README.md",
]
_BLOCK = re.compile(r"^```(python|bash)\n(.*?)^```$(?:\n\n^```text\n(.*?)^```$)?", re.M | re.S)
"""Language and text of a block, and the output that the page shows after it."""

_PATH = re.compile(r"`((?:stmgpu|kernels|tests|benchmarks|docs|slurm)/[\w./]*\w(?:/|\.\w+))`")

needs_kernels = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a small ``catalog.tle`` of the time of the pages, and the other files that they name."""
    write_history(tmp_path / "history.csv", tmp_path / "operator.oem", tmp_path / "predicted.oem")
    (tmp_path / "event.cdm").write_text(kvn())
    write_catalog(synthetic_catalog(400, seed=2, epoch="2024-07-05T03:00:00"), tmp_path / "catalog.tle")
    (tmp_path / "satcat.csv").write_text("NORAD_CAT_ID,OBJECT_TYPE,OWNER,DECAY_DATE\n1,PAY,US,\n2,R/B,US,2024-07-05\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@needs_kernels
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_blocks_of_a_page_run_in_order(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, object] = {}
    for language, text, output in _BLOCK.findall(page.read_text(encoding="utf-8")):
        if language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(compile(text, page.name, "exec"), names)
            if output:
                assert [line.rstrip() for line in printed.getvalue().splitlines()] == output.splitlines()
            continue
        for line in text.splitlines():
            words = shlex.split(re.split(r" [|>] ", line)[0], comments=True)
            settings = [word for word in words if re.fullmatch(r"[A-Z_]+=\S*", word)]
            if words[len(settings) : len(settings) + 1] != ["stmgpu"]:
                continue
            with monkeypatch.context() as environment:
                for setting in settings:
                    environment.setenv(*setting.split("=", 1))
                result = CliRunner().invoke(app, words[len(settings) + 1 :])
            assert result.exit_code == 0, f"{line}\n{result.stderr}"


@pytest.mark.slow
def test_examples_of_docstrings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """All that stand in the package, in modules that can be imported here."""
    monkeypatch.chdir(tmp_path)
    failed: list[str] = []
    for path in sorted((ROOT / "stmgpu").rglob("*.py")):
        if ">>> " not in path.read_text(encoding="utf-8"):
            continue
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        module = importlib.import_module(name)
        for test in doctest.DocTestFinder(exclude_empty=True).find(module, name):
            said = io.StringIO()
            if doctest.DocTestRunner(verbose=False).run(test, out=said.write).failed:
                failed.append(said.getvalue())
    assert not failed, "".join(failed)


@pytest.mark.parametrize("page", LINKED, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), re.M)
            anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in anchors, target


@pytest.mark.parametrize(
    "page",
    [page for page in LINKED if page.name != "CHANGELOG.md"],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_paths_that_pages_name_exist(page: Path) -> None:
    for path in _PATH.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / path).exists(), path


def test_every_page_of_results_is_listed() -> None:
    """Pages that no list names are no part of the site, and Sphinx refuses them."""
    text = (ROOT / "docs" / "project" / "README.md").read_text(encoding="utf-8")
    assert {page.name for page in RESULTS} == set(re.findall(r"\(\.\./\.\./benchmarks/results/(\w+\.md)\)", text))


def test_tables_of_architecture_name_modules_that_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    steps = text[text.index("## A screening") : text.index("## Folders")]
    for path in re.findall(
        r"`([a-z_]+(?:/[a-z_]+)*(?:\.py)?)`", "\n".join(re.findall(r"^\| \w+ \| (.*?) \|", steps, re.M))
    ):
        assert (ROOT / "stmgpu" / path).exists(), path
    tree = text[text.index("```\nstmgpu/") : text.index("kernels/  ")]
    packages = {path.parent.name for path in (ROOT / "stmgpu").rglob("__init__.py")} - {"stmgpu"}
    assert packages == set(re.findall(r"([a-z]+)/(?:\s|$)", tree)) - {"stmgpu", "scenarios"}


def test_layers_of_architecture_are_those_that_are_enforced() -> None:
    """The two blocks of layers, top down, against import-linter's contracts; layers still to come are not shown."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```\n(.*?)^```$", text[text.index("## Layers") : text.index("## Kernels")], re.M | re.S)
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    for block, contract in zip(blocks, [c for c in contracts if c["type"] == "layers"], strict=True):
        shown = [sorted(re.split(r"\s{2,}", line)[0].split(" · ")) for line in block.splitlines()]
        names = [re.findall(r"stmgpu\.([\w.]+)", layer) for layer in contract["layers"]]
        existing = [[n for n in layer if list((ROOT / "stmgpu").glob(n.replace(".", "/") + "*"))] for layer in names]
        assert shown == [sorted(n.split(".")[-1] for n in layer) for layer in existing]


def test_design_index_lists_every_note() -> None:
    index = (ROOT / "docs" / "design" / "README.md").read_text(encoding="utf-8")
    for note in DESIGN:
        title = note.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        assert note.name == "README.md" or f"- [{title}]({note.name})" in index


def test_the_first_screen_of_readme() -> None:
    """A sentence, a picture, what others need for the same, three lines to install, code with its output."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    parts = [
        "# stmgpu\n\nstmgpu ",
        "\n![",
        "\n| program |",
        "\n```\nmake demo ",
        "\n```python\n",
        "\n```text\n",
        "\n## ",
    ]
    places = [text.index(part) for part in parts]
    assert places[0] == 0
    assert places == sorted(places)
    assert text[: places[-1]].count("\n") < 60
    install = text[places[3] : places[4]].partition("```\n")[2].partition("```")[0]
    assert install.count("\n") == 3


def test_the_comparison_in_readme_is_the_measured_one() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (stmgpu|astroz|sgp4)\b[^|]*\| ([\d.]+) \| ([\d,]+) \| ([\d,]+|-) \| ([\d,]+|-) \|$", text, re.M
    )
    results = ROOT / "benchmarks" / "results"
    times = json.loads((results / "screen.json").read_text(encoding="utf-8"))
    lists = json.loads((results / "missed.json").read_text(encoding="utf-8"))
    astroz = statistics.median(run["wall_s"] for run in times["astroz"]["runs"])
    pipeline = statistics.median(run["wall_s"] for run in times["baseline"]["runs"])
    ours = times["ours"]["x86-64-v4, 2 threads"]["median_wall_s"]
    measured = [("stmgpu", f"{ours:.1f}", f"{lists['events']:,}", "-", "-")]
    for name, key, seconds in (("astroz", "astroz", f"{astroz:.1f}"), ("sgp4", "baseline", f"{pipeline:.0f}")):
        other = lists[key]
        measured.append((name, seconds, *(f"{other[word]:,}" for word in ("events", "fast_missed", "slow_missed"))))
    assert rows == measured


def test_every_claim_names_what_attacks_it() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text[text.index("| claim |") :].partition("\n\n")[0].splitlines()[2:]
    assert len(table) >= 10
    for row in table:
        assert re.findall(r"\]\(((?:tests|benchmarks)/[\w/]+\.py)\)", row.split(" | ")[2]), row


def test_the_picture_of_readme_is_small() -> None:
    picture = ROOT / "docs" / "images" / "report.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size < 250_000


def test_tables_of_flags_and_codes_are_complete() -> None:
    text = (ROOT / "docs" / "guide" / "screening.md").read_text(encoding="utf-8")
    for bit, name in FLAGS.items():
        assert f"| `{name}` | {bit} |" in text
    for code in CODES:
        assert code in (0, 9) or f"| {code} |" in text  # 9 stands for padding, which no user sees


def test_tables_of_the_assessment_are_complete() -> None:
    text = (ROOT / "docs" / "guide" / "assess.md").read_text(encoding="utf-8")
    columns, flags = text.split("| flag | bit |")
    assert re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", columns, re.M))) == list(risk.VARIABLES)
    assert re.findall(r"^\| `(\w+)` \| (\d+) \|", flags, re.M) == [(w, str(b)) for b, w in risk.FLAGS.items()]
    refuted = {w for w, said in re.findall(r"^\| `(\w+)` \|.*\| ([\w -]+) \|$", flags, re.M) if said == "not 2-D"}
    assert refuted == {word for bit, word in risk.FLAGS.items() if bit & REFUTED}


def test_the_accuracy_figures_are_those_measured() -> None:
    """Each row of the table: catalogue, model, objects, states, then median, 99 %, largest in mm."""
    text = (ROOT / "docs" / "guide" / "accuracy.md").read_text(encoding="utf-8")
    results = json.loads((ROOT / "benchmarks" / "results" / "sgp4_accuracy.json").read_text(encoding="utf-8"))
    rows = re.findall(
        r"^\| (\S+) \| (near-earth|deep-space) \| ([\d,]+) \| ([\d,]+) \| (\S+) \| (\S+) \| (\S+) \|$", text, re.M
    )
    assert len(rows) == 2 * len(results["catalogs"])
    for catalogue, model, objects, states, *figures in rows:
        measured = results["catalogs"][catalogue][model.replace("-", "_")]
        assert [int(objects.replace(",", "")), int(states.replace(",", ""))] == [
            measured["objects"],
            measured["states"],
        ]
        for shown, key in zip(figures, ("median_mm", "p99_mm", "max_mm"), strict=True):
            assert shown == f"{measured[key]:.2g}", key


def test_benchmarks_answer_help_instead_of_running() -> None:
    scripts = [*(ROOT / "benchmarks").rglob("*.py")]
    programs = [script for script in scripts if '__name__ == "__main__"' in script.read_text(encoding="utf-8")]
    assert len(programs) > 10
    for script in programs:
        assert "parse_args()" in script.read_text(encoding="utf-8"), script.name


def test_no_machine_path_stands_in_the_documentation() -> None:
    for page in (*LINKED, *(ROOT / "docs" / "tutorials").glob("*.py")):
        assert not re.search(r"(?<![\w.])/(home|root|work|tmp)/", page.read_text(encoding="utf-8")), page.name


def test_the_commands_of_the_security_page_select_tests() -> None:
    """Every attack that SECURITY.md names can be run: its files exist, and words after -k stand in names of tests."""
    commands = re.findall(r"`([^`]*-m pytest [^`]*)`", (ROOT / "SECURITY.md").read_text(encoding="utf-8"))
    assert len(commands) > 10
    for command in commands:
        words = shlex.split(command)
        paths = [ROOT / word for word in words if word.startswith("tests")]
        assert paths, command
        assert all(path.exists() for path in paths), command
        files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("test_*.py"))]
        names = re.findall(r"(?:def|class) (test_\w+|Test\w+)", "\n".join(f.read_text(encoding="utf-8") for f in files))
        names += [file.name for file in files]
        if "-k" in words:
            expression = words[words.index("-k") + 1]
            for word in set(expression.split()) - {"or", "and", "not"}:
                assert any(word.lower() in name.lower() for name in names), f"{command}: no test is called {word}"
