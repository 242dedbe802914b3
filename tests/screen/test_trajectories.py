"""Objects with trajectories beside others. Truth: the same objects through SGP4, and dense sampling."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from support.plans import plan_for

import stmgpu as stm
from stmgpu.backend import Backend
from stmgpu.backend.cpu import CpuBackend
from stmgpu.catalog.trajectories import Segment, Trajectories, Trajectory
from stmgpu.catalog.trajectories.gravity import gravity
from stmgpu.propagate.codes import CODE_ABSENT
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.propagate.sgp4 import SGP4Propagator
from stmgpu.propagate.tabulated import TabulatedPropagator
from stmgpu.propagate.tabulated.by_object import ByObject
from stmgpu.propagate.tabulated.free_orbit import free_orbit
from stmgpu.screen.engine import Screening, run

if TYPE_CHECKING:
    from collections.abc import Callable

START, HOURS, S = (2460676.5, 0.0), 4.0, 1_000_000_000
T0 = int(np.datetime64("2025-01-01", "ns").view(np.int64))
Row = tuple[int, int, float, float, int]


def found(result: Screening, objects: Any) -> list[Row]:
    x, ids = result.events, np.asarray(objects.norad_id)
    return sorted(
        zip(
            ids[x.first].tolist(),
            ids[x.second].tolist(),
            x.tca_s.tolist(),
            x.miss_km.tolist(),
            x.flags.tolist(),
            strict=True,
        )
    )


def screened(
    objects: stm.Catalog | ScreeningObjects, backend: Backend, threshold_km: float, hours: float = HOURS
) -> list[Row]:
    if not isinstance(objects, ScreeningObjects):
        objects = ScreeningObjects(objects)
    result = run(objects, plan_for(START, hours * 3600.0, threshold_km, len(objects)), backend)
    assert result.part.certificate.holds
    assert (result.part.failed_code == CODE_ABSENT).all()
    return found(result, objects)


def same(a: list[Row], b: list[Row], time_s: float = 1e-6, distance_km: float = 1e-6) -> None:
    assert [row[:2] for row in a] == [row[:2] for row in b]
    assert [row[4] for row in a] == [row[4] for row in b]
    for one, other in zip(a, b, strict=True):
        assert abs(one[2] - other[2]) < time_s
        assert abs(one[3] - other[3]) < distance_km


def populations(count: int, tabulated: int) -> tuple[Any, Any, Trajectories]:
    cat = stm.synthetic_catalog(count, seed=5)
    eph = stm.propagate(cat[:tabulated], "2024-12-31T23:50", hours=HOURS + 1 / 3, step_s=60, backend="reference")
    return cat, cat[tabulated:], Trajectories.from_dataset(eph)


def with_one_of(ids: Any, rows: list[Row]) -> list[Row]:
    """Pairs of which one at least has one of these ids: beside trajectories, two objects with elements do not count."""
    known = set(np.asarray(ids).tolist())
    return [row for row in rows if row[0] in known or row[1] in known]


def fast(rows: list[Row]) -> list[Row]:
    """Without slow pairs, whose minima SGP4's own velocities and interpolated ones place differently."""
    return [row for row in rows if not row[4] & 1]


def test_the_same_events_from_elements_and_from_their_ephemerides(backend: Backend) -> None:
    cat, rest, trajectories = populations(300, 80)
    expected = with_one_of(trajectories.norad_id, screened(cat, backend, 100.0))
    same(fast(expected), fast(screened(ScreeningObjects(rest, trajectories), backend, 100.0)))
    same(
        fast(screened(cat[:80], backend, 150.0)),
        fast(screened(ScreeningObjects(cat[:0], trajectories), backend, 150.0)),
    )


