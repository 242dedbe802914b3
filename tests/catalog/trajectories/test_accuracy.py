"""Bounds of the interpolation error. Truth: circles, integrated orbits, and SGP4 itself between the samples.

STMGPU_ATTACKS=1 is the nightly form: 20,000 random ephemerides.
"""

from __future__ import annotations

import dataclasses
import logging
import os
from functools import cache

import numpy as np
import pytest
from support.ephemeris_draws import Orbits, draw
from support.trajectories import T0, S, circle

import stmgpu as stm
from stmgpu.backend import get_backend
from stmgpu.catalog.trajectories import Segment, Trajectories, Trajectory
from stmgpu.errors import InputError
from stmgpu.propagate.tabulated import TabulatedPropagator

DRAWS = 20_000 if os.environ.get("STMGPU_ATTACKS") else 2500


def bound_km(segment: Segment) -> float:
    return float(Trajectories.of([Trajectory([segment], name="SAT")]).interpolation_error_km()[0])


@pytest.mark.parametrize(
    ("step_s", "method", "degree"),
    [(60.0, "lagrange", 5), (120.0, "lagrange", 7), (120.0, "lagrange", 9), (180.0, "hermite", 5), (5.0, "linear", 1)],
)
def test_the_bound_covers_the_error_and_is_not_much_wider(step_s: float, method: str, degree: int) -> None:
    """On a circle, whose every state is known."""
    samples = circle(60, step_s, method=method, degree=degree)
    t = np.linspace(0.0, 59 * step_s, 2000)
    table = TabulatedPropagator(
        Trajectories.of([Trajectory([samples])]), get_backend("reference"), (2460676.5, 0.0), (0.0, float(t[-1]))
    )
    exact = np.asarray(circle(2000, t[1]).position)
    error = np.linalg.norm(table.at(np.zeros(len(t), int), t)[0][:3].T - exact, axis=1).max()
    assert error < bound_km(samples) < 100.0 * error


def check_draws(first: int, count: int) -> None:
    """True errors stay below the bounds of random ephemerides, and few without fault are refused needlessly."""
    logging.disable(logging.WARNING)  # of states that are left out
    try:
        needless = good = 0
        for seed in range(first, first + count):
            if seed == first or seed % 1000 == 0:
                orbits = Orbits(16, seed // 1000)
            one = draw(orbits, seed)
            if one is None:
                continue
            bound, error = float(one.trajectories.interpolation_error_km()[0]), one.error_km()
            assert error <= bound, f"error {error:.4g} km, bound {bound:.4g} km; {one.text}"
            if one.fault == "none" and error < 0.1:
                good, needless = good + 1, needless + (bound > 1.0)
    finally:
        logging.disable(logging.NOTSET)
    assert needless <= 0.02 * good + 2


def test_no_random_ephemeris_errs_more_than_its_bound() -> None:
    check_draws(0, 150)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 1000 + DRAWS, 2500))
def test_no_random_ephemeris_of_thousands_errs_more_than_its_bound(first: int) -> None:
    check_draws(first, 2500)


@pytest.mark.parametrize("digits", [3, 6, 12])
def test_bounds_cover_what_sgp4_does_between_samples(digits: int) -> None:
    """Its velocities are not the derivatives of its positions, which must neither be missed nor lead to a refusal."""
    cat = stm.synthetic_catalog(60, seed=8)
    eph = stm.propagate(cat, "2025-01-01", hours=3, step_s=30, backend="reference")
    samples = eph.isel(time=slice(None, None, 4))
    samples["position"] = samples.position.round(digits)
    t = Trajectories.from_dataset(samples)
    bounds = t.require_accuracy()
    table = TabulatedPropagator(t, get_backend("reference"), (2460676.5, 0.0), (0.0, 10_800.0))
    times = np.arange(0.0, 10_681.0, 30.0)
    states, _ = table.grid(times)
    objects = eph.object.values.tolist()
    for column, k in enumerate(table.order):
        exact = eph.position.values[objects.index(int(t.norad_id[k])), : len(times)]
        assert np.linalg.norm(states[:, :3, column] - exact, axis=1).max() <= bounds[k]


@cache
def orbits() -> Orbits:
    return Orbits(1, 3)


def orbit(time_s: object) -> tuple[np.ndarray, np.ndarray]:
    states = orbits().states(0, time_s)
    return states[:3].T, states[3:].T


