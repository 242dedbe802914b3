"""Minima at, beside and between the ends of the window: none lost, none twice, none swallowed by a deeper one."""

from __future__ import annotations

import numpy as np
import pytest
from support.orbits import START, catalog_of, compare, engine_events, fit, join, random_rows, sgp4_state
from support.plans import plan_for

from stmgpu.backend import Backend, get_backend
from stmgpu.catalog.catalog import Catalog
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.screen import engine, refine
from stmgpu.screen.brute import brute
from stmgpu.screen.engine import run
from stmgpu.screen.window_ends import END_EDGE, START_EDGE


def climbing_pair(seed: int, t_s: float) -> Catalog:
    """Two low objects that pass at 20 to 195 km with 0.5 to 1.4 km/s in any direction, up and down included."""
    rng = np.random.default_rng(seed)
    row = random_rows(rng, 1, "leo")[0]
    state = sgp4_state(row, START, t_s)
    dv, away = rng.normal(size=(2, 3))
    dv *= rng.uniform(0.5, 1.4) / np.linalg.norm(dv)
    miss = np.cross(dv, away)
    miss *= rng.uniform(20.0, 195.0) / np.linalg.norm(miss)
    at = START.plus(t_s)
    return join(catalog_of(row), catalog_of(fit(state + np.concatenate([miss, dv]), at), at))


@pytest.mark.parametrize("seed", range(8))
def test_a_minimum_beside_the_windows_end_is_one_event(seed: int) -> None:
    """The rate's sign at the edge and the minimum's time come from different differences; they must not disagree."""
    catalog, backend = climbing_pair(seed, 1800.0), get_backend("cpu")
    whole = engine_events(catalog, START, 3600.0, 200.0, backend)
    tca = float(whole["tca_s"][np.argmin(np.abs(whole["tca_s"] - 1800.0))])
    for off in (-2e-4, -5e-5, -2e-5, -1e-5, -5e-6, -2e-6, 0.0, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 2e-4):
        for before in (0.0, 600.0):
            events = engine_events(catalog, START.plus(tca + off - before), 600.0, 200.0, backend, 20.0)
            assert np.sum(np.abs(events["tca_s"] - before) < 1.0) == 1, (off, before, events)


@pytest.mark.parametrize("off_s", [-2e-3, -1e-5, 0.0, 1e-5, 2e-3])
def test_the_oracle_counts_a_minimum_at_the_edge_once(off_s: float) -> None:
    catalog, backend = climbing_pair(0, 1800.0), get_backend("cpu")
    whole = engine_events(catalog, START, 3600.0, 200.0, backend)
    start = START.plus(float(whole["tca_s"][np.argmin(np.abs(whole["tca_s"] - 1800.0))]) + off_s)
    truth = brute(catalog, (start.jd, start.fr), duration_s=600.0, threshold_km=200.0)
    assert np.sum(truth["tca_s"] < 1.0) == 1
    if abs(off_s) > 1e-3:  # nearer, the minimiser's noise decides on which side it is
        compare(catalog, backend, 600.0, 200.0, start, 20.0, truth)


def test_a_short_rise_before_a_minimum_is_seen(backend: Backend) -> None:
    """A window that ends seconds after a maximum: the rise to its end is metres, but narrower than samples of it."""
    rng = np.random.default_rng(3)
    row = random_rows(rng, 1, "geo")[0]
    catalog = catalog_of(np.stack([row, row + np.array([0, 2e-4, 1e-4, 0, 0, 1e-3])]))
    plan = plan_for((START.jd, START.fr), 86400.0, 200.0, 2, 120.0)
    refiner = run(ScreeningObjects(catalog), plan, backend).refiner
    t = np.linspace(0.0, 86400.0, 4321)
    _, rel, _ = refiner.relative(*(backend.put(np.full(len(t), k)) for k in (0, 1)), backend.put(t))
    distance = np.linalg.norm(backend.get(rel)[:3], axis=0)
    top = next(k for k in range(400, len(t) - 1) if distance[k - 1] < distance[k] > distance[k + 1])
    threshold = min(200.0, float(distance.max()) + 1.0)
    for after in (15.0, 40.0, 90.0):
        begin, end = float(t[top - 300]), float(t[top]) + after
        truth = compare(catalog, backend, end - begin, threshold, START.plus(begin))
        assert set(truth["flags"].tolist()) == {START_EDGE, END_EDGE}


def test_memory_of_a_small_catalogue_at_the_finest_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of a quarter of a million cells: the batch must be cut by them, not by the two objects."""
    batches = []

    class Watched(engine.HashGrid):
        def __init__(self, plan, backend, n, rows_per_batch, **selection):
            batches.append(rows_per_batch * (plan.cells + 2) * 8)
            super().__init__(plan, backend, n, rows_per_batch, **selection)

    monkeypatch.setattr(engine, "HashGrid", Watched)
    plan = plan_for((START.jd, START.fr), 3600.0, 0.1, 2, 10.0)
    run(ScreeningObjects(catalog_of(random_rows(np.random.default_rng(1), 2))), plan, get_backend("cpu", 1))
    assert max(batches) < 32 << 20


def test_flushing_candidates_early_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = catalog_of(random_rows(np.random.default_rng(5), 120, "shell"))
    whole = engine_events(catalog, START, 3600.0, 100.0, get_backend("cpu"))
    monkeypatch.setattr(engine, "CANDIDATES_AT_ONCE", 10)
    monkeypatch.setattr(refine, "STATES_AT_ONCE", 50)
    np.testing.assert_array_equal(engine_events(catalog, START, 3600.0, 100.0, get_backend("cpu")), whole)
    assert len(whole) > 20
