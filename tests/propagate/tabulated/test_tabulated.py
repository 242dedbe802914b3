"""Objects with trajectories, propagated. Truth: SGP4 itself, exact circles, and an integrator of SciPy."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import stmgpu as stm
from stmgpu.backend import Backend
from stmgpu.backend.reference import ReferenceBackend
from stmgpu.catalog import Catalog
from stmgpu.catalog.trajectories import Segment, Trajectories, Trajectory
from stmgpu.errors import InputError
from stmgpu.propagate.codes import CODE_ABSENT
from stmgpu.propagate.mixed import MixedPropagator
from stmgpu.propagate.sgp4 import SGP4Propagator
from stmgpu.propagate.tabulated import BEYOND_S, TabulatedPropagator
from stmgpu.propagate.tabulated.by_object import ByObject
from stmgpu.propagate.tabulated.free_orbit import free_orbit, gravity

START = (2460676.5, 0.25)
T0 = int(np.datetime64("2025-01-01T06:00", "ns").view(np.int64))
S = 1_000_000_000
SPAN = (0.0, 7200.0)


def sampled(count: int, seed: int = 1, step_s: float = 60.0, **options: Any) -> tuple[Catalog, Trajectories]:
    """Objects and their ephemerides of two hours and ten minutes before and after."""
    cat = stm.synthetic_catalog(count, seed=seed)
    eph = stm.propagate(cat, "2025-01-01T05:50", hours=2 + 1 / 3, step_s=step_s, backend="reference")
    return cat, Trajectories.from_dataset(eph, **options)


def orbit(radius_km: float = 6878.0, eccentricity: float = 0.01) -> np.ndarray:
    speed = np.sqrt(398600.8 * (1.0 + eccentricity) / radius_km)
    return np.array([radius_km, 0.0, 0.0, 0.0, 0.6 * speed, 0.8 * speed])


def flown(state: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    """Two bodies and J2, integrated to 1e-13 [6, m]."""
    found = solve_ivp(
        lambda t, y: np.concatenate([y[3:], gravity(np, y[:3])]),
        (times_s[0], times_s[-1]),
        state,
        method="DOP853",
        rtol=1e-13,
        atol=1e-10,
        t_eval=times_s,
    )
    return np.asarray(found.y)


def segment(times_s: np.ndarray, states: np.ndarray, **options: Any) -> Segment:
    usable = {f"usable_{k}_ns": T0 + round(options.pop(k) * S) for k in ("start", "stop") if k in options}
    return Segment(T0 + np.round(times_s * S).astype(np.int64), states[:3].T, states[3:].T, **usable, **options)


def test_sgp4_sampled_every_minute(backend: Backend) -> None:
    cat, trajectories = sampled(150)
    t_s = np.linspace(0.0, 7200.0, 97)
    table = TabulatedPropagator(trajectories, backend, START, SPAN)
    truth = SGP4Propagator(cat, backend, START, SPAN)
    states, code = (backend.get(a) for a in table.grid(t_s))
    exact = backend.get(truth.grid(t_s)[0])[:, :, np.argsort(truth.order)][:, :, table.order]
    assert (code[:, : table.n] == 0).all()
    assert np.abs(states[:, :3, : table.n] - exact[:, :3]).max() < 1e-5  # a centimetre
    # the velocity is the derivative of the position, which SGP4's is not
    ahead, behind = (backend.get(table.grid(t_s[1:-1] + d)[0])[:, :3] for d in (0.05, -0.05))
    assert np.nanmax(np.abs((ahead - behind) / 0.1 - states[1:-1, 3:])) < 1e-7


@pytest.mark.parametrize("method", ["lagrange", "hermite", "linear"])
def test_grid_and_at_give_the_same_bytes(method: str, backend: Backend) -> None:
    """Objects on one time axis go another way than single ones; at every time, also outside the usable one."""
    _, together = sampled(40, method=method, degree=7)
    alone = [dataclasses.replace(sampled(1, seed=k)[1], usable_start_ns=np.array([T0 + k * 17 * S])) for k in (2, 3, 4)]
    alone[1] = dataclasses.replace(
        alone[1],
        time_ns=alone[1].time_ns + np.arange(141) * 1000,
        usable_stop_ns=alone[1].usable_stop_ns,
        norad_id=alone[1].norad_id + 1000,
    )
    alone[2] = dataclasses.replace(alone[2], norad_id=alone[2].norad_id + 2000)
    alone[0] = dataclasses.replace(alone[0], norad_id=alone[0].norad_id + 3000)
    both = Trajectories.concatenate([together, *alone])
    table = TabulatedPropagator(both, backend, START, SPAN)
    assert (table.n, table.n_pad) == (43, 48)
    t_s = np.array([-1500.0, -961.0, -900.0, -600.0, 0.0, 33.3, 60.0, 3599.999, 7200.0, 7800.0, 8159.9, 8161.0])
    states, code = (backend.get(a) for a in table.grid(t_s))
    rng = np.random.default_rng(5)
    index, k = rng.integers(0, table.n_pad, 2000), rng.integers(0, len(t_s), 2000)
    found, codes = (backend.get(a) for a in table.at(index, t_s[k]))
    assert found.tobytes() == np.ascontiguousarray(states[k, :, index].T).tobytes()
    assert np.array_equal(codes, code[k, index])
    assert (code[:, 43:] == 9).all()
    assert set(np.unique(code[:, :43])) == {0, CODE_ABSENT}
    assert np.isfinite(states[:, :, :43].transpose(0, 2, 1)[code[:, :43] == 0]).all()
    assert np.isnan(states.transpose(0, 2, 1)[code != 0]).all()


def test_an_object_does_not_depend_on_the_others(backend: Backend) -> None:
    _, trajectories = sampled(60)
    t_s = np.linspace(0.0, 7200.0, 13)
    whole = TabulatedPropagator(trajectories, backend, START, SPAN)
    states = backend.get(whole.grid(t_s)[0])
    for some in (np.arange(20), np.array([59, 3, 7])):
        part = TabulatedPropagator(trajectories[some], backend, START, SPAN)
        place = np.argsort(whole.order)[some[part.order]]
        assert backend.get(part.grid(t_s)[0])[:, :, : part.n].tobytes() == states[:, :, place].tobytes()


def test_samples_are_given_back(backend: Backend) -> None:
    times = np.cumsum(np.random.default_rng(1).uniform(20.0, 90.0, 40))
    states = flown(orbit(), times)
    for method, degree in (("lagrange", 9), ("lagrange", 4), ("hermite", 7), ("linear", 1)):
        one = Trajectories.of([Trajectory([segment(times, states, method=method, degree=degree)])])
        table = TabulatedPropagator(one, backend, START, SPAN)
        found, code = (backend.get(a) for a in table.at(np.zeros(40, int), (one.time_ns - T0) * 1e-9))
        assert (code == 0).all()
        assert np.abs(found[:3] - states[:3]).max() < 4e-9  # half a tick of the instants at 8 km/s
        assert np.abs(found[3:] - states[3:]).max() < (1e-3 if method == "lagrange" else 1e-9)


def test_interpolation_of_an_integrated_orbit() -> None:
    """The table in `stmgpu.catalog.trajectories`: metres, over the whole table and a margin of 2."""
    expected = {
        (60.0, "lagrange", 5): 0.01,
        (120.0, "lagrange", 7): 0.02,
        (120.0, "lagrange", 9): 1e-3,
        (180.0, "lagrange", 9): 0.05,
        (180.0, "hermite", 7): 7e-4,
        (300.0, "lagrange", 9): 6.3,
    }
    for (step_s, method, degree), limit_m in expected.items():
        times = np.arange(0.0, 11_400.0, step_s)
        between = np.sort(np.random.default_rng(0).uniform(0.0, times[-1], 300))
        every = np.unique(np.concatenate([times, between]))
        states = flown(orbit(eccentricity=0.001), every)
        samples = segment(times, states[:, np.isin(every, times)], method=method, degree=degree)
        one = Trajectories.of([Trajectory([samples])])
        table = TabulatedPropagator(one, ReferenceBackend(), START, (0.0, 11_400.0))
        found, _ = table.at(np.zeros(300, int), between)
        error_m = 1e3 * np.linalg.norm(found[:3] - states[:3, np.isin(every, between)], axis=0).max()
        assert limit_m / 10.0 < error_m < 2.0 * limit_m


def test_usable_times_and_beyond(backend: Backend) -> None:
    """States within the usable time are interpolated; 360 s beyond it a free orbit goes on; then code 10."""
    times = np.arange(-600.0, 3601.0, 60.0)
    samples = segment(times, flown(orbit(), times), start=0.5, stop=1800.25)
    table = TabulatedPropagator(Trajectories.of([Trajectory([samples])]), backend, START, SPAN)
    assert [float(a[0]) for a in table.usable_s] == [0.5, 1800.25]
    t_s = np.array(
        [
            0.5 - BEYOND_S - 1e-6,
            0.5 - BEYOND_S,
            0.0,
            0.5,
            900.0,
            1800.25,
            1801.0,
            1800.25 + BEYOND_S,
            1800.25 + BEYOND_S + 1e-6,
        ]
    )
    states, code = (backend.get(a) for a in table.at(np.zeros(9, int), t_s))
    assert code.tolist() == [CODE_ABSENT, 0, 0, 0, 0, 0, 0, 0, CODE_ABSENT]
    exact = flown(flown(orbit(), np.array([-600.0, t_s[1]]))[:, -1], t_s[1:-1])
    assert np.linalg.norm(states[:3, 1:-1] - exact[:3], axis=0).max() < 3e-3  # the free orbit: 3 m in 6 minutes
    # no step at the ends: what lies beyond joins in position and velocity
    for edge in (0.5, 1800.25):
        pair = backend.get(table.at([0, 0], [edge - 1e-3, edge + 1e-3])[0])
        assert np.linalg.norm(pair[:3, 1] - pair[:3, 0] - 2e-3 * pair[3:, 0]) < 2e-8


def test_free_orbits_against_an_integrator() -> None:
    """What is promised of `free_orbit`: 3 m in 360 s, both ways, from 200 km up."""
    for state in (orbit(6578.0, 0.0), orbit(6578.0, 0.73), orbit(42164.0, 0.0)):
        ahead = flown(state, np.array([0.0, 360.0]))[:, -1]
        assert np.linalg.norm(free_orbit(np, state[:, None], np.array([360.0]))[:3, 0] - ahead[:3]) < 3e-3
        assert np.linalg.norm(free_orbit(np, ahead[:, None], -360.0)[:3, 0] - state[:3]) < 3e-3


def manoeuvring() -> tuple[Trajectories, np.ndarray]:
    """Two segments that touch at 1,000 s, where the velocity jumps by 100 m/s, and a third after a gap."""
    first, second, third = (np.arange(a, b + 1.0, 50.0) for a, b in ((0.0, 1000.0), (1000.0, 2000.0), (2500.0, 3000.0)))
    one = flown(orbit(), first)
    kicked = one[:, -1] + np.array([0.0, 0.0, 0.0, 0.1, 0.0, 0.0])
    two, three = flown(kicked, second), flown(kicked, np.concatenate([[1000.0], third]))[:, 1:]
    parts = [segment(t, s) for t, s in ((first, one), (second, two), (third, three))]
    return Trajectories.of([Trajectory([segment(first, flown(orbit(7500.0), first))]), Trajectory(parts)]), kicked


def test_segments_are_columns_of_their_own(backend: Backend) -> None:
    trajectories, kicked = manoeuvring()
    table = TabulatedPropagator(trajectories, backend, START, (0.0, 3000.0))
    assert table.order.tolist() == [0, 1, 1, 1]
    assert table.segment.tolist() == [0, 1, 2, 3]
    assert table.meets_next.tolist() == [-1, 2, -1, -1]
    found = backend.get(table.at([1, 2], [1000.0, 1000.0])[0])
    assert np.abs(found[:3, 0] - found[:3, 1]).max() < 1e-9
    assert np.abs(found[:, 1] - kicked).max() < 1e-6
    assert found[3, 1] - found[3, 0] == pytest.approx(0.1, abs=1e-6)
    # only those that have states in the span
    early = TabulatedPropagator(trajectories, backend, START, (0.0, 600.0))
    assert early.order.tolist() == [0, 1]
    assert TabulatedPropagator(trajectories, backend, START, (5000.0, 6000.0)).n == 0


def test_by_object(backend: Backend) -> None:
    trajectories, _ = manoeuvring()
    table = TabulatedPropagator(trajectories, backend, START, (0.0, 3000.0))
    objects = ByObject(table)
    assert objects.order.tolist() == [0, 1]
    t_s = np.array([0.0, 999.0, 1000.0, 2000.0, 2000.1, 2499.9, 2500.0, 3000.0, 3000.1])
    states, code = (backend.get(a) for a in objects.at(np.ones(9, int), t_s))
    assert code.tolist() == [0, 0, 0, 0, 10, 10, 0, 0, 10]
    expected = backend.get(table.at([1, 1, 2, 2, 3, 3], [0.0, 999.0, 1000.0, 2000.0, 2500.0, 3000.0])[0])
    assert states[:, code == 0].tobytes() == expected.tobytes()
    grid, codes = (backend.get(a) for a in objects.grid(t_s))
    assert np.array_equal(codes[:, :2].T[1], code)
    assert grid[:, :, 1].T.tobytes() == states.tobytes()
    assert (codes[:, 2:] == 9).all()


@pytest.mark.parametrize("counts", [(30, 25), (16, 16), (1, 1), (0, 5), (5, 0)])
def test_mixed_gives_the_bytes_of_its_parts(counts: tuple[int, int], backend: Backend) -> None:
    cat, trajectories = sampled(60)
    a, b = counts
    elements = SGP4Propagator(cat[:a], backend, START, SPAN) if a else None
    table = TabulatedPropagator(trajectories[60 - b :], backend, START, SPAN)
    both = MixedPropagator(elements, table, backend)
    assert (both.n, both.n_pad) == (a + b, -(-(a + b) // 16) * 16)
    assert sorted(both.order.tolist()) == list(range(a + b))
    for t_s in (np.linspace(0.0, 7200.0, 9), np.array([60.0]), np.linspace(0.0, 100.0, 20)):
        states, code = (backend.get(x) for x in both.grid(t_s))
        if elements is not None:
            plain, codes = (backend.get(x) for x in elements.grid(t_s))
            assert states[:, :, :a].tobytes() == np.ascontiguousarray(plain[:, :, :a]).tobytes()
            assert np.array_equal(code[:, :a], codes[:, :a])
        own, codes = (backend.get(x) for x in table.grid(t_s))
        assert states[:, :, a : a + b].tobytes() == np.ascontiguousarray(own[:, :, :b]).tobytes()
        assert (code[:, a + b :] == 9).all()
        rng = np.random.default_rng(1)
        index, k = rng.integers(0, both.n_pad, 500), rng.integers(0, len(t_s), 500)
        found, codes = (backend.get(x) for x in both.at(index, t_s[k]))
        assert found.tobytes() == np.ascontiguousarray(states[k, :, index].T).tobytes()
        assert np.array_equal(codes, code[k, index])
    begin, end = (backend.get(x) for x in both.usable_s)
    assert (begin[:a] == -np.inf).all()
    assert (end[:a] == np.inf).all()
    assert (begin[a : a + b] == -600.0).all()
    assert (begin[a + b :] > end[a + b :]).all()


@pytest.mark.parametrize(("method", "degree"), [("lagrange", 9), ("hermite", 7), ("linear", 1)])
def test_mixed_steps_give_the_same_bytes_and_the_stated_error(method: str, degree: int, backend: Backend) -> None:
    """A second apart around an instant and minutes elsewhere, alone and among even tables, one and many on an axis."""
    times = np.concatenate(
        [np.arange(0.0, 3000.0, 60.0), np.arange(3000.0, 3120.0, 1.0), np.arange(3120.0, 8000.0, 90.0)]
    )
    exact = flown(orbit(), times)
    mixed = segment(times, np.round(exact, 6), method=method, degree=degree)
    even = segment(times[:40], exact[:, :40], method=method, degree=degree)
    few = TabulatedPropagator(Trajectories.of([Trajectory([even]), Trajectory([mixed])]), backend, START, SPAN)
    many = TabulatedPropagator(Trajectories.of([Trajectory([mixed])] * 17), backend, START, SPAN)
    t_s = np.linspace(0.0, 7200.0, 401)
    states, _ = (backend.get(a) for a in many.grid(t_s))
    alone, _ = (backend.get(a) for a in few.at(np.full(401, int(np.flatnonzero(few.order == 1)[0])), t_s))
    assert np.ascontiguousarray(states[:, :, 3].T).tobytes() == alone.tobytes()
    error = np.linalg.norm(alone[:3] - flown(orbit(), t_s)[:3], axis=0).max()
    bound = float(Trajectories.of([Trajectory([mixed])]).interpolation_error_km()[0])
    assert error < bound < {"lagrange": 1e-3, "hermite": 1e-3, "linear": 20.0}[method]
    assert float(backend.get(many.pads_km(30.0, 120.0))[0]) >= bound


def test_pads(backend: Backend) -> None:
    """Free motion needs none, a burn inside a segment as much as it departs: half of a t^2 and more."""
    times = np.arange(0.0, 3601.0, 60.0)
    free = flown(orbit(), times)
    burning = free.copy()
    late = np.maximum(times - 1200.0, 0.0)
    burning[0] += 0.5 * 1e-5 * late**2  # 10 mm/s^2 from 1,200 s on
    burning[3] += 1e-5 * late
    parts = [Trajectory([segment(times, s)]) for s in (free, burning)]
    parts.append(
        Trajectory([segment(np.arange(0.0, 601.0, 1.0), flown(orbit(), np.arange(0.0, 601.0, 1.0)), method="linear")])
    )
    table = TabulatedPropagator(Trajectories.of(parts), backend, START, (0.0, 3600.0))
    pads = backend.get(table.pads_km(30.0, 120.0))
    assert pads.shape == (16,)
    assert pads[int(np.flatnonzero(table.order == 0)[0])] < 1e-4
    assert 1e-5 * 30.0**2 / 2.0 < pads[int(np.flatnonzero(table.order == 1)[0])] < 1.0
    assert 1e-3 < pads[int(np.flatnonzero(table.order == 2)[0])] < 1e-2  # g / 8 of a second: 1 m
    assert (pads[3:] == 0.0).all()
    both = MixedPropagator(None, table, backend)
    assert np.array_equal(backend.get(both.pads_km(30.0, 120.0)), pads)
    assert ByObject(table).pads_km(30.0, 120.0)[:3].tolist() == pads[np.argsort(table.order)].tolist()


def test_what_is_refused() -> None:
    backend = ReferenceBackend()
    _, trajectories = sampled(3)
    with pytest.raises(InputError, match="must be finite and must not end before"):
        TabulatedPropagator(trajectories, backend, START, (10.0, 0.0))
    table = TabulatedPropagator(trajectories, backend, START, SPAN)
    for thing in (table, MixedPropagator(None, table, backend)):
        with pytest.raises(InputError, match="one time for each index"):
            thing.at([0, 1], [0.0])
        with pytest.raises(InputError, match=r"must lie in \[0, 16\)"):
            thing.at([16], [0.0])
        with pytest.raises(InputError, match="out has shapes"):
            thing.grid([0.0], (np.empty((2, 6, 16)), np.empty((1, 16), np.int8)))
    assert table.at([], [])[0].shape == (6, 0)
    assert table.at([0], [np.nan])[1].tolist() == [CODE_ABSENT]
