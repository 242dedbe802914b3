"""Files that are given instead of a store are named, with what reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.trajectories import circle

import stmgpu as stm
from stmgpu.catalog import format_catalog
from stmgpu.catalog.ccsds.oem_writer import format_oem
from stmgpu.catalog.trajectories import Trajectories, Trajectory
from stmgpu.errors import WrongStoreError

CATALOG = stm.synthetic_catalog(3)
TABLE = b"tca,primary,secondary,primary_name\n2025-01-01T00:00:00,1,2,A\n"


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.tle", format_catalog(CATALOG, "tle"), r"it is a catalogue \(TLE\), which `stmgpu catalog summary` reads"),
        ("a.csv", format_catalog(CATALOG, "csv"), r"it is a catalogue \(CSV\), which `stmgpu catalog summary` reads"),
        ("a.json", format_catalog(CATALOG, "json"), "it is JSON, perhaps a catalogue, which `stmgpu catalog summary`"),
        ("a.oem", format_oem(Trajectories.of([Trajectory([circle(5)], 7)])), r"\(OEM\).*; give it with --ephemeris"),
        ("day.csv", TABLE, "it is a table of conjunctions: give the store that was written with it"),
        ("a.toml", b"years = 3\n", "if it is a scenario, `stmgpu evolve` reads it"),
        ("a.txt", b"text\n", "such as day.zarr; check the path"),
        ("empty", b"", "such as day.zarr; check the path"),
    ],
)
def test_what_a_file_is(name: str, content: bytes, problem: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    for read in (stm.check_store, stm.open_dataset):
        with pytest.raises(WrongStoreError, match=f"{name} is a file, and a store is a folder.*{problem}"):
            read(path)
    with pytest.raises(WrongStoreError, match="there is no store at"):
        stm.check_store(tmp_path / "none")


def test_a_file_of_a_store(tmp_path: Path) -> None:
    stm.propagate_to_store(CATALOG, tmp_path / "s.zarr", start="2025-01-01", hours=0.1, backend="reference")
    for name in ("zarr.json", "position/zarr.json", "run/run.json"):
        with pytest.raises(WrongStoreError, match=r"it belongs to the store .*/s\.zarr: give that$"):
            stm.check_store(tmp_path / "s.zarr" / name)
