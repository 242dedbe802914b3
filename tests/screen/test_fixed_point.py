"""The last digits of an event do not depend on how it was searched."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from support.orbits import START, catalog_of, join, passing, random_rows
from support.plans import plan_for

import stmgpu as stm
from stmgpu.backend import Backend, get_backend
from stmgpu.catalog.catalog import Catalog
from stmgpu.catalog.synthetic import synthetic_catalog
from stmgpu.propagate.instants import TICK_S
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.screen.engine import Screener
from stmgpu.screen.fixed_point import ANCHOR_S, newton, settle

EDGES = 2 | 4
WHOLE_WINDOW = ("flags", "entry", "exit", "conjunction")  # of slow pairs the first three tell of the window, too
FIRST, LAST = np.datetime64("2025-01-01T22:30"), np.datetime64("2025-01-02T01:30")


def mixed_catalog() -> Catalog:
    """Low orbits that cross, a ring of neighbours that hardly move, docked pairs, and the geostationary belt."""
    rng = np.random.default_rng(4)
    ring = np.repeat(random_rows(rng, 12, "shell"), 3, axis=0)
    ring[:, 5] += rng.uniform(0.0, 2e-3, 36)
    ring[:, 2] += rng.uniform(0.0, 1e-5, 36)
    docked = np.repeat(random_rows(rng, 2, "leo"), 2, axis=0)
    rows = [random_rows(rng, 150, "shell"), ring, docked, random_rows(rng, 60, "geo"), random_rows(rng, 30, "heo")]
    return catalog_of(np.concatenate(rows))


def bits(events: xr.Dataset) -> set[bytes]:
    """Rows between `FIRST` and `LAST` that do not stand at an end of the window, as bytes."""
    tca = events.tca.values
    inside = (tca >= FIRST) & (tca < LAST) & (events.flags.values & EDGES == 0)
    columns = [np.ascontiguousarray(events[n].values[inside]) for n in events.variables if n not in WHOLE_WINDOW]
    return {
        b"".join(column[k].tobytes() for column in columns if column.dtype.kind != "U") for k in range(inside.sum())
    }


@pytest.mark.parametrize("threshold_km", [8.0, 150.0])
def test_bits_do_not_depend_on_step_start_or_length(threshold_km: float) -> None:
    catalog = mixed_catalog()
    windows = [
        ("2025-01-01T22:00", 4.0, None),
        ("2025-01-01T22:00", 4.0, 10.0),
        ("2025-01-01T22:17:23.123456789", 3.5, 24.0),
        ("2025-01-01T20:59:59.9", 5.01, 120.0),
        ("2024-12-31T23:00", 28.0, None),
    ]
    seen = [
        bits(stm.screen(catalog, start=start, hours=hours, step_s=step_s, threshold_km=threshold_km, backend="cpu"))
        for start, hours, step_s in windows
    ]
    assert len(seen[0]) > 50
    assert all(rows == seen[0] for rows in seen)


def test_bits_do_not_depend_on_the_start_of_a_trajectory_run() -> None:
    catalog = synthetic_catalog(1500, seed=5)
    states = stm.propagate(catalog[:60], "2025-01-01T19:00", hours=10, step_s=50.5, backend="cpu")
    flown = stm.Trajectories.from_dataset(states)
    seen = [
        bits(stm.screen(catalog, ephemeris=flown, start=start, hours=hours, step_s=step_s, threshold_km=50))
        for start, hours, step_s in (("2025-01-01T22:00", 4, 20.0), ("2025-01-01T20:10:07.7", 7, 60.0))
    ]
    assert len(seen[0]) > 50
    assert seen[0] == seen[1]


def test_bits_do_not_depend_on_where_the_search_begins(backend: Backend) -> None:
    """Minima placed all around the middle between two anchors, searched from either side."""
    rng = np.random.default_rng(1)
    row = random_rows(rng, 1, "leo")[0]
    at = 1800.0 + 0.5 * ANCHOR_S
    offsets = [0.0, *rng.normal(0.0, 1e-7, 20), *rng.normal(0.0, 1e-3, 20)]
    catalog = join(catalog_of(row), *(passing(rng, row, at + float(off), rng.uniform(0.1, 5.0)) for off in offsets))
    refiner = Screener(ScreeningObjects(catalog), plan_for(START, 3600.0, 10.0, len(catalog)), backend).refiner
    place = np.argsort(refiner.propagator.order)
    i, j = np.full(len(offsets), place[0]), place[1:]
    midnight_s = refiner.plan.start_s + at
    ends = []
    for begin in (-0.3, -0.06, -1e-9, 1e-9, 0.06, 0.3):
        t = backend.put(np.full(len(offsets), midnight_s + begin))
        found = settle(refiner, backend.put(i), backend.put(j), t, middle_s=t, reach_s=20.0)
        ends.append((backend.get(found.t_s).tobytes(), backend.get(found.distance2).tobytes()))
        assert np.abs(backend.get(found.t_s) - midnight_s - offsets).max() < 1e-3
        assert np.all(backend.get(found.t_s) % TICK_S == 0.0)
    assert len(set(ends)) == 1
    # without anchors the search would end in other digits
    steps = [
        newton(refiner, backend.put(i), backend.put(j), backend.put(np.full(len(i), midnight_s + s)))
        for s in (-0.05, 0.05)
    ]
    assert np.any(backend.get(steps[0].t_s) != backend.get(steps[1].t_s))


def test_a_shared_tile_and_chunk_give_the_same_bits() -> None:
    """Chunks of the catalogue, blocks of the window: the parts of a run hold the bits of the whole."""
    catalog, plan = mixed_catalog(), plan_for(START, 4 * 3600.0, 30.0, 276)
    whole = Screener(ScreeningObjects(catalog), plan, get_backend("cpu")).run().events
    some = np.arange(100, len(catalog))
    part = Screener(ScreeningObjects(catalog)[some], plan, get_backend("cpu", 1)).run(1, 3).events
    rows = {
        (a, b, t, d, r.tobytes())
        for a, b, t, d, r in zip(whole.first, whole.second, whole.tca_s, whole.miss_km, whole.miss_rtn, strict=True)
    }
    mine = zip(some[part.first], some[part.second], part.tca_s, part.miss_km, part.miss_rtn, strict=True)
    assert len(part) > 50
    assert all((a, b, t, d, r.tobytes()) in rows for a, b, t, d, r in mine)
