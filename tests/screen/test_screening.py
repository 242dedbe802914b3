"""Screenings of primaries: the rows of the whole screening, with the same bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from support.orbits import START, catalog_of, random_rows

import stmgpu as stm
from stmgpu.backend import Backend
from stmgpu.catalog.catalog import Catalog
from stmgpu.errors import InputError
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.screen.broad_phase_kernels import HashGrid
from stmgpu.screen.plan import FEW


def crowd() -> Catalog:
    """Low, eccentric and geostationary orbits: common and wide gates, primaries of every kind."""
    rng = np.random.default_rng(8)
    kinds = (("shell", 350), ("leo", 250), ("heo", 100), ("gto", 100), ("geo", 100))
    return catalog_of(np.concatenate([random_rows(rng, n, kind) for kind, n in kinds]))


def same(one: xr.Dataset, other: xr.Dataset) -> None:
    assert one.sizes == other.sizes
    for name in one.variables:
        if name != "conjunction":
            np.testing.assert_array_equal(one[name].to_numpy(), other[name].to_numpy(), err_msg=name)


@pytest.mark.parametrize(("count", "step_s"), [(1, None), (30, 24.0)])
def test_rows_are_those_of_the_whole_screening(count: int, step_s: float | None, backend: Backend) -> None:
    if not backend.runs_kernels and step_s:
        pytest.skip("the reference backend selects in one way only")
    catalog, rng = crowd(), np.random.default_rng(count)
    hours, threshold_km = (3.0, 60.0) if backend.runs_kernels else (0.25, 150.0)
    keywords = {"start": START, "hours": hours, "threshold_km": threshold_km, "backend": backend.name}
    whole = stm.screen(catalog, **keywords)
    busiest = np.bincount(np.concatenate([whole.primary.values, whole.secondary.values])).argmax()
    primaries = np.append(rng.choice(catalog.norad_id, count, replace=False), busiest)
    found = stm.screen(catalog, primaries=primaries, step_s=step_s, **keywords)
    same(found, stm.involving(whole, primaries))
    assert found.sizes["conjunction"] > 0
    assert found.attrs["primaries"] == len(np.unique(primaries))


def test_few_primaries_yield_their_own_candidates_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broad phase selects: candidates without a primary are never made."""
    seen = []

    class Watched(HashGrid):
        def find(self, block, rows):
            candidates = super().find(block, rows)
            seen.append((np.asarray(candidates.first), np.asarray(candidates.second), self.only_selected))
            return candidates

    monkeypatch.setattr("stmgpu.screen.engine.HashGrid", Watched)
    catalog = crowd()
    few = int(FEW * len(catalog)) - 5
    for count, selects in ((1, True), (few, True), (2 * few + 20, False)):
        seen.clear()
        primaries = catalog.norad_id[-count:]
        stm.screen(catalog, start=START, hours=2, threshold_km=150, primaries=primaries, backend="cpu")
        assert [s for _, _, s in seen] == [selects] * len(seen)
        columns = np.unique(np.concatenate([f for f, _, _ in seen] + [s for _, s, _ in seen]))
        pairs = sum(len(f) for f, _, _ in seen)
        if count == 1:
            assert len(columns) <= pairs + 1  # one object in every pair
    assert pairs > 1000


def test_trajectories_are_the_primaries_unless_others_are_named() -> None:
    catalog = crowd()
    flown = stm.Trajectories.from_dataset(stm.propagate(catalog[:3], START, hours=4, step_s=60, backend="cpu"))
    keywords = {"start": START, "hours": 3, "threshold_km": 150, "ephemeris": flown, "backend": "cpu"}
    default = stm.screen(catalog, **keywords)
    every = stm.screen(catalog, primaries=catalog.norad_id, **keywords)
    one = int(catalog.norad_id[10])
    same(default, stm.involving(every, catalog.norad_id[:3]))
    same(stm.screen(catalog, primaries=one, **keywords), stm.involving(every, one))
    assert default.sizes["conjunction"] > 0


def test_parts_of_the_objects_keep_the_primaries() -> None:
    objects = ScreeningObjects(crowd()).with_primaries([2, 5])
    assert np.flatnonzero(objects.is_primary).tolist() == [1, 4]
    assert objects[3:].is_primary.nonzero()[0].tolist() == [1]
    assert not objects[10:20].is_primary.any()


def test_unknown_primaries_are_refused() -> None:
    with pytest.raises(InputError, match="88888, 99999 are not among the 900 objects"):
        stm.screen(crowd(), hours=1, primaries=[1, 88888, 99999])


@pytest.mark.slow
def test_stores_and_chunks_give_the_same_rows(tmp_path: Path) -> None:
    catalog = crowd()
    keywords = {"start": START, "hours": 3, "threshold_km": 60, "primaries": "3, 700-710", "backend": "cpu"}
    expected = stm.screen(catalog, **keywords)
    tiling = stm.Tiling(tile_hours=1, chunk_objects=200)
    outcome = stm.screen_to_store(catalog, tmp_path / "cut", tiling=tiling, **keywords)
    assert outcome.complete
    same(stm.open_dataset(tmp_path / "cut", "conjunctions"), expected)
    assert outcome.tiles == 3 * (15 - 6)  # of five chunks, pairs of the three without a primary have no tile
    assert stm.screen_to_store(catalog, tmp_path / "cut", **keywords).computed == 0
    with pytest.raises(InputError, match="primaries"):
        stm.screen_to_store(catalog, tmp_path / "cut", **(keywords | {"primaries": 3}))
