"""Numbers that are read when they are used: the same ones as at once, and damage is named."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from stmgpu.errors import StoreError
from stmgpu.store import open_dataset
from stmgpu.store.ephemeris import create_ephemeris, finish_ephemeris, write_block

POINTS = {"object": xr.DataArray([1, 299, 7], dims="point"), "time": xr.DataArray([99, 0, 50], dims="point")}
STATES = np.random.default_rng(1).normal(size=(300, 100, 3))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    times = np.datetime64("2024-07-05", "ns") + np.arange(100) * np.timedelta64(60, "s")
    group = create_ephemeris(tmp_path / "e.zarr", np.arange(1, 301), times, names=np.full(300, "A"))
    codes = np.zeros(STATES.shape[:2], np.int8)
    write_block(tmp_path / "e.zarr", (0, 0), position=STATES, velocity=-STATES, error_code=codes)
    finish_ephemeris(group, {})
    return tmp_path / "e.zarr"


@pytest.mark.parametrize(
    "select",
    [
        lambda ds: ds,
        lambda ds: ds.isel(object=3, time=4, axis=2),
        lambda ds: ds.isel(time=slice(None, None, -3)),
        lambda ds: ds.isel(object=[290, 1, 4], time=-1),
        lambda ds: ds.isel(object=[]),
        lambda ds: ds.isel(POINTS),
        lambda ds: ds.sel(axis="y").chunk({"time": 7}),
        lambda ds: pickle.loads(pickle.dumps(ds)),  # noqa: S301
    ],
)
def test_any_selection_is_that_of_the_whole(store: Path, select: Callable[[xr.Dataset], xr.Dataset]) -> None:
    whole = open_dataset(store, load=True)
    assert np.array_equal(whole.position, STATES)
    assert select(open_dataset(store)).compute().identical(select(whole))


def test_a_damaged_chunk_is_named(store: Path) -> None:
    file = store / "velocity" / "c" / "0" / "0" / "0"
    data = bytearray(file.read_bytes())
    ds = open_dataset(store)
    data[1000] ^= 4  # in the first chunk; size and last bytes stay, so only reading shows it
    file.write_bytes(data)
    problem = r"e\.zarr is damaged .*: velocity/c/0/0/0 \(object 0 to 255, time 0 to 63, axis 0 to 2\): .*checksum"
    for read in (ds.velocity.to_numpy, ds.velocity.isel(POINTS).to_numpy, ds.isel(object=[7, 3]).load):
        with pytest.raises(StoreError, match=f"{problem}.*see `stmgpu check`"):
            read()
    assert np.array_equal(ds.position, STATES)
    assert np.array_equal(ds.velocity.isel(time=slice(64, 80)), -STATES[:, 64:80])
