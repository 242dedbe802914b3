"""Constellations: build-up, replenishment, and the spacing of satellites under J2."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from stmgpu.debris.evolution.constellations import FIRST_CONSTELLATION, frozen_eccentricity
from stmgpu.debris.evolution.launches import Launches
from stmgpu.debris.population import Kind, Population
from stmgpu.debris.population.synthetic import synthetic_population
from stmgpu.debris.specs import ConstellationSpec, DisposalSpec, LaunchSpec

DISPOSAL = DisposalSpec()


@pytest.fixture(scope="module")
def population() -> Population:
    return synthetic_population(seed=3)


def shell(**options: Any) -> ConstellationSpec:
    base = {
        "name": "shell",
        "altitude_km": 600.0,
        "inclination_deg": 53.0,
        "planes": 6,
        "per_plane": 10,
        "spares": 1,
        "mass_kg": 300.0,
        "radius_m": 1.5,
        "life_years": 5.0,
        "from_year": 2024.0,
        "build_years": 3.0,
    }
    return ConstellationSpec(**{**base, **options})


def test_constellation_is_built_and_replenished(population: Population) -> None:
    spec = shell(until_year=2038.0)
    launches = Launches(LaunchSpec(constellations=(spec,)), population, disposal=DISPOSAL, seed=7, run_number=0)
    count = 6 * 11
    assert launches.arrivals(2023.0, 2024.0) is None
    built, _ = launches.arrivals(2024.0, 2027.0)
    assert len(built) == count
    np.testing.assert_allclose(np.sort(built.launch_year), 2024.0 + 3.0 * (np.arange(count) + 0.5) / count)
    assert (built.constellation == FIRST_CONSTELLATION).all()
    assert (built.kind == Kind.ACTIVE).all()
    assert built.controlled.all()
    light = LaunchSpec(constellations=(shell(mass_kg=9.9), shell(mass_kg=10.0)))
    cubes, _ = Launches(light, population, disposal=DISPOSAL, seed=7, run_number=0).arrivals(2024.0, 2027.0)
    np.testing.assert_array_equal(cubes.controlled == 1, cubes.mass_kg >= 10.0)  # lighter ones carry no engine
    np.testing.assert_allclose(built.mission_end_year, built.launch_year + 5.0)
    # planes lie 2 km apart, about the altitude that is stated
    np.testing.assert_allclose(np.unique(built.a_km), 6978.137 + 2.0 * (np.arange(6) - 2.5))
    np.testing.assert_allclose(built.area_to_mass, np.pi * 1.5**2 / 300.0)
    assert launches.arrivals(2027.0, 2029.0) is None
    # at any time as many are in their mission as there are places, each in its own
    everything, _ = launches.arrivals(2023.0, 2060.0)
    for year in (2027.5, 2030.1, 2036.9):
        living = (everything.launch_year <= year) & (everything.mission_end_year > year)
        assert living.sum() == count
    assert everything.launch_year.max() < 2038.0


def test_satellites_of_a_plane_keep_their_spacing(population: Population) -> None:
    """Whenever a place is filled: nodes and places at one time, by the drift due to J2, are a Walker's.

    Drift of a circular orbit's node: -9.964 (R/a)^3.5 cos i deg/day (Wertz 1999, Space Mission Analysis and Design).
    """
    spec = shell(planes=3, per_plane=4, spares=0, spread_km=0.0)
    arrived, _ = Launches(
        LaunchSpec(constellations=(spec,)), population, disposal=DISPOSAL, seed=7, run_number=0
    ).arrivals(2023.0, 2027.0)
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
    place = arrived.argp_rad + arrived.mean_rad - (n + 1.5 * k * (4.0 * np.cos(inclination) ** 2 - 1.0)) * back
    for plane in np.unique(planes):
        inside = np.sort(np.mod(place[planes == plane] + 1e-3, 2 * np.pi))
        np.testing.assert_allclose(np.diff(inside), np.pi / 2, atol=1e-4)


@pytest.mark.parametrize("spread", [0.0, 3.0])
def test_a_plane_keeps_its_altitude_and_its_drift_when_it_is_replenished(population: Population, spread: float) -> None:
    spec = shell(planes=4, per_plane=3, spares=0, spread_km=spread, build_years=0.0, life_years=2.5)
    launches = Launches(LaunchSpec(constellations=(spec,)), population, disposal=DISPOSAL, seed=7, run_number=0)
    first, _ = launches.arrivals(2023.0, 2025.0)
    later, _ = launches.arrivals(2026.0, 2028.0)
    assert len(first) == len(later) == 12
    np.testing.assert_array_equal(first.a_km, later.a_km)
    assert np.ptp(first.a_km) == pytest.approx(3.0 * spread)
    # both have the node and the argument of latitude that two orbits of this axis reach under J2 (Kozai 1959)
    n = np.sqrt(398600.4418 / first.a_km**3)
    k = 0.75 * 1.08262668e-3 * n * (6378.137 / first.a_km) ** 2
    cosine, since = np.cos(np.radians(53.0)), 2.5 * 365.25 * 86_400.0
    for column, rate in (
        ("raan_rad", -2.0 * k * cosine),
        ("mean_rad", n + k * (5.0 * cosine**2 - 1.0) + k * (3.0 * cosine**2 - 1.0)),
    ):
        reached = np.mod(getattr(first, column) + rate * since, 2.0 * np.pi)
        np.testing.assert_allclose(np.exp(1j * reached), np.exp(1j * getattr(later, column)), atol=1e-6)


def test_the_frozen_eccentricity_is_near_that_of_a_flown_orbit() -> None:
    """ERS-1 (a = 7,153 km, i = 98.5 deg) flew 0.00117; J3, without the higher harmonics, gives 0.00103."""
    assert frozen_eccentricity(7153.0, np.radians(98.5)) == pytest.approx(1.03e-3, rel=0.01)
    assert frozen_eccentricity(7153.0, 0.0) == 0.0
    assert frozen_eccentricity(7153.0, np.radians(81.5)) == pytest.approx(frozen_eccentricity(7153.0, np.radians(98.5)))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"altitude_km": 1990.0, "planes": 20}, "1971 to 2009 km, outside the shells of 200 to 2000 km"),
        ({"altitude_km": 210.0, "planes": 40}, r"171 to 249 km, .* spread_km of at most 0\.513"),
        ({"planes": 10_000}, "outside the shells"),
    ],
)
def test_planes_outside_the_shells_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        shell(**options)
    shell(**options, spread_km=0.0)
    shell(altitude_km=19_000.0, planes=100)  # above all shells, as it says
