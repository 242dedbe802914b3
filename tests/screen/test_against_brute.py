"""The engine against the oracle: every event, exactly once, on real and on adversarial pairs."""

from __future__ import annotations

import numpy as np
import pytest
from support.orbits import (
    START,
    catalog_of,
    compare,
    engine_events,
    fit,
    join,
    passing,
    random_rows,
    sgp4_state,
    shared,
)

from stmgpu.backend import Backend, get_backend
from stmgpu.catalog.catalog import Catalog
from stmgpu.catalog.reader import read_catalog
from stmgpu.screen.brute import brute
from stmgpu.screen.plan import BLOCK_NODES, NODE_STEP_S
from stmgpu.screen.settings import STEPS_S
from stmgpu.screen.window_ends import START_EDGE


@pytest.mark.slow
@pytest.mark.parametrize("sample", [0, 1])
def test_real_samples_over_a_day(sample: int) -> None:
    """500 real objects, 24 h: one sample at random, one of crowded neighbours (high-inclination, one altitude band)."""
    catalog = read_catalog(shared("catalogs/2024-07-05.tle"))
    rng = np.random.default_rng(sample)
    near = (catalog.mean_motion > 0.0618) & (catalog.mean_motion < 0.0624) if sample else np.ones(len(catalog), bool)
    pick = np.sort(rng.choice(np.flatnonzero(near), 500, replace=False))
    start = catalog.median_epoch().plus(-3600.0)
    truth = compare(catalog[pick], get_backend("cpu"), 86400.0, 5.0 if sample else 20.0, start)
    assert len(truth) > 30


@pytest.mark.slow
def test_regimes_together(backend: Backend) -> None:
    """LEO, one crowded shell, HEO, GTO and GEO in one catalogue, six hours, 30 km."""
    rng = np.random.default_rng(21)
    rows = np.concatenate(
        [random_rows(rng, n, kind) for n, kind in ((60, "leo"), (60, "shell"), (20, "heo"), (20, "gto"), (40, "geo"))]
    )
    catalog = catalog_of(rows, bstar=rng.uniform(0.0, 1e-4, len(rows)))
    truth = compare(catalog, backend, 6 * 3600.0, 30.0)
    assert len(truth) > 20


def attack(rng: np.random.Generator, times: list[float], misses: tuple[float, float, float]) -> Catalog:
    """A catalogue of pairs that pass at given times and distances, and the target objects."""
    parts = []
    for t in times:
        for miss in misses:
            row = random_rows(rng, 1, "leo")[0]
            parts += [catalog_of(row), passing(rng, row, float(t), miss)]
    return join(*parts)


def boundaries(step_s: float, duration_s: float) -> list[float]:
    """Interval ends, nodes, block ends and window ends, each exactly and just off."""
    at = [step_s, 7 * step_s, NODE_STEP_S, 5 * NODE_STEP_S, BLOCK_NODES * NODE_STEP_S, 0.5 * step_s]
    off = [-1e-3, -1e-7, 0.0, 1e-7, 1e-3]
    inside = [t + d for t in at for d in off if 1.0 < t + d < duration_s - 1.0]
    return [*inside, 1e-3, duration_s - 1e-3]


@pytest.mark.parametrize("step_s", [60.0, 120.0])
def test_pairs_built_on_every_boundary(backend: Backend, step_s: float) -> None:
    """Misses of 0, threshold - 1 m and threshold + 1 m at every boundary of intervals, nodes, blocks and window."""
    threshold, duration = 5.0, BLOCK_NODES * NODE_STEP_S + 600.0
    times = boundaries(step_s, duration)
    catalog = attack(np.random.default_rng(int(step_s)), times, (0.0, threshold - 0.001, threshold + 0.001))
    truth = compare(catalog, backend, duration, threshold, step_s=step_s)
    for k, t in enumerate(np.repeat(times, 3)):
        expected = (0.0, threshold - 0.001, None)[k % 3]
        mine = truth[(truth["first"] == 2 * k) & (truth["second"] == 2 * k + 1) & (np.abs(truth["tca_s"] - t) < 0.01)]
        assert len(mine) == (expected is not None)
        if expected is not None:
            assert abs(mine["miss_km"][0] - expected) < 2e-4


