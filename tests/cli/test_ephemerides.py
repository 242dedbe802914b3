"""Ephemeris files on the command line. Truth: what was written into them."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest
from support.commands import stmgpu
from support.trajectories import MEME_NAME, circle, meme

from stmgpu.catalog import synthetic_catalog, write_catalog
from stmgpu.catalog.ccsds.oem_writer import format_oem
from stmgpu.catalog.trajectories import Trajectories, Trajectory
from stmgpu.catalog.writer import format_catalog
from stmgpu.cli.ephemerides import split_id
from stmgpu.errors import InputError

WINDOW = ("--start", "2025-01-01T00:05:00", "--hours", 0.3, "--backend", "reference")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two public ephemerides with covariances; the second states a later end than it has."""
    for number, stop in ((91000, ""), (91001, "2025-01-01 03:00:00")):
        segment = circle(30, radius_km=7000.0 + number - 91000)
        states = np.concatenate([segment.position, segment.velocity], axis=1)
        path = tmp_path / MEME_NAME.format(number=number, name="STATION-1")
        path.write_bytes(meme(segment.time_ns.view("datetime64[ns]"), states, stop=stop))
    return tmp_path


def test_an_id_after_the_file(tmp_path: Path) -> None:
    path, strange = tmp_path / "a.oem", tmp_path / "b=25544"
    path.touch()
    strange.touch()
    assert split_id(str(path)) == (str(path), None)
    assert split_id(f"{path}=25544") == (str(path), 25544)
    assert split_id(str(strange)) == (str(strange), None)
    assert split_id(f"{strange}=7") == (str(strange), 7)
    assert split_id("x=y=1") == ("x=y", 1)
    for number in ("", "0", "ISS", "1234567890"):
        with pytest.raises(InputError, match="is not a NORAD id; use FILE=25544"):
            split_id(f"{path}={number}")


@pytest.mark.slow
def test_a_folder_of_public_ephemerides(folder: Path) -> None:
    every = stmgpu("screen", "--ephemeris", folder, *WINDOW)
    assert every.exit_code == 0, every.output
    assert "2 objects, 60 states" in every.stderr
    assert "its header says 2025-01-01T00:00:00 to 2025-01-01T03:00:00; it is cut" in every.stderr
    assert "2 objects read" in every.stdout
    store = folder.parent / "run.zarr"
    kept = stmgpu("screen", "--ephemeris", folder, "--out", store, *WINDOW)
    assert kept.exit_code == 0, kept.output
    with np.load(store / "run" / "trajectories.npz") as arrays:
        assert arrays["covariance_frame"].tolist() == ["RTN"] * 60
        assert arrays["covariance_lower"][0, 20] == pytest.approx(21e-8)
    for name in ("bad.oem", "worse.oem"):
        (folder / name).write_text("junk")
    refused = stmgpu("screen", "--ephemeris", f"{folder}/*", *WINDOW)
    assert refused.exit_code == 2
    assert "2 ephemeris files cannot be read; get them corrected, or leave them out" in refused.stderr
    assert "bad.oem" in refused.stderr
    assert "worse.oem" in refused.stderr
    skipped = stmgpu("screen", "--ephemeris", f"{folder}/*", "--skip-unreadable", *WINDOW)
    assert skipped.exit_code == 0
    assert "bad.oem" in skipped.stderr
    assert "2 objects read" in skipped.stdout
    none = stmgpu("screen", "--ephemeris", folder / "bad.oem", "--skip-unreadable", *WINDOW)
    assert none.exit_code == 2
    assert "no ephemeris file could be read" in none.stderr


def test_files_of_an_archive(folder: Path) -> None:
    first, second = sorted(folder.iterdir())
    with zipfile.ZipFile(folder / "both.ZIP", "w") as archive:
        archive.write(first, first.name)
        archive.write(second, f"in/{second.name}")
    command = ("screen", "--ephemeris", folder / "both.ZIP" / first.name, "--ephemeris")
    both = stmgpu(*command, f"{folder / 'both.ZIP' / 'in' / second.name}=91001", *WINDOW)
    assert both.exit_code == 0, both.output
    assert "2 objects, 60 states" in both.stderr
    none = stmgpu(*command, folder / "both.ZIP" / "none.txt", *WINDOW)
    assert none.exit_code == 2
    assert f"a zip archive with no file 'none.txt' ({first.name}, in/{second.name})" in none.stderr


def test_limits_are_raised_by_an_option(folder: Path) -> None:
    blank = b"\n" * 3_000_000
    catalog, satcat, states = folder / "c.tle.gz", folder / "s.csv.gz", next(folder.iterdir())
    catalog.write_bytes(gzip.compress(format_catalog(synthetic_catalog(3), "tle") + blank))
    satcat.write_bytes(gzip.compress(b"NORAD_CAT_ID,OBJECT_TYPE,OWNER\n1,PAY,US\n" + blank))
    states.write_bytes(gzip.compress(states.read_bytes() + blank))
    raised = ("--max-size-gib", 0.01)
    summary = ("catalog", "summary", catalog, "--satcat", satcat)
    assert "larger when unpacked" in stmgpu(*summary).stderr
    assert stmgpu(*summary, *raised).exit_code == 0
    assert stmgpu("catalog", "convert", catalog, folder / "c.csv", *raised).exit_code == 0
    wanted = ("screen", "--ephemeris", states, "--primaries", catalog, *WINDOW)
    assert "larger when unpacked" in stmgpu(*wanted).stderr
    result = stmgpu(*wanted, *raised)
    assert "1, 2, 3 are not among" in result.stderr  # all of the files was read
    for size, problem in ((0, "--max-size-gib is 0, allowed is"), ("nan", "is nan"), (0.001, "raise the limit (--max")):
        result = stmgpu(*summary, "--max-size-gib", size)
        assert result.exit_code == 2
        assert problem in result.stderr


def test_files_are_looked_for_before_the_catalogue_is_read(folder: Path) -> None:
    (folder / "cat.tle").write_text("junk")
    for given, problem in (
        (folder / "none.oem", "there is no file"),
        (f"{folder}/MEME*=7", "gives one id to 2 files; name one file"),
        (f"{folder / 'cat.tle'}=ISS", "'ISS' is not a NORAD id"),
    ):
        refused = stmgpu("screen", folder / "cat.tle", "--ephemeris", given, *WINDOW)
        assert refused.exit_code == 2
        assert problem in refused.stderr


@pytest.mark.slow
def test_a_file_of_a_catalogued_object(tmp_path: Path) -> None:
    catalog = synthetic_catalog(3, seed=4)
    write_catalog(catalog, tmp_path / "cat.3le", format="3le")
    oem = tmp_path / "own.oem"
    oem.write_bytes(format_oem(Trajectories.of([Trajectory([circle(30)], name="OWN")])))
    text = oem.read_bytes().replace(b"OBJECT_ID = 900000001", b"OBJECT_ID = UNKNOWN")
    oem.write_bytes(text)
    for given, count in ((oem, 4), (f"{oem}={catalog.norad_id[1]}", 3)):
        result = stmgpu("screen", tmp_path / "cat.3le", "--ephemeris", given, *WINDOW)
        assert result.exit_code == 0, result.output
        assert f"{count} objects read" in result.stdout
