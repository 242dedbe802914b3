"""However a computation is cut and whoever computes it: the same bytes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from support.plans import plan_for
from support.stores import BACKEND, HOURS, START, THRESHOLD_KM, propagate, result_of, screen, small_catalog

import stmgpu as stm
from stmgpu.backend.cpu import usable_levels
from stmgpu.distribute.jobs import screening
from stmgpu.distribute.jobs.ephemeris import ephemeris_tiles
from stmgpu.distribute.jobs.screening import screening_tiles
from stmgpu.distribute.tiles import chunks, share
from stmgpu.errors import InputError
from stmgpu.screen.engine import device_bytes
from stmgpu.store import check_store

needs_kernels = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")


@pytest.fixture(scope="module")
def catalog() -> stm.Catalog:
    return small_catalog()


@pytest.fixture(scope="module")
def whole(catalog: stm.Catalog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A screening in one tile."""
    store = tmp_path_factory.mktemp("whole") / "whole.zarr"
    outcome = screen(catalog, store, tile_hours=100.0)
    assert (outcome.tiles, outcome.computed, outcome.complete, outcome.missing) == (1, 1, True, [])
    return store


@needs_kernels
def test_a_store_holds_what_the_call_returns(catalog: stm.Catalog, whole: Path) -> None:
    expected = stm.screen(catalog, start=START, hours=HOURS, threshold_km=THRESHOLD_KM, backend=BACKEND)
    found = stm.open_dataset(whole, "conjunctions")
    assert found.sizes["conjunction"] > 100
    assert set(found.variables) == set(expected.variables)
    for name in expected.variables:
        assert found[name].to_numpy().tolist() == expected[name].to_numpy().tolist(), name
    attributes = {k: v for k, v in expected.attrs.items() if k not in ("backend", "device", "seconds", "title")}
    np.testing.assert_equal({k: found.attrs[k] for k in attributes}, attributes)


@pytest.mark.slow
@needs_kernels
@pytest.mark.parametrize(
    "how",
    [
        {"tile_hours": 1.0},
        {"tile_hours": 2.0, "threads": 1},
        {"tile_hours": 3.0, "chunk_objects": 700},
        {"chunk_objects": 401},
        {"tile_hours": 1.0, "backend": "auto"},
    ],
    ids=str,
)
def test_bytes_do_not_depend_on_the_tiling(
    catalog: stm.Catalog, whole: Path, tmp_path: Path, how: dict[str, object]
) -> None:
    outcome = screen(catalog, tmp_path / "s.zarr", **how)
    assert outcome.complete
    assert outcome.computed == outcome.tiles > 1
    assert result_of(tmp_path / "s.zarr") == result_of(whole)
    assert check_store(tmp_path / "s.zarr") == []


@pytest.mark.slow
@needs_kernels
def test_bytes_do_not_depend_on_the_workers(catalog: stm.Catalog, whole: Path, tmp_path: Path) -> None:
    outcome = screen(catalog, tmp_path / "dask.zarr", executor=stm.Dask(workers=2), tile_hours=1.0)
    assert outcome.complete
    assert outcome.computed == outcome.tiles == 6
    for task in (2, 0, 1):
        outcome = screen(catalog, tmp_path / "array.zarr", executor=stm.SlurmArray(task=(task, 3)), tile_hours=1.0)
        assert outcome.computed == 2
    assert outcome.complete
    assert result_of(tmp_path / "dask.zarr") == result_of(tmp_path / "array.zarr") == result_of(whole)


def test_the_reference_backend_is_cut_the_same_way(tmp_path: Path) -> None:
    catalog = small_catalog(60)
    for name, hours in (("one", 9.0), ("many", 2.0)):
        screen(catalog, tmp_path / name, backend="reference", tile_hours=hours)
    assert result_of(tmp_path / "one") == result_of(tmp_path / "many")


