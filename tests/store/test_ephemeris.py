"""Blocks of whole shards make the store of the whole; anything else is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import stmgpu as stm
from stmgpu.errors import StoreError
from stmgpu.store import open_dataset, read_ephemeris, verify, write_dataset
from stmgpu.store.ephemeris import create_ephemeris, finish_ephemeris, shard_lengths, write_block
from stmgpu.store.records import TAIL_BYTES, Fingerprint

IDS = np.arange(300) * 7 + 11
NAMES = np.array([f"OBJECT {k}" for k in IDS])
TIMES = np.datetime64("2024-07-05T00:00:00", "ns") + np.arange(300) * np.timedelta64(60_000, "ms")


def states(objects: int, k0: int, k1: int) -> dict[str, np.ndarray]:
    grid = np.sin(np.arange(objects)[:, None, None] + np.arange(k0, k1)[None, :, None] * np.array([1.0, 2.0, 3.0]))
    codes = np.where(grid[..., 0] > 0.99, 6, 0).astype(np.int8)
    return {"position": grid * 7000.0, "velocity": grid * 7.5, "error_code": codes}


def test_blocks_give_the_store_of_the_whole(tmp_path: Path) -> None:
    folder = tmp_path / "blocks.zarr"
    group = create_ephemeris(folder, IDS, TIMES, names=NAMES)
    shard = shard_lengths(len(IDS), len(TIMES))
    assert shard == (512, 128)
    begins = list(range(0, len(TIMES), shard[1]))
    with ThreadPoolExecutor(4) as pool:
        files = list(
            pool.map(
                lambda k: write_block(folder, (0, k), **states(300, k, min(k + 128, len(TIMES)))), reversed(begins)
            )
        )
    assert sorted(n for part in files for n in part) == sorted(
        f"{name}/c/0/{k}{tail}"
        for name, tail in (("position", "/0"), ("velocity", "/0"), ("error_code", ""))
        for k in range(3)
    )
    assert all(Fingerprint.of(folder / name) == entry for part in files for name, entry in part.items())
    finish_ephemeris(group, {"source": "test"})
    found = open_dataset(folder, "ephemeris")
    position, velocity, codes = states(300, 0, len(TIMES)).values()
    assert np.array_equal(found.position, position)
    assert np.array_equal(found.velocity, velocity)
    assert np.array_equal(found.error_code, codes)
    assert np.array_equal(found.time, TIMES)
    assert found.object.to_numpy().tolist() == IDS.tolist()
    assert found.attrs["frame"] == "TEME"
    assert found.attrs["source"] == "test"
    assert found.position.attrs["units"] == "km"
    verify(folder)

    write_dataset(xr.Dataset({n: found[n] for n in found.variables}), tmp_path / "whole.zarr", "ephemeris")
    blocks, whole = (tmp_path / name / "position" / "c" for name in ("blocks.zarr", "whole.zarr"))
    for file in blocks.rglob("*"):
        twin = whole / file.relative_to(blocks)
        assert file.is_dir() or file.read_bytes() == twin.read_bytes()


@pytest.mark.parametrize(
    ("first_object", "first_time", "objects", "times"),
    [(0, 64, 300, 64), (0, 0, 300, 100), (0, 0, 200, 128), (256, 0, 44, 128), (0, 256, 300, 128), (0, -128, 300, 128)],
)
def test_anything_but_whole_shards_is_refused(
    tmp_path: Path, first_object: int, first_time: int, objects: int, times: int
) -> None:
    """Two writers inside one shard lose each other's data: it must not come to that."""
    create_ephemeris(tmp_path / "e", IDS, TIMES, names=NAMES)
    with pytest.raises(StoreError, match="whole shards"):
        write_block(tmp_path / "e", (first_object, first_time), **states(objects, 0, times))


@pytest.mark.parametrize(("objects", "times"), [(1, 1), (300, 5), (5, 300)])
def test_small_ephemerides(tmp_path: Path, objects: int, times: int) -> None:
    group = create_ephemeris(tmp_path / "e", IDS[:objects], TIMES[:times], names=NAMES[:objects])
    step = shard_lengths(objects, times)[1]
    for k in range(0, times, step):
        write_block(tmp_path / "e", (0, k), **states(objects, k, min(k + step, times)))
    finish_ephemeris(group, {})
    found = open_dataset(tmp_path / "e", load=True)
    assert np.array_equal(found.position, states(objects, 0, times)["position"])


def test_a_damaged_chunk_is_no_trajectory(tmp_path: Path) -> None:
    """Its size and its last bytes are right; the checksum of the chunk is not, which Zarr compares when it reads."""
    catalog = stm.synthetic_catalog(20, seed=2)
    ds = stm.propagate(catalog, catalog.median_epoch(), hours=1, step_s=60, backend="reference")
    store = write_dataset(ds, tmp_path / "e.zarr", "ephemeris")
    assert len(read_ephemeris(store)) == 20
    file = store / "position" / "c" / "0" / "0" / "0"
    data = bytearray(file.read_bytes())
    assert len(data) > 2 * TAIL_BYTES
    data[1000] ^= 4
    file.write_bytes(data)
    with pytest.raises(StoreError, match=r"e\.zarr is damaged or cannot be read: .*checksum"):
        read_ephemeris(store)
