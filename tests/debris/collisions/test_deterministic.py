"""Fitted mean elements against the sgp4 package, rates by screening against hand and against integrals over pairs."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from sgp4.api import WGS72 as SGP4_WGS72
from sgp4.api import Satrec

import stmgpu as stm
from stmgpu.catalog.orbits import mean_motion_of_axis
from stmgpu.constants import EARTH, WGS72
from stmgpu.debris.collisions.deterministic import catalog_of, collision_rate, deterministic_collisions, fit_catalog
from stmgpu.debris.population import Kind, Population
from stmgpu.errors import InputError
from stmgpu.propagate.kepler import states_of
from stmgpu.time import jd_of_year, parse_utc, year_of_jd

EPOCH = parse_utc("2025-03-01T06:00:00")


def sgp4_states(catalog):
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


def fit(states, bstar=1e-4):
    n = len(states)
    return fit_catalog(
        states[:, :3], states[:, 3:], EPOCH, np.full(n, bstar), np.linspace(0.1, 2.0, n), np.arange(1, n + 1)
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
def test_fitted_elements_give_the_states_back(kind):
    rng, n = np.random.default_rng(7), 40
    height, ecc, inc = (rng.uniform(*ends, n) for ends in ORBITS[kind])
    a = (EARTH.radius_km + height) / (1.0 - ecc)
    angles = rng.uniform(0.0, 2.0 * np.pi, (3, n))
    states = np.concatenate(states_of(a, ecc, np.radians(inc), *angles), axis=1)
    catalog, off = fit(states)
    assert off.max() < 1e-6
    again = sgp4_states(catalog)
    # the package and the engine differ by micrometres; a state that is right in position only would miss here
    assert np.abs(again[:, :3] - states[:, :3]).max() < 2e-6
    assert np.abs(again[:, 3:] - states[:, 3:]).max() < 1e-8
    np.testing.assert_array_equal(catalog.hard_body_radius_m, np.linspace(0.1, 2.0, n))


def test_mean_elements_are_found_again():
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


def test_states_that_are_none_are_refused():
    good = np.array([[7000.0, 0.0, 0.0, 0.0, 1.0, 7.4]])
    with pytest.raises(InputError, match=r"object 1, 6,000 km .* below the ground or on no ellipse"):
        fit(good - [1000.0, 0, 0, 0, 0, 0])
    with pytest.raises(InputError, match="on no ellipse"):
        fit(good * [1, 1, 1, 1, 6.0, 1.6])
    with pytest.raises(InputError, match="on no ellipse"):
        fit(good * np.nan)
    with pytest.raises(InputError, match="no mean elements of SGP4 give its state"):
        fit(good * [1, 1, 1, 1, 1, 0.1])  # falls: its perigee is far below the ground
    with pytest.raises(InputError, match=r"columns lengths \[2, 1, 1\]"):
        fit_catalog(good[:, :3], good[:, 3:], EPOCH, np.zeros(2), np.ones(1), np.array([1]))


def conjunctions(rows, threshold_km=4.0):
    """A result of rows (primary, secondary, miss distance [km], flags)."""
    first, second, miss, flags = (np.array(column) for column in zip(*rows, strict=True))
    return xr.Dataset(
        {
            "primary": ("conjunction", first),
            "secondary": ("conjunction", second),
            "miss_distance": ("conjunction", miss),
            "flags": ("conjunction", flags.astype(np.int32)),
        },
        attrs={"threshold_km": threshold_km},
    )


ROWS = [(5, 9, 0.0045, 0), (5, 70, 1.5, 0), (9, 70, 3.0, 1)]  # the last is a slow pair
IDS, RADII = np.array([70, 5, 9]), np.array([10.0, 2.0, 3.0])  # combined: 5, 12 and 13 m


def test_rate_by_hand():
    rate = collision_rate(conjunctions(ROWS), IDS, RADII, days=2.0)
    assert rate["conjunctions"] == 3.0
    assert rate["collisions"] == 1.0  # 4.5 m are less than 5 m
    parts = np.array([0.005, 0.012, 0.013]) ** 2 / 16.0
    assert rate["expected"] == pytest.approx(parts.sum(), rel=1e-14)
    assert rate["rate"] == pytest.approx(parts.sum() * 365.25 / 2.0, rel=1e-14)
    assert rate["slow"] == pytest.approx(parts[2] * 365.25 / 2.0, rel=1e-14)
    assert rate["sigma"] == pytest.approx(np.sqrt((parts**2).sum()) * 365.25 / 2.0, rel=1e-14)
    near = collision_rate(conjunctions(ROWS), IDS, RADII, days=2.0, within_km=2.0)
    assert near["conjunctions"] == 2.0
    assert near["expected"] == pytest.approx((0.005**2 + 0.012**2) / 4.0, rel=1e-14)


def test_no_conjunctions_no_rate():
    rate = collision_rate(conjunctions(ROWS).isel(conjunction=slice(0)), IDS, RADII, days=1.0)
    assert set(rate.values()) == {0.0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"norad_id": IDS[:2], "radius_m": RADII[:2]}, "object 9 of the conjunctions has no radius"),
        ({"norad_id": IDS[:0], "radius_m": RADII[:0]}, "object 5 of the conjunctions has no radius"),
        ({"radius_m": RADII[:2]}, "3 objects and 2 radii"),
        ({"days": 0.0}, "positive number of days"),
        ({"within_km": 4.5}, "found below 4 km and cannot be counted within 4.5 km"),
        ({"within_km": 0.0}, "cannot be counted within 0.0 km"),
    ],
)
def test_impossible_rates_are_refused(change, message):
    given = {"norad_id": IDS, "radius_m": RADII, "days": 1.0} | change
    with pytest.raises(InputError, match=message):
        collision_rate(conjunctions(ROWS), **given)


def population(a_km, inc_rad, rng, norad_id=None):
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


def test_population_as_a_catalogue():
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


def crossing_rate(inc, raan, radius_m, a_km, width_km, limit_km):
    """Conjunctions below a limit, and sum of squared combined radii [m^2] per second, of circular orbits whose radii
    are uniform over a width.

    Two orbits at an angle alpha cross twice a turn. Objects that pass there with a delay miss each other by
    b = delay v cos(alpha/2) in the plane of the velocities, so they pass within db at 2 db / (v T^2 cos(alpha/2)) per
    second and crossing (Opik 1951), and by the difference x of their radii across it. The mean of sqrt(D^2 - x^2) over
    the triangular distribution of x is pi D^2 / (2 W) - 2 D^3 / (3 W^2).
    """
    normal = np.stack([np.sin(inc) * np.sin(raan), -np.sin(inc) * np.cos(raan), np.cos(inc)])
    i, j = np.triu_indices(len(inc), 1)
    half = np.sqrt(0.5 * (1.0 + (normal[:, i] * normal[:, j]).sum(axis=0)))  # cos(alpha / 2)
    speed = np.sqrt(EARTH.mu_km3_s2 / a_km)
    period = 2.0 * np.pi * a_km / speed
    plane = np.pi * limit_km**2 / width_km - 4.0 * limit_km**3 / (3.0 * width_km**2)
    each = 2.0 / (speed * period**2 * half) * plane
    return each.sum(), (each * (radius_m[i] + radius_m[j]) ** 2).sum()


@pytest.fixture(scope="module")
def two_shells():
    """A population in two shells that never meet, and its conjunctions within 10 km through half a day."""
    rng, n, width = np.random.default_rng(11), 700, 40.0
    a = np.concatenate([EARTH.radius_km + rng.uniform(-0.5, 0.5, n) * width + height for height in (700.0, 900.0)])
    inc = np.concatenate([rng.choice(np.radians([53.0, 70.0, 98.0]), n), rng.choice(np.radians([65.0, 82.0]), n)])
    some = population(a, inc, rng, np.arange(1, 2 * n + 1))
    found, rate = deterministic_collisions(some, days=0.5, threshold_km=10.0)
    return some, n, width, found, rate


def test_rate_of_two_shells_is_that_of_their_crossings(two_shells):
    some, n, width, found, rate = two_shells
    count, squares = 0.0, 0.0
    for shell in (slice(0, n), slice(n, 2 * n)):
        part = some[shell]
        more = crossing_rate(part.inc_rad, part.raan_rad, part.radius_m, float(part.a_km.mean()), width, 10.0)
        count, squares = count + more[0] * 43_200.0, squares + more[1] * 43_200.0
    first, second = found.primary.to_numpy(), found.secondary.to_numpy()
    assert ((first <= n) == (second <= n)).all()
    # a pair of similar periods meets again and again: pairs are independent, their conjunctions are not
    pair = np.unique(np.stack([first, second]), axis=1, return_inverse=True)[1].reshape(-1)
    sigma = np.sqrt((np.bincount(pair) ** 2.0).sum())
    assert sigma < 0.04 * count
    assert abs(len(first) - count) < 3.0 * sigma
    expected = squares * 1e-6 / 10.0**2
    chance = ((some.radius_m[first - 1] + some.radius_m[second - 1]) * 1e-3 / 10.0) ** 2
    assert rate["expected"] == pytest.approx(chance.sum(), rel=1e-12)
    assert abs(rate["expected"] - expected) < 3.0 * np.sqrt((np.bincount(pair, chance) ** 2).sum())
    assert rate["rate"] == pytest.approx(rate["expected"] * 365.25 / 0.5, rel=1e-12)


def test_rate_does_not_depend_on_the_distance_where_density_is_even(two_shells):
    some, _, width, found, rate = two_shells
    near = collision_rate(found, some.norad_id, some.radius_m, 0.5, within_km=4.0)
    # but for the edges of the shells: 1 - 4 D / (3 pi W), see crossing_rate
    edge = (1.0 - 16.0 / (3.0 * np.pi * width)) / (1.0 - 40.0 / (3.0 * np.pi * width))
    assert abs(near["rate"] / edge - rate["rate"]) < 3.0 * np.hypot(near["sigma"], rate["sigma"])
