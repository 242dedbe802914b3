"""Claims that are checked anew: the same figures, other ones, and scripts that end without."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.paths import ROOT

from stmgpu.errors import InputError, StmgpuError
from stmgpu.files import file_hash
from stmgpu.report.claims import TABLE, Claim, Claims, read_claims
from stmgpu.report.reproduction import STORED, compare, reproduce

SCRIPT = """
import sys
sys.path.append("benchmarks/reproduce")
from pathlib import Path
from verdict import Report

report = Report("numbers")
total = sum(map(float, Path(sys.argv[1], "numbers.txt").read_text().split()))
report.check("sum", 3, total, tolerance_relative=0.1)
report.check("seconds", None, 0.5)
sys.exit(report.finish())
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with one claim about a file of numbers."""
    root = tmp_path / "checkout"
    (root / STORED).mkdir(parents=True)
    (root / "benchmarks" / "reproduce").mkdir()
    for name in ("machine.py", "reproduce/verdict.py"):
        shutil.copy(ROOT / "benchmarks" / name, root / "benchmarks" / name)
    (root / "benchmarks" / "sum.py").write_text(SCRIPT)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "numbers.txt").write_text("1 2")
    (root / TABLE).write_text(
        '[data.numbers]\nwhat = "numbers"\nsource = "example.org"\nlicence = "CC0"\n'
        f'files = {{"numbers.txt" = "{file_hash(tmp_path / "data" / "numbers.txt")[1]}"}}\n'
        '[claims.sum]\nclaim = "the sum"\nsource = "arithmetic"\ncommand = ["benchmarks/sum.py", "{data}"]\n'
        'data = ["numbers"]\nseconds = 1\nunstable = ["sec*"]\n'
    )
    return root


def _table(root: Path, **changes: Any) -> Claims:
    table = read_claims(root)
    return table.model_copy(update={"claims": {"sum": table.claims["sum"].model_copy(update=changes)}})


@pytest.mark.slow  # three Pythons
def test_first_stored_then_reproduced_then_another(root: Path, tmp_path: Path) -> None:
    table, data, out = _table(root), tmp_path / "data", tmp_path / "out"
    first = reproduce("sum", table, root, root / STORED, data)
    assert first.differences == ["no figures are stored; --out benchmarks/results/claims stores these"]
    again = reproduce("sum", table, root, out, data)
    assert again.reproduced
    assert again.verdicts == (1, 1)
    assert [row["ours"] for row in again.figures] == ["3", "0.5"]
    assert json.loads((out / "sum.json").read_text())["commit"]
    assert (out / "sum.txt").read_text() == again.text
    assert "1 of 1 verdicts pass" in again.text
    script = root / "benchmarks" / "sum.py"
    script.write_text(SCRIPT.replace("map(float", "map(lambda x: 2 * float(x)"))
    other = reproduce("sum", table, root, out, data)
    assert other.differences == ["sum: 6, stored 3"]
    assert other.verdicts == (0, 1)


def test_data_are_those_of_the_stored_result(root: Path, tmp_path: Path) -> None:
    table = _table(root)
    with pytest.raises(InputError, match=r"numbers \(numbers\) is not there: numbers.txt. Get it from example.org"):
        reproduce("sum", table, root, tmp_path / "out", None)
    (tmp_path / "data" / "numbers.txt").write_text("1 2 3")
    with pytest.raises(InputError, match=r"numbers.txt is not the file of the stored result: its SHA-256 is"):
        reproduce("sum", table, root, tmp_path / "out", tmp_path / "data")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_told_before_the_script_runs(root: Path, tmp_path: Path) -> None:
    (root / "benchmarks" / "sum.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        reproduce("sum", _table(root), root, tmp_path / "file" / "out", tmp_path / "data")
    assert not (tmp_path / "ran").exists()


@pytest.mark.slow
def test_a_script_without_figures_leaves_what_is_stored(root: Path, tmp_path: Path) -> None:
    stored = root / STORED / "sum.json"
    stored.write_text('{"verdicts": []}')
    (root / "benchmarks" / "sum.py").write_text("raise SystemExit('no numbers today')")
    with pytest.raises(StmgpuError, match=r"sum.py ended with exit code 1 and without figures: no numbers today"):
        reproduce("sum", _table(root), root, root / STORED, tmp_path / "data")
    assert stored.read_text() == '{"verdicts": []}'
    stored.write_text("{")
    with pytest.raises(StmgpuError, match="is no result of a script"):
        reproduce("sum", _table(root), root, root / STORED, tmp_path / "data")


def _row(name: str, ours: str, passed: bool | None = None) -> dict[str, Any]:
    return {"name": name, "ours": ours, "passed": passed}


@pytest.mark.parametrize(
    ("stored", "now", "differences"),
    [
        ([_row("a", "1.2345")], [_row("a", "1.2345")], []),
        ([_row("a", "12,345")], [_row("a", "12345.1")], []),
        ([_row("a", "1.2345")], [_row("a", "1.2347")], ["a: 1.2347, stored 1.2345"]),
        ([_row("a", "nan")], [_row("a", "nan")], []),
        ([_row("a", "nan")], [_row("a", "1")], ["a: 1, stored nan"]),
        ([_row("a", "low")], [_row("a", "high")], ["a: high, stored low"]),
        ([_row("a", "1", True)], [_row("a", "1", False)], ["a: fails, stored: passes"]),
        ([_row("a", "1", None)], [_row("a", "1", True)], ["a: passes, stored: is not judged"]),
        ([_row("a", "1")], [], ["a: not computed"]),
        ([], [_row("a", "1")], ["a: not stored"]),
        ([_row("a", "1"), _row("a", "2")], [_row("a", "1"), _row("a", "3")], ["a (2): 3, stored 2"]),
        ([_row("time", "1", True)], [_row("time", "2", True)], []),
        ([_row("time", "1", True)], [_row("time", "2", False)], ["time: fails, stored: passes"]),
        ([_row("gpu x", "1")], [], []),
        ([_row("gpu x", "1")], [_row("gpu x", "2")], ["gpu x: 2, stored 1"]),
    ],
)
def test_where_figures_part(stored: list[dict[str, Any]], now: list[dict[str, Any]], differences: list[str]) -> None:
    claim = Claim(claim="c", source="s", command=("x",), seconds=1, unstable=("time",), optional=("gpu *",))
    assert compare(stored, now, claim) == differences
