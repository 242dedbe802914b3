"""Policies from a Python file: run once, by request, and only the text that was named."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from stmgpu.debris.policy import policy_of
from stmgpu.debris.policy.policy_file import _forget, load_policies, loaded_policies
from stmgpu.debris.policy.view import RemovalPolicy
from stmgpu.errors import InputError

TEXT = """
from typing import Literal
from stmgpu.debris.policy import RankedRemoval

with open("ran", "a") as file:
    file.write("x")


class Youngest(RankedRemoval):
    rank: Literal["youngest"] = "youngest"

    def score(self, view):
        return 1.0 / view.age_years
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    _forget()


def test_a_rank_of_the_file_works_in_scenarios(folder: Path) -> None:
    Path("mine.py").write_text(TEXT)
    digest = load_policies("mine.py")
    assert digest == loaded_policies() == hashlib.sha256(TEXT.encode()).hexdigest()
    assert policy_of({"rank": "youngest", "per_year": 2}).rank == "youngest"
    assert load_policies(folder / "mine.py") == digest
    assert Path("ran").read_text() == "x"  # once


def test_another_file_replaces_the_first() -> None:
    Path("mine.py").write_text(TEXT)
    first = load_policies("mine.py")
    Path("mine.py").write_text(TEXT + "    horizon: float = 3.0\n")
    assert load_policies("mine.py") != first
    assert policy_of({"rank": "youngest", "per_year": 2, "horizon": 4.0}).rank == "youngest"
    Path("other.py").write_text(TEXT.replace("youngest", "newest"))
    load_policies("other.py")
    assert "youngest" not in RemovalPolicy.registry


def test_a_text_of_another_hash_does_not_run() -> None:
    Path("mine.py").write_text(TEXT)
    with pytest.raises(InputError, match="is not the one that the study was begun with"):
        load_policies("mine.py", sha256="0" * 64)
    assert not Path("ran").exists()
    assert loaded_policies() == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\ny = = 2\n", r"'mine.py' cannot be used: line 2: SyntaxError"),
        ("\nimport no_such_module\n", r"line 2: ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit(3)\n", r"line 1: SystemExit: 3"),
        ("x = 1\n", "defines no policy; derive a class from RankedRemoval"),
        (TEXT.replace("youngest", "risk"), "rank 'risk' of Youngest is already used"),
        ("\0", "cannot be used"),
        ("\udcff", "cannot be used"),
        ("#" * 1_000_001, "larger than 1000000 bytes"),
    ],
)
def test_files_that_cannot_be_used(text: str, message: str) -> None:
    Path("mine.py").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=message):
        load_policies("mine.py")
    assert loaded_policies() == ""
    assert "youngest" not in RemovalPolicy.registry
    with pytest.raises(InputError, match="cannot be read: No such file"):
        load_policies("none.py")