@pytest.mark.slow
def test_usable_times_are_kept_to_the_instant() -> None:
    backend = CpuBackend()
    cat, rest, trajectories = populations(1200, 300)
    rng, end_s = np.random.default_rng(0), HOURS * 3600.0
    begin = rng.uniform(0.0, 1.5 * 3600.0, 300)
    stop = begin + rng.uniform(1.0, 2.4 * 3600.0, 300)
    usable = dataclasses.replace(
        trajectories,
        usable_start_ns=T0 + np.round(begin * S).astype(np.int64),
        usable_stop_ns=T0 + np.round(stop * S).astype(np.int64),
    )
    low, high = (dict(zip(trajectories.norad_id.tolist(), part, strict=True)) for part in (begin, stop))

    def window(row: Row) -> tuple[float, float]:
        return (max(low.get(row[0], 0.0), low.get(row[1], 0.0)), min(high.get(row[0], end_s), high.get(row[1], end_s)))

    rows = screened(ScreeningObjects(rest, usable), backend, 200.0)
    every = with_one_of(trajectories.norad_id, screened(cat, backend, 200.0))
    same(
        [r for r in fast(every) if window(r)[0] <= r[2] <= window(r)[1] and not r[4] & 6],
        [r for r in fast(rows) if not r[4] & 6],
        time_s=1e-4,
    )
    assert all(window(r)[0] - 1e-6 <= r[2] <= window(r)[1] + 1e-6 for r in rows)
    # pairs that are near at an end: every one that parts after a beginning or closes in before a stop, and no other
    truth = SGP4Propagator(cat, backend, START, (-10.0, end_s + 10.0))
    ids, wanted = cat.norad_id[truth.order], set()
    for own in trajectories.norad_id.tolist():
        for t, flag in ((low[own], 2), (high[own], 4)):
            states = truth.grid([t - 0.5, t, t + 0.5])[0][:, :, : truth.n]
            apart = states - states[:, :, ids == own]
            d, speed = np.linalg.norm(apart[:, :3], axis=1), np.linalg.norm(apart[1, 3:], axis=0)
            rising = d[2] >= d[0]
            for k in np.flatnonzero((d[1] < 200.0) & (speed > 0.1) & (rising == (flag == 2))):
                pair = (min(own, int(ids[k])), max(own, int(ids[k])))
                a, b = window((*pair, 0.0, 0.0, 0))
                if a <= b and t == (a if flag == 2 else b):
                    wanted.add((*pair, round(t, 3), flag))
    edges = {(r[0], r[1], round(r[2], 3), r[4] & 6) for r in fast(rows) if r[4] & 6 and 0.0 < r[2] < end_s}
    assert edges == wanted
    assert len(wanted) > 5


@pytest.mark.slow
def test_touching_segments_change_nothing() -> None:
    """Cut where nothing happens: the same events, no edge at the cuts."""
    backend = CpuBackend()
    _, rest, t = populations(600, 150)
    rng, parts = np.random.default_rng(2), []
    for k in range(150):
        rows = slice(int(t.offset[k]), int(t.offset[k + 1]))
        times = t.time_ns[rows]
        cuts = [int(times[0]), *(T0 + np.sort(rng.integers(0, int(HOURS * 3600 * S), 2))).tolist(), int(times[-1])]
        parts.append(
            Trajectory(
                [Segment(times, t.position[rows], t.velocity[rows], a, b) for a, b in pairwise(cuts)],
                int(t.norad_id[k]),
            )
        )
    same(
        screened(ScreeningObjects(rest, t), backend, 100.0),
        screened(ScreeningObjects(rest, Trajectories.of(parts)), backend, 100.0),
    )


