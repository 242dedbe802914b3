"""Constellations: build-up, replenishment, and the spacing of satellites under J2."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stmgpu.debris.evolution.constellations import FIRST_CONSTELLATION
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
    np.testing.assert_allclose(built.a_km, 6978.137)
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
    spec = shell(planes=3, per_plane=4, spares=0)
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
    place = arrived.mean_rad - (n + 1.5 * k * (4.0 * np.cos(inclination) ** 2 - 1.0)) * back
    for plane in np.unique(planes):
        inside = np.sort(np.mod(place[planes == plane] + 1e-3, 2 * np.pi))
        np.testing.assert_allclose(np.diff(inside), np.pi / 2, atol=1e-4)