def test_head_on_and_shallow_crossings(backend: Backend) -> None:
    rng = np.random.default_rng(31)
    parts = []
    for turn in (np.pi, 3.1, 1.0, 0.3, 0.05, 0.02, 0.01, 0.005):
        row = random_rows(rng, 1, "leo")[0]
        parts += [catalog_of(row), passing(rng, row, 2000.0, 1.5, turn)]
    truth = compare(join(*parts), backend, 2 * 3600.0, 5.0)
    assert len(truth) >= len(parts) // 2


def fly_together(rng: np.random.Generator, offset_km: float, count: int) -> Catalog:
    """Objects that start ``offset_km`` apart with almost the same velocity."""
    row = random_rows(rng, 1, "leo")[0]
    state = sgp4_state(row, START)
    parts = [catalog_of(row)]
    for _ in range(count - 1):
        away = rng.normal(size=6) * np.array([offset_km] * 3 + [offset_km * 2e-4] * 3)
        parts.append(catalog_of(fit(state + away, START)))
    return join(*parts)


@pytest.mark.parametrize("offset_km", [0.01, 0.3, 3.0])
def test_docked_and_formation_pairs(backend: Backend, offset_km: float) -> None:
    """Every local minimum of pairs that stay together, at every step, with the flags of the window's ends."""
    catalog = fly_together(np.random.default_rng(41), offset_km, 6)
    truth = brute(catalog, (START.jd, START.fr), duration_s=5 * 3600.0, threshold_km=5.0)
    assert np.any(truth["flags"] == 0)
    assert np.any(truth["flags"] != 0)
    for step_s in (30.0, 60.0, 120.0):
        compare(catalog, backend, 5 * 3600.0, 5.0, step_s=step_s, truth=truth)


def test_identical_elements_appear_once(backend: Backend) -> None:
    """Docked objects often carry one element set: the distance is zero throughout, reported once, at the start."""
    row = random_rows(np.random.default_rng(51), 1, "leo")
    catalog = catalog_of(np.repeat(row, 4, axis=0))
    events = engine_events(catalog, START, 6 * 3600.0, 5.0, backend)
    assert len(events) == 6
    assert np.all(events["flags"] == START_EDGE)
    assert np.all(events["tca_s"] == 0.0)


def test_a_distance_that_stands_still_is_not_many_events(backend: Backend) -> None:
    """Co-orbital objects whose distance changes by micrometres: rounding changes the sign of its rate all the time."""
    row = random_rows(np.random.default_rng(55), 1, "leo")
    row[0, 1] = 1e-6
    ahead = np.repeat(row, 3, axis=0)
    ahead[1:, 3] += 1e-5, 2e-5  # the same orbit in a plane turned by metres
    ahead[1:, 5] += 0.0, 1e-5
    catalog = catalog_of(np.concatenate([row, row + np.array([0, 0, 0, 0, 0, 2e-5]), ahead[1:]]))
    truth = brute(catalog, (START.jd, START.fr), duration_s=6 * 3600.0, threshold_km=5.0)
    for step_s in (40.0, 60.0, 120.0):
        compare(catalog, backend, 6 * 3600.0, 5.0, step_s=step_s, truth=truth)
    for pair in {(int(e["first"]), int(e["second"])) for e in truth}:
        assert sum((int(e["first"]), int(e["second"])) == pair for e in truth) <= 20


@pytest.mark.slow
def test_every_step_finds_the_same(backend: Backend) -> None:
    if not backend.runs_kernels:
        pytest.skip("nine runs of the slow twin; the other backends do it")
    rng = np.random.default_rng(61)
    rows = np.concatenate([random_rows(rng, 150, "shell"), random_rows(rng, 60, "leo"), random_rows(rng, 30, "heo")])
    catalog = catalog_of(rows)
    truth = brute(catalog, (START.jd, START.fr), duration_s=4 * 3600.0, threshold_km=25.0)
    assert len(truth) > 30
    for step_s in STEPS_S:
        compare(catalog, backend, 4 * 3600.0, 25.0, step_s=step_s, truth=truth)
