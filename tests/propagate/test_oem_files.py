"""OEM files of a propagation. Truth: the states of stmgpu.propagate; ERFA's matrices for the frame."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from support.commands import stmgpu

import stmgpu as stm
from stmgpu.catalog import write_catalog
from stmgpu.choices import OemFrame
from stmgpu.errors import InputError
from stmgpu.frames import to_teme
from stmgpu.propagate import oem_files
from stmgpu.propagate.settings import EphemerisSettings
from stmgpu.window import Window

CATALOG = stm.synthetic_catalog(7, seed=2)
SETTINGS = EphemerisSettings(Window.of("2025-01-01T06:00:00", hours=1), step_s=120.0)


@pytest.mark.parametrize("frame", ["teme", "eme2000", "gcrf"])
def test_the_same_states_come_back(frame: OemFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oem_files, "_STATES_AT_ONCE", 100)  # several blocks
    path = tmp_path / "x.oem"
    outcome = oem_files.write_oem(CATALOG, path, SETTINGS, frame=frame, backend="reference")
    assert (outcome.written, outcome.failing) == (7, 0)
    truth = stm.propagate(CATALOG, "2025-01-01T06:00:00", hours=1, step_s=120.0, backend="reference")
    t = stm.read_trajectories(path)
    assert t.norad_id.tolist() == CATALOG.norad_id.tolist()
    assert t.name.tolist() == CATALOG.name.tolist()
    assert np.array_equal(t.time_ns[:31], truth.time.to_numpy().astype("datetime64[ns]").view(np.int64))
    tolerance = 0.0 if frame == "teme" else 1e-10
    assert np.abs(t.position - truth.position.to_numpy().reshape(-1, 3)).max() <= tolerance
    assert np.abs(t.velocity - truth.velocity.to_numpy().reshape(-1, 3)).max() <= tolerance
    lines = path.read_text().splitlines()
    assert lines.count(f"REF_FRAME = {frame.upper()}") == 7
    first = next(line for line in lines if line.startswith("2025-01-01T06:00:00")).split()
    written = np.array(first[1:], float)[None]
    position, _ = to_teme(frame, t.time_ns[:1], written[:, :3], written[:, 3:])
    assert np.abs(position - t.position[:1]).max() <= tolerance


def test_objects_that_decay_are_not_failing(tmp_path: Path) -> None:
    decay_jd = np.where(CATALOG.norad_id == 3, SETTINGS.start.jd - 30.5, np.nan)
    leaving = dataclasses.replace(CATALOG, decay_jd=decay_jd)
    outcome = oem_files.write_oem(leaving, tmp_path / "x.oem", SETTINGS, backend="reference")
    assert (outcome.written, outcome.failing, outcome.decayed) == (6, 0, 1)


def test_what_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="an OEM needs two states"):
        oem_files.write_oem(CATALOG, tmp_path / "x.oem", EphemerisSettings(SETTINGS.window, step_s=7200.0))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_on_the_command_line(tmp_path: Path) -> None:
    catalog, out = tmp_path / "cat.3le", tmp_path / "x.oem"
    write_catalog(CATALOG, catalog, format="3le")
    window = ("--start", "2025-01-01T06:00:00", "--hours", 1, "--step-s", 120, "--backend", "reference")
    done = stmgpu("propagate", catalog, "--out", out, "--frame", "eme2000", *window)
    assert done.exit_code == 0, done.output
    assert "7 written, 31 times in EME2000" in done.stdout
    assert len(stm.read_trajectories(out)) == 7
    screened = stmgpu("screen", catalog, "--ephemeris", out, *window[:-4], "--hours", 0.5, "--backend", "reference")
    assert screened.exit_code == 0, screened.output
    for options, problem in (
        (("--out", tmp_path / "x.zarr", "--frame", "eme2000"), "is for OEM files; a store is in TEME"),
        (("--out", out, "--dry-run"), "need a store"),
        (("--out", out, "--frame", "itrf"), "itrf"),
    ):
        refused = stmgpu("propagate", catalog, *options, *window)
        assert refused.exit_code == 2
        assert problem in refused.output + refused.stderr
