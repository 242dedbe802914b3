"""Options that choose objects, and the operation mode."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest
from support.commands import stmgpu
from support.trajectories import circle

import stmgpu as stm
from stmgpu.backend.cpu import usable_levels
from stmgpu.catalog.ccsds.oem_writer import format_oem
from stmgpu.catalog.trajectories import Trajectories, Trajectory
from stmgpu.catalog.writer import format_catalog
from stmgpu.cli.object_choice import primaries_of
from stmgpu.errors import InputError

needs_kernels = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")


@pytest.fixture(scope="module")
def catalog() -> stm.Catalog:
    return stm.synthetic_catalog(2000, seed=4)


@pytest.fixture(scope="module")
def tle(catalog: stm.Catalog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("catalog") / "objects.tle"
    stm.write_catalog(catalog, path, format="3le")
    return path


def test_forms_of_primaries(catalog: stm.Catalog, tmp_path: Path) -> None:
    ids = catalog.norad_id
    listed, few = tmp_path / "mine.txt", tmp_path / "mine.csv"
    listed.write_text("# fleet\n5\n20-22  # spares\n")
    stm.write_catalog(catalog[[4, 9]], few)
    assert primaries_of(None) is None
    for text, expected in (("5,20-22", [5, 20, 21, 22]), (str(listed), [5, 20, 21, 22]), (str(few), [5, 10])):
        choice = primaries_of(text)
        assert choice is not None
        assert choice.among(ids).tolist() == expected
    with pytest.raises(InputError, match=r"'fleet.txt' is neither a file nor a list of NORAD ids"):
        primaries_of("fleet.txt")
    empty = tmp_path / "notes.txt"
    empty.write_text("no objects here\n")
    with pytest.raises(InputError, match=r"notes\.txt"):
        primaries_of(str(empty))


def test_primaries_of_packed_files(catalog: stm.Catalog, tmp_path: Path) -> None:
    archive = tmp_path / "files.zip"
    states = format_oem(Trajectories.of([Trajectory([circle(12)], 7)]))
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("mine.txt", "# fleet\n5\n20-22\n")
        file.writestr("folder/mine.csv", format_catalog(catalog[[4, 9]], "csv"))
        file.writestr("own.oem", states)
        file.writestr("strange.oem", states.replace(b"OBJECT_ID = 7\n", b"OBJECT_ID = 2024-001A\n"))
    (tmp_path / "mine.txt.gz").write_bytes(gzip.compress(b"5, 6"))
    for name, expected in (
        ("files.zip/mine.txt", [5, 20, 21, 22]),
        ("files.zip/folder/mine.csv", [5, 10]),
        ("files.zip/own.oem", [7]),
        ("mine.txt.gz", [5, 6]),
    ):
        choice = primaries_of(str(tmp_path / name))
        assert choice is not None
        assert choice.among(catalog.norad_id).tolist() == expected
    with pytest.raises(InputError, match="does not state the NORAD id of each object; give --primaries the ids"):
        primaries_of(f"{archive}/strange.oem")
    with pytest.raises(InputError, match=r"no file 'none.oem' \(mine.txt, folder/mine.csv, own.oem, strange.oem\)"):
        primaries_of(f"{archive}/none.oem")


@needs_kernels
def test_primaries_of_an_ephemeris(catalog: stm.Catalog, tmp_path: Path) -> None:
    store = tmp_path / "states.zarr"
    stm.propagate_to_store(catalog[:2], store, start="2025-01-01", hours=1, backend="cpu")
    choice = primaries_of(str(store))
    assert choice is not None
    assert choice.among(catalog.norad_id).tolist() == [1, 2]


@needs_kernels
@pytest.mark.slow
def test_commands_take_the_options(catalog: stm.Catalog, tle: Path, tmp_path: Path) -> None:
    window = ["--start", "2025-01-01", "--hours", "1"]
    result = stmgpu("screen", tle, *window, "--threshold-km", "20", "--primaries", "1-300", "--csv", "-")
    assert result.exit_code == 0, result.stderr
    rows = [line.split(",")[1:3] for line in result.stdout.splitlines()[1:]]
    assert rows
    assert all(int(a) <= 300 or int(b) <= 300 for a, b in rows)
    assert "primaries: 300 of 2,000 objects" in result.stderr
    result = stmgpu("screen", tle, *window, "--primaries", "7,5000")
    assert result.exit_code == 2
    assert "5000 is not among the 2,000 objects" in result.stderr
    result = stmgpu("catalog", "summary", tle, "--name", "syn-0001?")
    assert result.exit_code == 0, result.stderr
    assert "objects       10" in result.stdout
    result = stmgpu("catalog", "summary", tle, "--ids", "3,9999")
    assert result.exit_code == 2
    assert "9999 is not among the 2,000 objects" in result.stderr
    states = {}
    for mode in "ia":
        store = tmp_path / f"{mode}.zarr"
        result = stmgpu("propagate", tle, *window, "--ids", "3,100-102", "--mode", mode, "--out", store)
        assert result.exit_code == 0, result.stderr
        found = stm.open_dataset(store, "ephemeris")
        assert found.object.values.tolist() == [3, 100, 101, 102]
        chosen = stm.read_catalog(tle).sel(norad_id=[3, 100, 101, 102])
        expected = stm.propagate(chosen, "2025-01-01", hours=1, mode=mode, backend="cpu")
        states[mode] = found.position.to_numpy()
        np.testing.assert_array_equal(states[mode], expected.position.to_numpy())
    assert stmgpu("screen", tle, *window, "--mode", "x").exit_code == 2


@pytest.mark.parametrize("name", ["states.zarr", "states.oem"])
def test_propagate_counts_all_that_was_read(
    name: str, catalog: stm.Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stmgpu.catalog.assemble.MAX_REJECTIONS", 2)  # kept with their reasons; all are counted
    path = tmp_path / "objects.csv"
    stm.write_catalog(catalog[:8], path)
    lines = path.read_text().splitlines()
    column = lines[0].split(",").index("ECCENTRICITY")
    for k in (1, 3, 4):
        cells = lines[k].split(",")
        lines[k] = ",".join([*cells[:column], "2", *cells[column + 1 :]])
    path.write_text("\n".join(lines))
    command = ("propagate", path, "--start", "2025-01-01", "--hours", 0.1, "--out", tmp_path / name)
    result = stmgpu(*command, "--backend", "reference", "--ids", "2,5-6")
    assert result.exit_code == 0, result.output
    assert "8 objects read, 3 rejected, 3 chosen, 0 failing propagation, " in result.stdout
