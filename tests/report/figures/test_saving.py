"""Figures as files: the same bytes again, complete or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
import xarray as xr

from stmgpu import plot
from stmgpu.errors import InputError, StmgpuError
from stmgpu.report.figures.overview import figure_of


@pytest.mark.parametrize("ending", ["png", pytest.param("svg", marks=pytest.mark.slow), "pdf"])
def test_the_same_result_gives_the_same_bytes(con: xr.Dataset, tmp_path: Path, ending: str) -> None:
    files = [plot.save(figure_of("ages", con), tmp_path / f"{k}.{ending}") for k in range(2)]
    one, other = (file.read_bytes() for file in files)
    assert one == other
    assert {"png": b"\x89PNG", "svg": b"<svg", "pdf": b"%PDF"}[ending] in one[:400]
    assert not any(mark in one for mark in (b"matplotlib.org", b"CreationDate", b"<dc:date>"))


def test_what_cannot_be_written_leaves_nothing(con: xr.Dataset, tmp_path: Path) -> None:
    figure = figure_of("rate", con)
    with pytest.raises(InputError, match=r"'\.doc' is not a figure format; choose one of \.png, \.svg, \.pdf"):
        plot.save(figure, tmp_path / "a.doc")
    with pytest.raises(StmgpuError, match=r"cannot write the figure .*nowhere.*; choose another path"):
        plot.save(figure, tmp_path / "nowhere" / "a.png")
    old = tmp_path / "old.png"
    old.write_bytes(b"old")
    figure.savefig = lambda *args, **keywords: (_ for _ in ()).throw(RuntimeError("broken"))  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="broken"):
        plot.save(figure, old)
    assert [path.name for path in tmp_path.iterdir()] == ["old.png"]
    assert old.read_bytes() == b"old"
