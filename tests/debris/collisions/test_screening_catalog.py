"""Catalogues from populations and from states: fitted mean elements give the states back."""

from __future__ import annotations

import numpy as np
import pytest
from sgp4.api import WGS72 as SGP4_WGS72
from sgp4.api import Satrec

import stmgpu as stm
from stmgpu.catalog.catalog import Catalog
from stmgpu.catalog.orbits import mean_motion_of_axis
from stmgpu.constants import EARTH, WGS72
from stmgpu.debris.collisions.screening_catalog import catalog_of, fit_catalog
from stmgpu.debris.population import Kind, Population
from stmgpu.errors import InputError
from stmgpu.propagate.kepler import states_of
from stmgpu.time import jd_of_year, parse_utc, year_of_jd
from stmgpu.typing import Floats, Ints

EPOCH = parse_utc("2025-03-01T06:00:00")


def sgp4_states(catalog: Catalog) -> Floats:
    """States of each object at its epoch by the sgp4 package (Vallado et al. 2006)."""
    states = []
    for k in range(len(catalog)):
        sat = Satrec()
        sat.sgp4init(
            SGP4_WGS72,
            "i",
            1,
            catalog.epoch_jd[k] + catalog.epoch_fr[k] - 2433281.5,
            catalog.bstar[k],
            0.0,
            0.0,
            catalog.eccentricity[k],
            catalog.argp[k],
            catalog.inclination[k],
            catalog.mean_anomaly[k],
            catalog.mean_motion[k],
            catalog.raan[k],
        )
        code, r, v = sat.sgp4(catalog.epoch_jd[k], catalog.epoch_fr[k])
        assert code == 0
        states.append((*r, *v))
    return np.array(states)


def fit(states: Floats, bstar: float = 1e-4) -> tuple[Catalog, Floats]:
    n = len(states)
    return fit_catalog(
        states[:, :3],
        states[:, 3:],
        epoch=EPOCH,
        bstar=np.full(n, bstar),
        radius_m=np.linspace(0.1, 2.0, n),
        norad_id=np.arange(1, n + 1),
    )


ORBITS = {  # perigee height [km], eccentricities, inclinations [deg]
    "near-circular": ((400.0, 1500.0), (0.0, 1e-5), (20.0, 110.0)),
    "near-equatorial": ((400.0, 1500.0), (1e-4, 0.02), (1e-4, 0.5)),
    "polar": ((400.0, 1500.0), (1e-4, 0.02), (89.5, 90.5)),
    "critical inclination": ((400.0, 1500.0), (1e-3, 0.1), (63.40, 63.46)),
    "e = 0.1": ((300.0, 1000.0), (0.1, 0.1), (5.0, 170.0)),
    "transfer": ((250.0, 600.0), (0.5, 0.73), (5.0, 60.0)),
    "geostationary": ((35_700.0, 35_800.0), (1e-5, 1e-3), (0.01, 10.0)),
}


@pytest.mark.parametrize("kind", ORBITS)
def test_fitted_elements_give_the_states_back(kind: str) -> None:
    rng, n = np.random.default_rng(7), 40
    height, ecc, inc = (rng.uniform(*ends, n) for ends in ORBITS[kind])
    a = (EARTH.radius_km + height) / (1.0 - ecc)
    angles = rng.uniform(0.0, 2.0 * np.pi, (3, n))
    states = np.concatenate(states_of((a, ecc, np.radians(inc), *angles)), axis=1)
    catalog, off = fit(states)
    assert off.max() < 1e-6
    again = sgp4_states(catalog)
    # the package and the engine differ by micrometres; a state that is right in position only would miss here
    assert np.abs(again[:, :3] - states[:, :3]).max() < 2e-6
    assert np.abs(again[:, 3:] - states[:, 3:]).max() < 1e-8
    np.testing.assert_array_equal(catalog.hard_body_radius_m, np.linspace(0.1, 2.0, n))


