"""The table of claims, and what is wrong with one."""

from __future__ import annotations

import hashlib
import json
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from support.paths import ROOT, SHARED

from stmgpu.errors import InputError
from stmgpu.report.claims import TABLE, checkout, data_folder, read_claims, to_fetch

ENTRY = """
[data.numbers]
what = "numbers"
source = "example.org"
licence = "CC0"
[data.numbers.files]
"a/numbers.txt" = "{digest}"
[claims.sum]
claim = "the sum is right"
source = "arithmetic"
command = ["benchmarks/sum.py", "{{data}}"]
data = ["numbers"]
seconds = 1
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "sum.py").touch()
    return tmp_path


def _write(root: Path, text: str) -> None:
    (root / TABLE).write_text(text.format(digest=hashlib.sha256(b"1 2").hexdigest()))


def test_the_table_of_this_checkout() -> None:
    """Every entry has its script, and its data the stored SHA-256 where they are beside the checkout."""
    table = read_claims(checkout())
    assert {name for claim in table.claims.values() for name in claim.data} == set(table.data)
    assert sum(not claim.data for claim in table.claims.values()) >= 5
    for name in table.claims:
        assert (ROOT / "benchmarks" / "results" / "claims" / f"{name}.json").is_file(), name
    if not SHARED.is_dir():
        pytest.skip("the shared data are not beside this checkout (../shared): their SHA-256 were not compared")
    for data in table.data.values():
        assert data.lacking(SHARED / "data") == []
        assert data.altered(SHARED / "data") == []


def test_no_time_of_computing_is_compared() -> None:
    """It differs from machine to machine, and with what else the machine does."""
    compared = []
    for name, claim in read_claims(checkout()).claims.items():
        stored = json.loads((ROOT / "benchmarks" / "results" / "claims" / f"{name}.json").read_text(encoding="utf-8"))
        for row in stored["verdicts"]:
            if row["name"].startswith("time ") and not any(fnmatchcase(row["name"], one) for one in claim.unstable):
                compared.append(f"{name}: {row['name']}")
    assert compared == []


def test_what_is_missing_and_what_was_altered(root: Path, tmp_path: Path) -> None:
    _write(root, ENTRY)
    table = read_claims(root)
    assert table.lacking("sum", None) == table.lacking("sum", tmp_path) == {"numbers": ["a/numbers.txt"]}
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "numbers.txt").write_bytes(b"1 2")
    assert table.lacking("sum", tmp_path) == {}
    assert table.data["numbers"].altered(tmp_path) == []
    (tmp_path / "a" / "numbers.txt").write_bytes(b"1 3")
    assert table.data["numbers"].altered(tmp_path) == ["a/numbers.txt"]
    text = to_fetch("numbers", table.data["numbers"], ["a/numbers.txt"])
    for part in ("numbers (numbers)", "a/numbers.txt", "example.org", "CC0", "--data", "STMGPU_DATA"):
        assert part in text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('data = ["numbers"]', 'data = ["others"]', "claim sum needs data others"),
        ("benchmarks/sum.py", "benchmarks/none.py", "benchmarks/none.py is no script in benchmarks/"),
        ("benchmarks/sum.py", "../sum.py", "is no script in benchmarks/"),
        ("seconds = 1", "seconds = -1", "claims.sum.seconds"),
        ("seconds = 1", "second = 1", "claims.sum.second"),
        ("[claims.sum]", "[claims.sum", "is not TOML"),
    ],
)
def test_faulty_tables_are_refused(root: Path, old: str, new: str, message: str) -> None:
    _write(root, ENTRY.replace(old, new))
    (root / "sum.py").touch()
    with pytest.raises(InputError, match=message.replace("[", r"\[")):
        read_claims(root)


def test_folder_of_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STMGPU_DATA", raising=False)
    assert data_folder(None) is None
    monkeypatch.setenv("STMGPU_DATA", str(tmp_path))
    assert data_folder(None) == tmp_path
    assert data_folder(tmp_path / ".") == tmp_path
    with pytest.raises(InputError, match="none is no folder"):
        data_folder(tmp_path / "none")


def test_a_package_without_its_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("stmgpu.report.claims.__file__", str(tmp_path / "site" / "stmgpu" / "report" / "claims.py"))
    with pytest.raises(InputError, match="from a clone of the repository"):
        checkout()
