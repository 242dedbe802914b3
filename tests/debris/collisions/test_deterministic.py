"""Fitted mean elements against the sgp4 package, rates by screening against hand and against integrals over pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from stmgpu.constants import EARTH
from stmgpu.debris.collisions.deterministic import collision_rate, deterministic_collisions
from stmgpu.debris.population import Kind, Population
from stmgpu.errors import InputError
from stmgpu.time import year_of_jd
from stmgpu.typing import Floats, Ints


def conjunctions(rows: list[tuple[int, int, float, int]], threshold_km: float = 4.0) -> xr.Dataset:
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


def test_rate_by_hand() -> None:
    rate = collision_rate(conjunctions(ROWS), norad_id=IDS, radius_m=RADII, days=2.0)
    assert rate["conjunctions"] == 3.0
    assert rate["collisions"] == 1.0  # 4.5 m are less than 5 m
    parts = np.array([0.005, 0.012, 0.013]) ** 2 / 16.0
    assert rate["expected"] == pytest.approx(parts.sum(), rel=1e-14)
    assert rate["rate"] == pytest.approx(parts.sum() * 365.25 / 2.0, rel=1e-14)
    assert rate["slow"] == pytest.approx(parts[2] * 365.25 / 2.0, rel=1e-14)
    assert rate["sigma"] == pytest.approx(np.sqrt((parts**2).sum()) * 365.25 / 2.0, rel=1e-14)
    near = collision_rate(conjunctions(ROWS), norad_id=IDS, radius_m=RADII, days=2.0, within_km=2.0)
    assert near["conjunctions"] == 2.0
    assert near["expected"] == pytest.approx((0.005**2 + 0.012**2) / 4.0, rel=1e-14)


def test_no_conjunctions_no_rate() -> None:
    rate = collision_rate(conjunctions(ROWS).isel(conjunction=slice(0)), norad_id=IDS, radius_m=RADII, days=1.0)
    assert set(rate.values()) == {0.0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"norad_id": IDS[:2], "radius_m": RADII[:2]}, "object 9 of the conjunctions has no radius"),
        ({"norad_id": IDS[:0], "radius_m": RADII[:0]}, "object 5 of the conjunctions has no radius"),
        ({"radius_m": RADII[:2]}, "3 objects and 2 radii"),
        ({"days": 0.0}, "positive number of days"),
        ({"within_km": 4.5}, "within_km = 4.5 is not possible for a screening with a threshold of 4 km"),
        ({"within_km": 0.0}, "within_km = 0.0 is not possible"),
    ],
)
def test_impossible_rates_are_refused(change: dict[str, Any], message: str) -> None:
    given = {"norad_id": IDS, "radius_m": RADII, "days": 1.0} | change
    with pytest.raises(InputError, match=message):
        collision_rate(conjunctions(ROWS), **given)


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


def crossing_rate(
    inc: Floats, raan: Floats, radius_m: Floats, a_km: float, width_km: float, limit_km: float
) -> tuple[float, float]:
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
def two_shells() -> tuple[Any, ...]:
    """A population in two shells that never meet, and its conjunctions within 10 km through half a day."""
    rng, n, width = np.random.default_rng(11), 700, 40.0
    a = np.concatenate([EARTH.radius_km + rng.uniform(-0.5, 0.5, n) * width + height for height in (700.0, 900.0)])
    inc = np.concatenate([rng.choice(np.radians([53.0, 70.0, 98.0]), n), rng.choice(np.radians([65.0, 82.0]), n)])
    some = population(a, inc, rng, np.arange(1, 2 * n + 1))
    found, rate = deterministic_collisions(some, days=0.5, threshold_km=10.0)
    return some, n, width, found, rate


def test_rate_of_two_shells_is_that_of_their_crossings(two_shells: tuple[Any, ...]) -> None:
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


def test_rate_does_not_depend_on_the_distance_where_density_is_even(two_shells: tuple[Any, ...]) -> None:
    some, _, width, found, rate = two_shells
    near = collision_rate(found, norad_id=some.norad_id, radius_m=some.radius_m, days=0.5, within_km=4.0)
    # but for the edges of the shells: 1 - 4 D / (3 pi W), see crossing_rate
    edge = (1.0 - 16.0 / (3.0 * np.pi * width)) / (1.0 - 40.0 / (3.0 * np.pi * width))
    assert abs(near["rate"] / edge - rate["rate"]) < 3.0 * np.hypot(near["sigma"], rate["sigma"])
