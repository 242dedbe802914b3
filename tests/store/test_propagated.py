"""Propagating into a store, block by block, gives the numbers of propagating in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import stmgpu as stm
from stmgpu.backend.cpu import usable_levels
from stmgpu.errors import InputError
from stmgpu.store import open_dataset, propagate_to_store, write_dataset

BACKEND = "cpu" if usable_levels() else "reference"
START = "2025-01-01T06:00:00"


def test_the_store_holds_the_numbers_of_the_ephemeris_in_memory(tmp_path: Path) -> None:
    catalog = stm.synthetic_catalog(60, seed=5)
    expected = stm.propagate(catalog, START, hours=5, step_s=60.0, backend=BACKEND)
    assert expected.sizes["time"] > 2 * 128, "several blocks"
    done: list[float] = []
    path = propagate_to_store(catalog, tmp_path / "blocks.zarr", START, 5.0, 60.0, BACKEND, progress=done.append)
    whole = write_dataset(expected, tmp_path / "whole.zarr", "ephemeris")
    for store in (path, whole):
        found = open_dataset(store, "ephemeris", load=True)
        for name in ("object", "time", "position", "velocity", "error_code"):
            assert found[name].to_numpy().tobytes() == expected[name].to_numpy().tobytes(), name
    assert done == sorted(done)
    assert done[-1] == 1.0


@pytest.mark.parametrize(("hours", "step_s"), [(0.0, 60.0), (-1.0, 60.0), (1.0, 0.0), (np.nan, 60.0)])
def test_impossible_windows(tmp_path: Path, hours: float, step_s: float) -> None:
    catalog = stm.synthetic_catalog(3, seed=5)
    with pytest.raises(InputError, match="positive"):
        propagate_to_store(catalog, tmp_path / "e.zarr", START, hours, step_s, BACKEND)
    with pytest.raises(InputError, match="empty"):
        propagate_to_store(catalog[:0], tmp_path / "e.zarr", START, 1.0, 60.0, BACKEND)
    assert list(tmp_path.iterdir()) == []
