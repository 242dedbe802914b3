"""Flux on an orbit, against mean-field rates of an object on it."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import stmgpu as stm
from stmgpu.backend.cpu import usable_levels
from stmgpu.constants import EARTH
from stmgpu.debris import statistics as st
from stmgpu.debris.collisions.mean_field import mean_field
from stmgpu.debris.population import Population
from stmgpu.debris.population.synthetic import synthetic_population
from stmgpu.debris.scenario import Scenario
from stmgpu.debris.shells import SHELL_RADII_KM
from stmgpu.errors import InputError

pytestmark = pytest.mark.skipif(not usable_levels(), reason="the kernels were not compiled here")


@pytest.fixture(scope="module")
def objects() -> Population:
    return synthetic_population(2000, seed=6, constellations=False)


@pytest.fixture(scope="module")
def ds(objects: Population) -> xr.Dataset:
    scenario = Scenario.model_validate(
        {
            "environment": {"density": "exponential"},
            "propagation": {"step_days": 30.0},
            "collisions": {"enabled": False},
        }
    )
    return stm.evolve(scenario, population=objects, years=1.0, runs=1, backend="cpu")


@pytest.mark.parametrize(("perigee", "apogee", "inclination"), [(780, 790, 98.6), (450, 460, 51.6), (300, 1500, 28.5)])
def test_flux_times_area_is_the_rate_of_mean_field(
    perigee: float, apogee: float, inclination: float, objects: Population, ds: xr.Dataset
) -> None:
    axis = EARTH.radius_km + 0.5 * (perigee + apogee)
    p = objects
    rate = mean_field(
        np.append(p.a_km, axis),
        np.append(p.ecc, 0.5 * (apogee - perigee) / axis),
        np.append(p.inc_rad, np.radians(inclination)),
        np.append(np.full(len(p), 1e-6), 10.0),
        np.append(p.mass_kg, 100.0),
        edges_km=SHELL_RADII_KM,
        thickness_km=50.0,
    ).rate[-1]
    flux = st.orbit_flux(ds, perigee_km=perigee, apogee_km=apogee, inclination_deg=inclination)
    assert flux.dims == ("scenario", "run", "time")
    # bins of 10 degrees here, of 2 degrees there; eccentric orbits are taken as circular here alone
    assert float(flux[0, 0, 0]) * np.pi * 100.0 == pytest.approx(rate, rel=0.1)


def test_sizes_share_the_flux_and_nothing_is_met_outside(ds: xr.Dataset) -> None:
    orbit = {"perigee_km": 700.0, "apogee_km": 900.0, "inclination_deg": 90.0}
    by_size = st.orbit_flux(ds, by_size=True, **orbit)
    assert by_size.dims == ("scenario", "run", "time", "size")
    assert by_size["size"].to_numpy().tolist() == ds["size"].to_numpy().tolist()
    np.testing.assert_allclose(by_size.sum("size"), st.orbit_flux(ds, **orbit))
    assert float(by_size[0, 0, 0, 1]) > float(by_size[0, 0, 0, 0])
    far = st.orbit_flux(ds, perigee_km=20_000.0, apogee_km=20_100.0, inclination_deg=55.0)
    assert (far == 0.0).all()
    mirrored = dict(orbit, inclination_deg=85.0)  # 85 + 95: the kernel has a pole in the bin of 90 to 100 degrees
    assert np.isfinite(st.orbit_flux(ds, **mirrored)).all()


def test_impossible_orbits_are_refused(ds: xr.Dataset) -> None:
    with pytest.raises(InputError, match="an orbit from 900 to 800 km is impossible"):
        st.orbit_flux(ds, perigee_km=900.0, apogee_km=800.0, inclination_deg=50.0)
    with pytest.raises(InputError, match="inclination_deg = 190 is out of range"):
        st.orbit_flux(ds, perigee_km=800.0, apogee_km=800.0, inclination_deg=190.0)
    with pytest.raises(InputError, match="no variable 'number_by_inclination'"):
        st.orbit_flux(ds.drop_vars("number_by_inclination"), perigee_km=8e2, apogee_km=8e2, inclination_deg=50.0)
