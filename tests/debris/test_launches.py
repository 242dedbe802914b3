"""Launches: what comes, when, and that how time is cut does not matter."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from stmgpu.debris.launches import FIRST_CONSTELLATION, Launches
from stmgpu.debris.population import Kind, Population, columns
from stmgpu.debris.scenario import ConstellationSpec, DisposalSpec, LaunchSpec
from stmgpu.debris.synthetic_population import synthetic_population
from stmgpu.errors import InputError

DISPOSAL = DisposalSpec()
WINDOW = (2015.0, 2023.0)


@pytest.fixture(scope="module")
def population() -> Population:
    return synthetic_population(seed=3)


def repeat(population, run=0, seed=7, **options):
    return Launches(LaunchSpec(model="repeat", window=WINDOW, **options), population, DISPOSAL, seed, run)


def shell(**options):
    base = {"name": "shell", "altitude_km": 600.0, "inclination_deg": 53.0, "planes": 6, "per_plane": 10, "spares": 1,
            "mass_kg": 300.0, "radius_m": 1.5, "life_years": 5.0, "from_year": 2024.0, "build_years": 3.0}
    return ConstellationSpec(**{**base, **options})


def equal(one, other):
    assert (one is None) == (other is None)
    if one is not None:
        np.testing.assert_array_equal(one[1], other[1])
        for name in set(columns()):
            np.testing.assert_array_equal(getattr(one[0], name), getattr(other[0], name))


def test_no_model_no_arrival(population):
    assert Launches(LaunchSpec(), population, DISPOSAL, 7, 0).arrivals(2023.0, 2123.0) is None


def test_each_object_of_the_window_comes_once_a_cycle_at_its_phase(population):
    launched = population[(population.kind <= Kind.MISSION_RELATED) & (population.launch_year >= 2015)
                          & (population.launch_year < 2023) & (population.constellation < 0)]
    launches = repeat(population)
    for cycle in (1, 2, 5):
        arrived, serial = launches.arrivals(2015.0 + 8 * cycle, 2023.0 + 8 * cycle)
        assert len(arrived) == len(launched) == len(np.unique(serial))
        order = np.lexsort((launched.a_km, launched.launch_year))
        again = np.lexsort((arrived.a_km, np.round(arrived.launch_year - 8 * cycle, 9)))
        np.testing.assert_allclose(arrived.launch_year[again] - 8 * cycle, launched.launch_year[order], atol=1e-9)
        assert (np.diff(arrived.launch_year) >= 0.0).all()
        for name in ("a_km", "ecc", "inc_rad", "mass_kg", "radius_m", "area_to_mass", "length_m"):
            np.testing.assert_allclose(np.sort(getattr(arrived, name)), np.sort(getattr(launched, name)))


def test_what_arrives_is_new(population):
    arrived, _ = repeat(population).arrivals(2023.0, 2031.0)
    payload = arrived.kind == Kind.ACTIVE
    assert not (arrived.kind == Kind.DERELICT).any()
    np.testing.assert_allclose((arrived.mission_end_year - arrived.launch_year)[payload], DISPOSAL.mission_years)
    assert np.isinf(arrived.mission_end_year[~payload]).all()
    np.testing.assert_array_equal(arrived.controlled == 1, payload & (arrived.mass_kg >= 10.0))
    for name in ("raan_rad", "argp_rad", "mean_rad"):
        angle = getattr(arrived, name)
        assert abs(np.exp(1j * angle).mean()) < 4.0 / np.sqrt(len(angle))  # uniform on the circle
        old = getattr(population, name)
        assert not np.isin(angle, old).any()
    assert not arrived.norad_id.any()


@pytest.mark.parametrize("growth", [0.0, 0.05, -0.03])
def test_how_time_is_cut_does_not_matter(population, growth):
    options = {"growth": growth, "constellations": (shell(),)}
    whole = repeat(population, **options).arrivals(2023.0, 2040.0)
    steps = 2023.0 + np.arange(0, int(17 * 365.25 / 5) + 2) * 5 / 365.25
    steps[-1] = 2040.0
    stepper = repeat(population, **options)
    parts = [part for a, b in itertools.pairwise(steps) if (part := stepper.arrivals(a, b)) is not None]
    joined = (Population.concatenate([p for p, _ in parts]), np.concatenate([s for _, s in parts]))
    equal(joined, whole)
    # in whatever order it is asked
    back = repeat(population, **options)
    equal(back.arrivals(2036.3, 2036.4), stepper.arrivals(2036.3, 2036.4))
    equal(back.arrivals(2024.1, 2024.2), stepper.arrivals(2024.1, 2024.2))
    first, second = back.arrivals(2023.0, 2031.7), back.arrivals(2031.7, 2040.0)
    np.testing.assert_array_equal(np.concatenate([first[1], second[1]]), whole[1])


def test_serials_are_unique_and_fit(population):
    launches = repeat(population, growth=0.03, constellations=(shell(), shell(name="other")))
    _, serial = launches.arrivals(2023.0, 2123.0)
    assert serial.dtype == np.int64
    assert len(np.unique(serial)) == len(serial)
    assert serial.min() >= 0
    assert serial.max() < 1 << 61


def test_scenarios_share_the_arrivals_they_have_in_common(population):
    base, base_serial = repeat(population).arrivals(2023.0, 2040.0)
    grown, grown_serial = repeat(population, growth=0.04, repeat_constellations=True).arrivals(2023.0, 2040.0)
    _, here, there = np.intersect1d(base_serial, grown_serial, return_indices=True)
    assert len(here) == len(base)
    for name in ("raan_rad", "argp_rad", "mean_rad", "a_km", "launch_year"):
        np.testing.assert_array_equal(getattr(base, name)[here], getattr(grown, name)[there])


def test_runs_and_seeds_differ(population):
    base, serial = repeat(population).arrivals(2023.0, 2024.0)
    for other in (repeat(population, run=1), repeat(population, seed=8)):
        arrived, others = other.arrivals(2023.0, 2024.0)
        np.testing.assert_array_equal(serial, others)
        np.testing.assert_array_equal(base.launch_year, arrived.launch_year)
        assert (base.raan_rad != arrived.raan_rad).all()


@pytest.mark.parametrize("growth", [0.05, -0.05])
def test_growth(population, growth):
    """Launches t years after the epoch: (1 + g)^t times as many, over cycles of eight years."""
    without, with_growth = repeat(population), repeat(population, growth=growth)
    for begin in (2023.0, 2039.0, 2055.0):
        plain, _ = without.arrivals(begin, begin + 8)
        grown, _ = with_growth.arrivals(begin, begin + 8)
        expected = ((1.0 + growth) ** (plain.launch_year - 2023.0)).sum()
        assert len(grown) == pytest.approx(expected, abs=4.0 * np.sqrt(len(plain)) + 1.0)
        assert len(grown) != len(plain)


def test_until_year_and_constellations_of_the_past(population):
    arrived, _ = repeat(population, until_year=2027.0).arrivals(2023.0, 2060.0)
    assert arrived.launch_year.max() < 2027.0
    assert (arrived.constellation < 0).all()
    arrived, _ = repeat(population, repeat_constellations=True).arrivals(2023.0, 2031.0)
    members = arrived.constellation >= 0
    assert members.sum() == (population.constellation >= 0).sum()
    np.testing.assert_allclose((arrived.mission_end_year - arrived.launch_year)[members], 5.0)


def test_epoch_within_a_cycle(population):
    """A window that ended before the epoch: the cycle runs on, and begins nothing before the epoch."""
    launches = Launches(LaunchSpec(model="repeat", window=(2012.0, 2020.0)), population, DISPOSAL, 7, 0)
    assert launches.arrivals(2020.0, 2023.0) is None
    arrived, _ = launches.arrivals(2020.0, 2028.0)
    old = population[(population.kind <= Kind.MISSION_RELATED) & (population.constellation < 0)]
    assert len(arrived) == ((old.launch_year >= 2015.0) & (old.launch_year < 2020.0)).sum()


def test_constellation_is_built_and_replenished(population):
    spec = shell(until_year=2038.0)
    launches = Launches(LaunchSpec(constellations=(spec,)), population, DISPOSAL, 7, 0)
    count = 6 * 11
    assert launches.arrivals(2023.0, 2024.0) is None
    built, _ = launches.arrivals(2024.0, 2027.0)
    assert len(built) == count
    np.testing.assert_allclose(np.sort(built.launch_year), 2024.0 + 3.0 * (np.arange(count) + 0.5) / count)
    assert (built.constellation == FIRST_CONSTELLATION).all()
    assert (built.kind == Kind.ACTIVE).all()
    assert built.controlled.all()
    np.testing.assert_allclose(built.mission_end_year, built.launch_year + 5.0)
    np.testing.assert_allclose(built.a_km, 6978.137)
    np.testing.assert_allclose(built.area_to_mass, np.pi * 1.5**2 / 300.0)
    assert launches.arrivals(2027.0, 2029.0) is None
    # at any time as many are in their mission as there are places, each in its own
    everything, _ = launches.arrivals(2023.0, 2060.0)
    for year in (2027.5, 2030.1, 2036.9):
        living = (everything.launch_year <= year) & (everything.mission_end_year > year)
        assert living.sum() == count
    assert everything.launch_year.max() < 2038.0


def test_satellites_of_a_plane_keep_their_spacing(population):
    """Whenever a place is filled: nodes and places at one time, by the drift due to J2, are a Walker's.

    Drift of a circular orbit's node: -9.964 (R/a)^3.5 cos i deg/day (Wertz 1999, Space Mission Analysis and Design).
    """
    spec = shell(planes=3, per_plane=4, spares=0)
    arrived, _ = Launches(LaunchSpec(constellations=(spec,)), population, DISPOSAL, 7, 0).arrivals(2023.0, 2027.0)
    a, inclination = 6978.137, np.radians(53.0)
    n = np.sqrt(398600.4418 / a**3)
    k = 1.08262668e-3 * n * (6378.137 / a) ** 2
    drift = -9.964 * (6378.137 / a) ** 3.5 * np.cos(inclination)
    assert np.degrees(-1.5 * k * np.cos(inclination)) * 86_400.0 == pytest.approx(drift, rel=1e-3)
    back = (arrived.launch_year - 2024.0) * 365.25 * 86_400.0
    node = arrived.raan_rad + 1.5 * k * np.cos(inclination) * back
    planes = np.round(np.degrees(np.mod(node + 1e-6, 2 * np.pi)), 3)
    assert len(np.unique(planes)) == 3
    np.testing.assert_allclose(np.diff(np.unique(planes)), 120.0, atol=0.002)
    place = arrived.mean_rad - (n + 1.5 * k * (4.0 * np.cos(inclination) ** 2 - 1.0)) * back
    for plane in np.unique(planes):
        inside = np.sort(np.mod(place[planes == plane] + 1e-3, 2 * np.pi))
        np.testing.assert_allclose(np.diff(inside), np.pi / 2, atol=1e-4)


def test_mistakes(population):
    with pytest.raises(InputError, match="ends after the epoch"):
        Launches(LaunchSpec(model="repeat", window=(2020.0, 2024.0)), population, DISPOSAL, 7, 0)
    with pytest.raises(InputError, match="nothing in the population"):
        Launches(LaunchSpec(model="repeat", window=(1957.0, 1957.2)), population, DISPOSAL, 7, 0)
    with pytest.raises(InputError, match=r"growth of 0\.5"):
        repeat(population, growth=0.5).arrivals(2073.0, 2074.0)
    with pytest.raises(InputError, match="too short"):
        Launches(LaunchSpec(constellations=(shell(life_years=1e-7),)), population, DISPOSAL, 7, 0).arrivals(2030, 2031)