@pytest.mark.slow
def test_ephemerides_do_not_depend_on_tiles_and_workers(tmp_path: Path) -> None:
    catalog = small_catalog(40)
    expected = stm.propagate(catalog, START, hours=9, step_s=60.0, backend=BACKEND)
    assert propagate(catalog, tmp_path / "one.zarr", tile_hours=50.0).tiles == 1
    assert propagate(catalog, tmp_path / "many.zarr", tile_hours=0.1).tiles == 5
    assert propagate(catalog, tmp_path / "dask.zarr", executor=stm.Dask(workers=2), tile_hours=0.1).complete
    found = stm.open_dataset(tmp_path / "many.zarr", "ephemeris", load=True)
    for name in ("object", "time", "position", "velocity", "error_code"):
        assert found[name].to_numpy().tobytes() == expected[name].to_numpy().tobytes(), name
    one = result_of(tmp_path / "one.zarr")
    assert one == result_of(tmp_path / "many.zarr") == result_of(tmp_path / "dask.zarr")
    assert check_store(tmp_path / "many.zarr") == []
    assert xr.open_zarr(tmp_path / "one.zarr", chunks=None).sizes["time"] == 541


@pytest.mark.slow
@needs_kernels
def test_chunks_of_an_ephemeris_are_whole_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(stm.store.KINDS["ephemeris"].extents, "object", (64, 128))
    catalog = small_catalog(500)
    assert propagate(catalog, tmp_path / "one.zarr").tiles == 1
    outcome = propagate(catalog, tmp_path / "cut.zarr", chunk_objects=100, tile_hours=3)
    assert outcome.tiles == 4 * 3
    assert result_of(tmp_path / "one.zarr") == result_of(tmp_path / "cut.zarr")


def test_every_pair_and_hour_is_in_one_tile() -> None:
    tiles = screening_tiles(10, 3, chunks=chunks(1000, 300), duration_s=36000.0)
    assert len({t.id for t in tiles}) == len(tiles) == 4 * 10
    seen = np.zeros((1000, 1000, 10), np.int8)
    for t in tiles:
        seen[slice(*t.left), slice(*t.right), slice(*t.blocks)] += 1
    upper = np.triu_indices(1000, 1)
    assert (seen[upper] == 1).all()
    parts = [share(tiles, (k, 7)) for k in range(7)]
    assert sorted(t.id for part in parts for t in part) == sorted(t.id for t in tiles)
    assert [t.id for t in screening_tiles(4, 2, chunks=[(0, 10)], duration_s=3600.5)] == [
        "h00000-00002",
        "h00002-00004-end3600.5",
    ]
    assert chunks(10, 4) == [(0, 4), (4, 8), (8, 10)]
    parts = ephemeris_tiles(300, 128, chunks(50, 20))
    assert sum((t.times[1] - t.times[0]) * (t.objects[1] - t.objects[0]) for t in parts) == 300 * 50


def test_the_catalogue_is_cut_where_it_does_not_fit() -> None:
    plan, every = plan_for((2460676.5, 0.0), 3600.0, 2.0, 1_000_000), np.ones(1_000_000, bool)
    tiling, _ = screening.choose(plan, every, stm.Tiling(), memory_bytes=64e9, threads=2)
    assert tiling.chunk_objects is None
    tiling, tiles = screening.choose(plan, every, stm.Tiling(), memory_bytes=2e9, threads=2)
    assert tiling.chunk_objects is not None
    assert screening.memory_of(plan, 2 * tiling.chunk_objects, 2) <= 2e9
    assert {t.left[1] - t.left[0] for t in tiles} <= set(range(tiling.chunk_objects + 1))
    with pytest.raises(InputError, match="not enough for any tile"):
        screening.choose(plan, every, stm.Tiling(), memory_bytes=1e8, threads=2)
    tiling, _ = screening.choose(plan, every, stm.Tiling(), memory_bytes=64e9, threads=2, gpu_bytes=1e9)
    assert tiling.chunk_objects is not None
    assert device_bytes(plan, 2 * tiling.chunk_objects) <= 1e9
    tiling, _ = screening.choose(plan, every, stm.Tiling(), memory_bytes=64e9, threads=2, gpu_bytes=8e9)
    assert tiling.chunk_objects is None


