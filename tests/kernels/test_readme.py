"""The table of kernels/README.md: a row for every kernel, and every row names things that exist."""

from __future__ import annotations

import re

import pytest
from support.paths import ROOT

from stmgpu.backend.signature import signatures

README = (ROOT / "kernels" / "README.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)` \| `(\w+\.cu)` \| ([^|]+) \| `([^`]+)` \| `([^`]+)` \| `([^`]+)` \|$", README, re.M)


def test_every_kernel_has_one_row() -> None:
    assert [row[0] for row in ROWS] == list(dict.fromkeys(row[0] for row in ROWS))
    assert {(name, file) for name, file, *_ in ROWS} == {(s.name, s.file.name) for s in signatures().values()}


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_row_names_existing_files(row: tuple[str, ...]) -> None:
    name, _, _, caller, twin, test = row
    assert f'"{name}"' in (ROOT / caller).read_text(encoding="utf-8")
    assert twin == "mpmath" or (ROOT / twin).is_file()
    assert (ROOT / test).is_file()


def test_every_header_is_listed() -> None:
    listed = set(re.findall(r"`(\w+\.h)`", README.partition("## Headers")[2]))
    assert listed == {path.name for path in (ROOT / "kernels" / "include").glob("*.h")}