def test_mean_elements_are_found_again() -> None:
    rng, n = np.random.default_rng(3), 60
    ecc, argp = rng.uniform(1e-3, 0.1, n), rng.uniform(0.0, 2.0 * np.pi, n)
    columns = {
        "mean_motion": mean_motion_of_axis((EARTH.radius_km + rng.uniform(450.0, 1200.0, n)) / (1.0 - ecc)),
        "eccentricity": ecc,
        "inclination": rng.uniform(0.1, 2.0, n),
        "argp": argp,
        "raan": rng.uniform(0.0, 2.0 * np.pi, n),
        "mean_anomaly": rng.uniform(0.0, 2.0 * np.pi, n),
    }
    truth = stm.Catalog.from_columns(
        norad_id=np.arange(1, n + 1),
        epoch_jd=np.full(n, EPOCH.jd),
        epoch_fr=np.full(n, EPOCH.fr),
        bstar=np.full(n, 1e-4),
        **columns,
    )
    found, _ = fit(sgp4_states(truth))
    np.testing.assert_allclose(found.mean_motion, truth.mean_motion, rtol=1e-9)
    np.testing.assert_allclose(found.eccentricity, truth.eccentricity, atol=1e-9)
    np.testing.assert_allclose(found.inclination, truth.inclination, atol=1e-9)
    for name in ("raan", "argp", "mean_anomaly"):
        turned = getattr(found, name) - getattr(truth, name)
        assert np.abs(np.angle(np.exp(1j * turned))).max() < 1e-6, name


def test_states_that_are_none_are_refused() -> None:
    good = np.array([[7000.0, 0.0, 0.0, 0.0, 1.0, 7.4]])
    with pytest.raises(InputError, match=r"object 1, 6,000 km .* below the ground or not on an ellipse"):
        fit(good - [1000.0, 0, 0, 0, 0, 0])
    with pytest.raises(InputError, match="not on an ellipse"):
        fit(good * [1, 1, 1, 1, 6.0, 1.6])
    with pytest.raises(InputError, match="not on an ellipse"):
        fit(good * np.nan)
    with pytest.raises(InputError, match="no mean elements of SGP4 match its state"):
        fit(good * [1, 1, 1, 1, 1, 0.1])  # falls: its perigee is far below the ground
    with pytest.raises(InputError, match=r"columns have lengths \[2, 1, 1\]"):
        fit_catalog(
            good[:, :3], good[:, 3:], epoch=EPOCH, bstar=np.zeros(2), radius_m=np.ones(1), norad_id=np.array([1])
        )


def population(a_km: Floats, inc_rad: Floats, rng: np.random.Generator, norad_id: Ints | None = None) -> Population:
    """Circular orbits of random nodes and phases, radii of 1 to 5 m."""
    n = len(a_km)
    angle = rng.uniform(0.0, 2.0 * np.pi, (3, n))
    radius = rng.uniform(1.0, 5.0, n)
    return Population(
        epoch_year=float(year_of_jd(2460676.5)),
        norad_id=np.zeros(n, np.int64) if norad_id is None else norad_id,
        kind=np.full(n, Kind.DERELICT, np.int8),
        a_km=a_km,
        ecc=np.full(n, 1e-6),
        inc_rad=inc_rad,
        raan_rad=angle[0],
        argp_rad=angle[1],
        mean_rad=angle[2],
        mass_kg=np.full(n, 100.0),
        radius_m=radius,
        area_to_mass=np.full(n, 0.01),
        length_m=2.0 * radius,
        launch_year=np.full(n, 2000.0),
        mission_end_year=np.full(n, 2005.0),
        controlled=np.zeros(n, np.int8),
        constellation=np.full(n, -1, np.int32),
        owner=np.full(n, ""),
        weight=np.ones(n),
        filled=np.zeros(n, np.int8),
    )


def test_population_as_a_catalogue() -> None:
    rng = np.random.default_rng(1)
    some = population(np.array([7000.0, 7100.0, 7200.0]), np.array([1.0, 1.1, 1.2]), rng, np.array([25544, 0, 11]))
    catalog = catalog_of(some)
    assert catalog.norad_id.tolist() == [25544, 900_000_002, 11]
    np.testing.assert_array_equal(catalog.hard_body_radius_m, some.radius_m)
    np.testing.assert_array_equal(catalog.mass_kg, some.mass_kg)
    np.testing.assert_allclose(catalog.mean_motion, 60.0 * np.sqrt(WGS72.mu_km3_s2 / some.a_km**3), rtol=1e-14)
    # B* = rho_0 C_d A / (2 m) with rho_0 = 0.1570 kg/m^2 per Earth radius (Hoots and Roehrich 1980)
    np.testing.assert_allclose(catalog.bstar, 0.5 * 0.1570 * 2.2 * 0.01, rtol=1e-14)
    np.testing.assert_allclose(catalog.epoch_jd + catalog.epoch_fr, jd_of_year(some.epoch_year), rtol=1e-14)
