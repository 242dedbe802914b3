"""What must not change the answer: the order of the catalogue, how the window is cut, what is repeated."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from support.orbits import START, catalog_of, random_rows

from stmgpu.backend import Backend
from stmgpu.catalog.catalog import Catalog
from stmgpu.catalog.synthetic import synthetic_catalog
from stmgpu.screen.screening import screen

BOTH_EDGES = 2 | 4


@pytest.fixture(scope="module")
def crowd() -> Catalog:
    return synthetic_catalog(4000, seed=3)


def table(events: xr.Dataset) -> list[tuple[int, int, int, float]]:
    tca = events.tca.values.astype("datetime64[ns]").astype(np.int64)
    return list(
        zip(
            events.primary.values.tolist(),
            events.secondary.values.tolist(),
            tca.tolist(),
            events.miss_distance.values.tolist(),
            strict=True,
        )
    )


def test_order_of_the_catalogue(crowd: Catalog) -> None:
    shuffled = crowd[np.random.default_rng(1).permutation(len(crowd))]
    one, two = (screen(c, start="2025-01-01T03:00", hours=3, threshold_km=10, backend="cpu") for c in (crowd, shuffled))
    assert table(one) == table(two)
    assert one.sizes["conjunction"] > 100


@pytest.mark.parametrize("cut_h", [1.0, 1.234567, 2.5])
def test_cut_of_the_window(crowd: Catalog, cut_h: float) -> None:
    """Two windows hold the events of one, once each; only what stands at the cut carries edge flags."""
    start = np.datetime64("2025-01-01T03:00:00", "ns")
    cut = start + np.timedelta64(round(cut_h * 3.6e12), "ns")
    whole = screen(crowd, start=start, hours=3.5, threshold_km=10, backend="cpu")
    left = screen(crowd, start=start, hours=cut_h, threshold_km=10, backend="cpu")
    right = screen(crowd, start=cut, hours=3.5 - cut_h, threshold_km=10, backend="cpu")
    left = left.isel(conjunction=np.flatnonzero(left.flags.values & 4 == 0))
    right = right.isel(conjunction=np.flatnonzero(right.flags.values & 2 == 0))
    parts = sorted(table(left) + table(right), key=lambda e: (e[0], e[1], e[2]))
    expected = sorted(table(whole), key=lambda e: (e[0], e[1], e[2]))
    assert [e[:2] for e in parts] == [e[:2] for e in expected]
    assert parts == expected


def test_subset_of_the_catalogue(crowd: Catalog) -> None:
    """An event needs only its two objects: dropping all others changes nothing about it."""
    whole = screen(crowd, start="2025-01-01T03:00", hours=2, threshold_km=10, backend="cpu")
    keep = np.isin(crowd.norad_id, np.concatenate([whole.primary.values[:40], whole.secondary.values[:40]]))
    part = screen(crowd[keep], start="2025-01-01T03:00", hours=2, threshold_km=10, backend="cpu")
    kept = set(crowd.norad_id[keep].tolist())
    expected = [e for e in table(whole) if e[0] in kept and e[1] in kept]
    assert [e[:2] for e in table(part)] == [e[:2] for e in expected]
    assert table(part) == expected


def test_all_backends_give_the_same_events(backend: Backend) -> None:
    rng = np.random.default_rng(2)
    catalog = catalog_of(np.concatenate([random_rows(rng, 150, "shell"), random_rows(rng, 60, "geo")]))
    ours = screen(catalog, start=START, hours=2, threshold_km=30, backend=backend.name)
    truth = screen(catalog, start=START, hours=2, threshold_km=30, backend="reference")
    assert [e[:2] for e in table(ours)] == [e[:2] for e in table(truth)]
    np.testing.assert_allclose(ours.miss_distance.values, truth.miss_distance.values, atol=2e-7)
    assert ours.sizes["conjunction"] > 20
