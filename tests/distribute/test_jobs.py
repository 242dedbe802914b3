"""A kind of job needs one module: it runs serially, on Dask, as an array, and is resumed, enlarged and checked."""

from __future__ import annotations

import itertools
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from distributed import Client, LocalCluster
from support.stores import BACKEND, result_of, small_catalog
from support.studies import edit
from support.toy_job import SquaresJob, SquaresSettings, SquaresTile

import stmgpu as stm
from stmgpu.backend import Backend
from stmgpu.distribute.api import run_to_store
from stmgpu.distribute.executors import RunOptions
from stmgpu.errors import InputError, StoreError
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.store import check_store

OBJECTS = ScreeningObjects(small_catalog(5))


def run(path: Path, limit: int = 35, **keywords: Any) -> stm.distribute.Outcome:
    options = RunOptions(**({"backend": BACKEND} | keywords))
    return run_to_store(SquaresJob.plan(OBJECTS, SquaresSettings(limit), options), path, options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "s.zarr"
    outcome = run(path)
    assert (outcome.tiles, outcome.computed, outcome.complete) == (4, 4, True)
    return path


def test_serially(whole: Path) -> None:
    assert stm.open_dataset(whole, "squares").square.to_numpy().tolist() == [k * k for k in range(35)]
    assert check_store(whole) == []
    assert stm.provenance(whole)["settings"] == {"limit": 35, "arithmetic": "kernels"}


def test_on_dask(whole: Path, tmp_path: Path) -> None:
    assert run(tmp_path / "s.zarr", executor=stm.Dask(workers=1)).computed == 4
    assert result_of(tmp_path / "s.zarr") == result_of(whole)


def test_threads_of_a_worker_take_turns(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that stmgpu did not start have several threads, but a job and its backend work in arrays of their own."""
    alone, compute = threading.Lock(), SquaresJob.compute

    def watched(self: SquaresJob, tile: SquaresTile, backend: Backend) -> None:
        assert alone.acquire(blocking=False), "two tiles at a time"
        time.sleep(0.02)
        compute(self, tile, backend)
        alone.release()

    monkeypatch.setattr(SquaresJob, "compute", watched)
    with (
        LocalCluster(n_workers=1, threads_per_worker=4, processes=False, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        outcome = run(tmp_path / "s.zarr", executor=stm.Dask(client=client))
    assert (outcome.computed, outcome.failed) == (4, {})
    assert result_of(tmp_path / "s.zarr") == result_of(whole)


def test_as_an_array(whole: Path, tmp_path: Path) -> None:
    outcomes = [run(tmp_path / "s.zarr", executor=stm.SlurmArray(task=(k, 3))) for k in range(3)]
    assert [o.computed for o in outcomes] == [2, 1, 1]
    assert [o.complete for o in outcomes] == [False, False, True]
    assert result_of(tmp_path / "s.zarr") == result_of(whole)


def test_resumed_and_enlarged(whole: Path, tmp_path: Path) -> None:
    path, asked = tmp_path / "s.zarr", itertools.count()
    assert run(path, 20, stop=lambda: next(asked) >= 1).missing == ["n0010-0020"]
    with pytest.raises(StoreError, match="squares can only be read when complete"):
        stm.open_dataset(path, partial=True)
    assert run(path, 20).computed == 1
    with pytest.raises(InputError, match=r"settings\.limit: stored 20, requested 35"):
        run(path)
    assert run(path, if_exists="append").computed == 2
    assert result_of(path) == result_of(whole)
    with pytest.raises(InputError, match="holds 35 numbers; --append cannot shorten it to 20"):
        run(path, 20, if_exists="append")


def test_damaged_settings_are_named(tmp_path: Path) -> None:
    path = tmp_path / "s.zarr"
    run(path)
    edit(path, lambda document: document["settings"].update(limit=0))
    with pytest.raises(StoreError, match=r"in its run\.json, settings\.limit must be a whole number of 1 or more"):
        run(path)