@pytest.mark.slow
def test_manoeuvres_against_dense_sampling() -> None:
    """Three impulses of some 50 m/s an object; every minimum that samples a second apart show, also at an impulse."""
    backend, hours, threshold = CpuBackend(), 1.0, 200.0
    cat, rng, parts = stm.synthetic_catalog(500, seed=5), np.random.default_rng(3), []
    truth = SGP4Propagator(cat, backend, START, (-700.0, hours * 3600.0 + 700.0))
    begin = truth.grid([-600.0])[0][0][:, : truth.n][:, rng.choice(truth.n, 15, replace=False)]
    for m in range(15):
        t, state, segments = -600.0, begin[:, m] + np.concatenate([rng.normal(0.0, 3.0, 3), np.zeros(3)]), []
        for stop in [*np.sort(rng.uniform(300.0, hours * 3600.0 - 300.0, 3)), hours * 3600.0 + 600.0]:
            times = np.linspace(t, stop, max(3, int((stop - t) / 60.0) + 2))
            states = np.stack([free_orbit(np, state[:, None], 0.0)[:, 0]] * len(times))
            for k in range(1, len(times)):
                states[k] = free_orbit(np, states[k - 1][:, None], times[k] - times[k - 1])[:, 0]
            segments.append(Segment(T0 + np.round(times * S).astype(np.int64), states[:, :3], states[:, 3:]))
            state, t = states[-1] + np.concatenate([np.zeros(3), rng.normal(0.0, 0.03, 3)]), float(stop)
        parts.append(Trajectory(segments))
    trajectories = Trajectories.of(parts)
    rows = [
        r
        for r in screened(ScreeningObjects(cat, trajectories), backend, threshold, hours)
        if r[1] >= 900_000_001 > r[0]
    ]
    objects = ByObject(TabulatedPropagator(trajectories, backend, START, (-10.0, hours * 3600.0 + 10.0)))
    t_s = np.arange(0.0, hours * 3600.0 + 0.5, 1.0)
    others, ids = truth.grid(t_s)[0][:, :3, : truth.n], cat.norad_id[truth.order]
    wanted = []
    for m in range(15):
        own, code = objects.at(np.full(len(t_s), m), t_s)
        assert (code == 0).all()
        d = np.linalg.norm(others - own[:3].T[:, :, None], axis=1)
        at, k = np.nonzero((d[1:-1] < d[:-2]) & (d[1:-1] <= d[2:]) & (d[1:-1] < threshold - 0.05))
        wanted += list(zip(ids[k].tolist(), [900_000_001 + m] * len(k), t_s[at + 1], strict=True))
    for a, b, t in wanted:
        assert any(r[:2] == (a, b) and abs(r[2] - t) < 1.5 for r in rows)
    impulses = (trajectories.usable_start_ns - T0) / S
    for r in rows:  # a dip between an impulse and the next sample is real, and not seen
        apart_s = np.min(np.abs(impulses - r[2]))
        if r[3] < threshold - 0.1 and not r[4] & 6 and 1.0 < r[2] < hours * 3600.0 - 1.0 and apart_s > 1.5:
            assert any(r[:2] == (a, b) and abs(r[2] - t) < 1.5 for a, b, t in wanted)
    assert len(wanted) > 50


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (-0.2, 0.2, [(0, 1.0)]),
        (-0.2, -0.1, [(10.0, 0.0)]),
        (0.1, 0.2, [(-10.0, 0.0)]),
        (0.2, -0.2, [(-5.0, 0.0), (5.0, 0.0)]),
    ],
)
def test_a_minimum_at_an_impulse(
    before: float, after: float, expected: list[tuple[float, float]], backend: Backend
) -> None:
    """Two objects 1 km apart when one changes its relative speed [km/s]: closing in before and parting after is a
    minimum at that instant, without a flag; going on in one direction is none, and no edge."""
    orbit = np.array([0.0, 7000.0, 0.0, -7.546, 0.0, 0.0])
    along, t = np.array([0.0, 1.0, 0.0]), 1803.5
    behind, ahead = np.arange(-1860.0, 1.0, 60.0), np.arange(0.0, 1861.0, 60.0)

    def flown(state: np.ndarray, times_s: np.ndarray, **usable: int) -> Segment:
        states = free_orbit_of(state, times_s)
        return Segment(T0 + np.round((t + times_s) * S).astype(np.int64), states[:3].T, states[3:].T, **usable)

    other = np.concatenate([orbit[:3] + along, orbit[3:]])
    impulse = [
        flown(other + np.concatenate([np.zeros(3), speed * along]), times)
        for speed, times in ((before, behind), (after, ahead))
    ]
    pair = Trajectories.of([Trajectory([flown(orbit, np.concatenate([behind[:-1], ahead]))]), Trajectory(impulse)])
    rows = screened(ScreeningObjects(stm.synthetic_catalog(1)[:0], pair), backend, 2.0, 1.0)
    near = [(r[2] - t, r[3]) for r in rows if abs(r[2] - t) < 60.0]
    assert len(near) == len(expected)
    for (time_s, miss), (at, distance) in zip(near, expected, strict=True):
        assert time_s == pytest.approx(at, abs=0.1)
        assert miss == pytest.approx(distance, abs=0.05)
    assert not any(r[4] & 6 for r in rows if abs(r[2] - t) < 60.0)


