"""The block-wise ephemeris writer gives the same store as writing everything at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from stmgpu.errors import StoreError
from stmgpu.store import EphemerisWriter, open_dataset, verify, write_dataset

IDS = np.arange(300) * 7 + 11
TIMES = np.datetime64("2024-07-05T00:00:00", "ns") + np.arange(300) * np.timedelta64(60_000, "ms")


def states(k0: int, k1: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    grid = np.sin(np.arange(len(IDS))[:, None, None] + np.arange(k0, k1)[None, :, None] * np.array([1.0, 2.0, 3.0]))
    codes = np.where(grid[..., 0] > 0.99, 6, 0)
    return grid * 7000.0, grid * 7.5, codes


def test_blocks_give_the_store_of_the_whole(tmp_path: Path) -> None:
    with EphemerisWriter(tmp_path / "blocks.zarr", IDS, TIMES, {"source": "test"}) as writer:
        spans = list(writer.blocks())
        assert len(spans) > 1
        assert not (tmp_path / "blocks.zarr").exists(), "the store appears when it is complete"
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda span: writer.write(span[0], *states(*span)), reversed(spans)))
    found = open_dataset(tmp_path / "blocks.zarr", "ephemeris")
    position, velocity, codes = states(0, len(TIMES))
    assert np.array_equal(found.position, position)
    assert np.array_equal(found.velocity, velocity)
    assert np.array_equal(found.error_code, codes)
    assert np.array_equal(found.time, TIMES)
    assert found.object.to_numpy().tolist() == IDS.tolist()
    assert found.attrs["frame"] == "TEME"
    assert found.attrs["source"] == "test"
    assert found.position.attrs["units"] == "km"
    verify(tmp_path / "blocks.zarr")

    write_dataset(xr.Dataset({n: found[n] for n in found.variables}), tmp_path / "whole.zarr", "ephemeris")
    blocks, whole = (tmp_path / name / "position" / "c" for name in ("blocks.zarr", "whole.zarr"))
    for file in blocks.rglob("*"):
        twin = whole / file.relative_to(blocks)
        assert file.is_dir() or file.read_bytes() == twin.read_bytes()


def test_a_forgotten_block_leaves_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"2 blocks of the ephemeris were not written, the first at time index 128"), \
            EphemerisWriter(tmp_path / "e.zarr", IDS, TIMES) as writer:
        writer.write(0, *states(0, 128))
    assert list(tmp_path.iterdir()) == []


def test_an_error_on_the_way_leaves_no_store(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), EphemerisWriter(tmp_path / "e.zarr", IDS, TIMES) as writer:
        writer.write(0, *states(0, 128))
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_blocks_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="multiple of 128"), EphemerisWriter(tmp_path / "e.zarr", IDS, TIMES) as writer:
        writer.write(64, *states(64, 192))
    with pytest.raises(StoreError, match=r"position .* has shape \(300, 100, 3\); it must be \(300, 128, 3\)"), \
            EphemerisWriter(tmp_path / "e.zarr", IDS, TIMES) as writer:
        writer.write(0, *states(0, 100))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("objects", "times"), [(0, 0), (0, 5), (1, 1)])
def test_small_ephemerides(tmp_path: Path, objects: int, times: int) -> None:
    with EphemerisWriter(tmp_path / "e.zarr", IDS[:objects], TIMES[:times]) as writer:
        for k0, k1 in writer.blocks():
            p, v, c = states(k0, k1)
            writer.write(k0, p[:objects], v[:objects], c[:objects])
    assert open_dataset(tmp_path / "e.zarr", load=True).position.shape == (objects, times, 3)


def test_a_taken_path_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "e.zarr").mkdir()
    with pytest.raises(StoreError, match="exists"), EphemerisWriter(tmp_path / "e.zarr", IDS, TIMES):
        pass