def test_many_workers_get_some_tiles_each(monkeypatch: pytest.MonkeyPatch) -> None:
    plan, every = plan_for((2460676.5, 0.0), 30 * 86400.0, 5.0, 26_000), np.ones(26_000, bool)

    def tiles(executor: stm.distribute.Executor) -> int:
        budget = screening.parallel_budget(executor.processes(1))
        return len(screening.choose(plan, every, stm.Tiling(), memory_bytes=64e9, threads=2, budget=budget)[1])

    assert tiles(stm.Dask()) == tiles(stm.SlurmArray()) == 90  # of eight hours
    assert tiles(stm.SlurmArray((0, 8))) == 90
    assert tiles(stm.SlurmArray((0, 60))) == 240
    monkeypatch.setenv("SLURM_NTASKS", "122")  # two of them are scheduler and client
    assert tiles(stm.Dask(scheduler="slurm")) == 360  # of whole hours, so three each
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    monkeypatch.setenv("SLURM_ARRAY_TASK_MIN", "0")
    monkeypatch.setenv("SLURM_ARRAY_TASK_MAX", "59")
    assert tiles(stm.SlurmArray()) == 240


@pytest.mark.parametrize("tiling", [{"tile_hours": 0.0}, {"tile_hours": float("nan")}, {"chunk_objects": 0}])
def test_impossible_tilings(tmp_path: Path, tiling: dict[str, float]) -> None:
    for compute in (screen, propagate):
        with pytest.raises(InputError, match="not possible"):
            compute(small_catalog(10), tmp_path / "s.zarr", **tiling)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("hours", "step_s"), [(0.0, 60.0), (-1.0, 60.0), (1.0, 0.0), (np.nan, 60.0)])
def test_impossible_ephemerides(tmp_path: Path, hours: float, step_s: float) -> None:
    catalog = small_catalog(3)
    with pytest.raises(InputError, match="positive"):
        stm.propagate_to_store(catalog, tmp_path / "e.zarr", start=START, hours=hours, step_s=step_s)
    with pytest.raises(InputError, match="empty"):
        stm.propagate_to_store(catalog[:0], tmp_path / "e.zarr", start=START, hours=1.0)
    with pytest.raises(InputError, match="at most 10,000,000"):
        stm.propagate_to_store(catalog, tmp_path / "e.zarr", start=START, hours=1e6, step_s=0.1)
    assert list(tmp_path.iterdir()) == []


def test_impossible_executors_are_refused(tmp_path: Path) -> None:
    catalog, store = small_catalog(10), tmp_path / "s.zarr"
    for keywords, message in (
        ({"executor": "cloud"}, "is unknown; use stm.Serial"),
        ({"executor": stm.SlurmArray()}, "use --task"),
        ({"executor": stm.SlurmArray(task=(0, 2)), "if_exists": "overwrite"}, "delete the work"),
        ({"executor": stm.Dask(scheduler="nonsense")}, "is not an address"),
        ({"executor": stm.Dask(scheduler="tls://127.0.0.1:1", tls_ca=Path("no.pem"))}, "no file"),
        ({"if_exists": "replace"}, "choose 'resume', 'overwrite' or 'append'"),
    ):
        with pytest.raises(InputError, match=message):
            screen(catalog, store, **keywords)
    with pytest.raises(InputError, match="not possible"):
        stm.SlurmArray(task=(3, 3))
    with pytest.raises(InputError, match="not possible"):
        stm.Dask(workers=0)
    assert [p.name for p in tmp_path.iterdir() if p.name != "s.zarr"] == []


def test_progress_may_be_a_function_or_a_bar(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    catalog, fractions = small_catalog(10), []
    screen(catalog, tmp_path / "a.zarr", tile_hours=2.0, progress=fractions.append)
    assert fractions[-1] == 1.0
    assert fractions == sorted(fractions)
    screen(catalog, tmp_path / "b.zarr", tile_hours=2.0, progress=True)
    assert "conjunctions: 100%" in capsys.readouterr().err
    stm.screen(catalog, start=START, hours=1, backend=BACKEND, progress=True)
    assert "screening: 100%" in capsys.readouterr().err


def test_a_store_has_the_permissions_of_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        screen(small_catalog(100), tmp_path / "s.zarr", 1.0, tile_hours=0.5)
    finally:
        os.umask(before)
    paths = [tmp_path / "s.zarr", *(tmp_path / "s.zarr").rglob("*")]
    assert len(paths) > 50
    assert [path for path in paths if path.stat().st_mode & 0o077] == []