def free_orbit_of(state: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    """States [6, m] at times from the instant of `state`, in steps of the table's own spacing."""
    found = np.empty((6, len(times_s)))
    for k, time in enumerate(times_s):
        y = state[:, None]
        for _ in range(max(1, int(abs(time) / 60.0))):
            y = free_orbit(np, y, time / max(1, int(abs(time) / 60.0)))
        found[:, k] = y[:, 0]
    return found


@pytest.mark.parametrize(("method", "degree"), [("hermite", 7), ("lagrange", 9)])
def test_irregular_ephemerides_give_the_same_event(method: str, degree: int) -> None:
    """A pair that meets between samples a minute apart; states beside the event must not move or hide it."""
    backend, minutes = CpuBackend(), np.arange(61) * 60.0 + 18.5
    extra = ([], [1818.6], [1818.501], np.arange(1819.5, 1878.0))
    own = np.array([0.0, 7000.0, 0.0, -7.546, 0.0, 0.0])
    other = own + np.array([1.0, 2.0, 0.5, 7.546, 0.0, 7.4])
    paths = [flown_dense(state, 1843.5, 3700.0) for state in (own, other)]
    rows = []
    for times in (np.union1d(minutes, more) for more in extra):
        at = T0 + np.round(times * S).astype(np.int64)
        states = [np.round(path(times), 6) for path in paths]
        parts = [Trajectory([Segment(at, y[:3].T, y[3:].T, None, None, method, degree)]) for y in states]
        pair = Trajectories.of(parts)
        assert pair.require_accuracy().max() < 1e-3
        rows.append(fast(screened(ScreeningObjects(stm.synthetic_catalog(1)[:0], pair), backend, 5.0, 1.0)))
    assert [r[:2] for r in rows[0]] == [(900_000_001, 900_000_002)]
    assert abs(rows[0][0][2] - 1843.5) < 1.0
    for row in rows[1:]:
        same(rows[0], row, time_s=1e-4, distance_km=1e-4)


def flown_dense(state: np.ndarray, at_s: float, end_s: float) -> Callable[[np.ndarray], np.ndarray]:
    """States [6, m] of free motion through a state, at times from 0 to an end."""

    def rates(_: float, y: np.ndarray) -> np.ndarray:
        return np.concatenate([y[3:], gravity(np, y[:3])])

    options = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-9}
    begin = solve_ivp(rates, (at_s, 0.0), state, **options).y[:, -1]
    dense: Callable[[np.ndarray], np.ndarray] = solve_ivp(rates, (0.0, end_s), begin, dense_output=True, **options).sol
    return dense


def test_an_object_does_not_meet_itself() -> None:
    cat, rest, trajectories = populations(30, 10)
    with pytest.raises(stm.StmgpuError, match="both elements and a trajectory"):
        ScreeningObjects(cat, trajectories)
    assert (trajectories.matches(cat) == np.arange(10)).all()
    assert (trajectories.matches(rest) == -1).all()