@pytest.mark.parametrize("gap_s", [0.1, 0.001])
@pytest.mark.parametrize(("method", "degree"), [("hermite", 7), ("lagrange", 9)])
def test_a_second_state_nearly_at_one_time_changes_nothing(
    gap_s: float, method: str, degree: int, caplog: pytest.LogCaptureFixture
) -> None:
    """As event finders write them: rounding over a tenth of a second must not tilt the path over a minute."""
    time_s = np.sort(np.append(np.arange(61) * 60.0, 1800.0 + gap_s))
    position, velocity = (np.round(part, 6) for part in orbit(time_s))
    t = Trajectories.of(
        [Trajectory([Segment(T0 + np.round(time_s * S).astype(int), position, velocity, None, None, method, degree)])]
    )
    assert len(t.time_ns) == 61
    assert "1 of 62 states left out" in caplog.text
    assert t.require_accuracy()[0] < 1e-3
    at = np.linspace(1500.0, 2100.0, 301)
    table = TabulatedPropagator(t, get_backend("reference"), (2460676.5, 0.0), (0.0, 3600.0))
    assert np.linalg.norm(table.at(np.zeros(301, int), at)[0][:3].T - orbit(at)[0], axis=1).max() < 1e-4


@pytest.mark.parametrize(("method", "degree"), [("hermite", 7), ("lagrange", 9), ("linear", 1)])
@pytest.mark.parametrize("place", [0, 1, 700, 1398, 1399, 1400])
def test_one_wrong_record_is_named(method: str, degree: int, place: int) -> None:
    """Nine kilometres in one coordinate of one of 1,401 states, in the middle or at an end."""
    time_s = np.arange(1401) * 10.0
    position, velocity = (np.round(part, 3 + k) for k, part in enumerate(orbit(time_s)))
    position[place, 0] += 9.0
    wrong = Trajectories.of(
        [
            Trajectory(
                [Segment(T0 + (time_s * S).astype(int), position, velocity, None, None, method, degree)], name="SAT"
            )
        ]
    )
    with pytest.raises(InputError, match=r"the state at .* does not fit its neighbours: get it corrected"):
        wrong.require_accuracy()
    at = round((int(wrong.accuracy.time_ns[0]) - T0) / S / 10)
    assert at == place if 1 < place < 1399 else abs(at - place) <= 1


def test_coarse_samples_are_refused() -> None:
    t = Trajectories.of([Trajectory([circle(30, 60.0)]), Trajectory([circle(30, 900.0)], name="COARSE")])
    assert t[:1].require_accuracy().max() < 1e-5
    with pytest.raises(
        InputError, match=r"1 of 2 trajectories .*'COARSE'.* too far apart .*: give them closer together"
    ):
        t.require_accuracy()
    # a manoeuvre inside a segment is seen, too
    kicked = circle(60)
    position = np.array(kicked.position)
    position[30:, 2] += 50.0 * np.arange(30)
    with pytest.raises(InputError, match=r"does not fit its neighbours.*a manoeuvre needs a segment of its own"):
        Trajectories.of([Trajectory([dataclasses.replace(kicked, position=position)])]).require_accuracy()
    # and outside the usable time nothing counts
    usable = dataclasses.replace(kicked, position=position, usable_stop_ns=T0 + 15 * 60 * S)
    Trajectories.of([Trajectory([usable])]).require_accuracy()


@pytest.mark.parametrize(
    ("step_s", "count", "digits", "degree", "cure"),
    [
        (0.2, 3000, 1, 9, r"rounded too coarsely: give more digits"),
        (60.0, 61, 1, 15, r"rounded too coarsely: give more digits"),
        (900.0, 15, 9, 9, r"too far apart after .*: give them closer together"),
        (60.0, 3, 9, 9, None),
        (60.0, 2, 9, 9, None),
    ],
)
def test_the_cure_fits(step_s: float, count: int, digits: int, degree: int, cure: str | None) -> None:
    time_s = np.arange(count) * step_s
    position, velocity = (np.round(part, digits) for part in orbit(time_s))
    at = T0 + np.round(time_s * S).astype(int)
    t = Trajectories.of([Trajectory([Segment(at, position, velocity, None, None, "lagrange", degree)])])
    if cure is None:
        assert t.require_accuracy().max() < 0.1
        return
    with pytest.raises(InputError, match=cure):
        t.require_accuracy()


def test_bounds_of_an_object_do_not_depend_on_others() -> None:
    cat = stm.synthetic_catalog(12, seed=8)
    eph = stm.propagate(cat, "2025-01-01", hours=2, step_s=120, backend="reference")
    eph.position[4] = eph.position[4].round(3)
    t = Trajectories.from_dataset(eph)
    whole = t.accuracy
    assert 1 < (whole.error_km < 1e-3).sum() < 12
    for k in range(len(t)):
        alone = Trajectories.from_arrays(t[[k]].to_arrays()).accuracy
        assert alone.error_km.tolist() == whole.error_km[[k]].tolist()
        assert alone.time_ns.tolist() == whole.time_ns[[k]].tolist()
    assert t[[3, 5]].accuracy.error_km.tolist() == whole.error_km[[3, 5]].tolist()
