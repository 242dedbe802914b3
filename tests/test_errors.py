"""Messages of errors: printable and short, whatever they quote."""

from __future__ import annotations

import copy

import pytest

from stmgpu.catalog import Rejection
from stmgpu.errors import MAX_MESSAGE, CatalogError, InputError, StmgpuError, StoreError, counted, printable


@pytest.mark.parametrize("kind", [StmgpuError, InputError, CatalogError, StoreError])
def test_messages_are_printable_and_short(kind: type[StmgpuError]) -> None:
    error = kind("file \x1b[2J\x00\x07\u202e\ud800é" + "x" * 10_000 + "; use another file")
    assert str(error).startswith(r"file \x1b[2J\x00\x07\u202e\ud800éx")
    assert str(error).endswith("x; use another file")
    assert len(str(error)) == MAX_MESSAGE
    assert str(copy.copy(error)) == str(error)


def test_rejections_are_printable_and_short() -> None:
    rejection = Rejection("line 3", "\x1b]0;title\x07", "\x00" * 5000)
    assert str(rejection).isprintable()
    assert rejection.norad_id == r"\x1b]0;title\x07"
    assert len(rejection.reason) == MAX_MESSAGE


@pytest.mark.parametrize("text", ["plain", "two\nlines", "é" * MAX_MESSAGE, ""])
def test_usual_text_is_unchanged(text: str) -> None:
    assert printable(text) == text


def test_one_takes_the_singular() -> None:
    assert [counted(k, "object") for k in (0, 1, 2)] == ["0 objects", "1 object", "2 objects"]
    assert counted(1_000, "more gap", ",") == "1,000 more gaps"
    assert counted(1.0, "year", "g", verb="have") == "1 year has"
    assert counted(2.5, "trajectory", "g", verb="differ") == "2.5 trajectories differ"
    assert counted(1, "tile", verb="belong") == "1 tile belongs"
