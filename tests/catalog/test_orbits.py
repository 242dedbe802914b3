"""Size and regime of orbits at the limits of each class."""

from __future__ import annotations

import numpy as np
import pytest

from stmgpu.catalog.orbits import REGIMES, apsis_heights_km, mean_motion_of_axis, regime_of, semi_major_axis_km
from stmgpu.constants import WGS72


@pytest.mark.parametrize(
    ("perigee_km", "apogee_km", "regime"),
    [
        (150.0, 1999.9, "LEO"),
        (150.0, 2000.0, "HEO"),
        (1999.9, 2000.1, "HEO"),
        (2000.0, 2000.0, "MEO"),
        (20_180.0, 20_190.0, "MEO"),
        (2000.0, 35_585.9, "MEO"),
        (2000.0, 35_586.0, "HEO"),
        (31_500.0, 31_500.0, "MEO"),
        (31_570.0, 31_570.0, "GEO"),
        (35_786.0, 35_786.0, "GEO"),
        (36_100.0, 36_150.0, "GEO"),
        (40_001.0, 40_001.0, "GEO"),
        (40_002.0, 40_002.0, "HEO"),
        (500.0, 39_900.0, "HEO"),
        (250.0, 35_950.0, "HEO"),
        (100_000.0, 150_000.0, "HEO"),
        (300.0, np.inf, "HEO"),
        (np.nan, np.nan, "HEO"),
    ],
)
def test_regime_at_its_limits(perigee_km: float, apogee_km: float, regime: str) -> None:
    assert regime_of([perigee_km], [apogee_km]).tolist() == [regime]


def test_geosynchronous_eccentricity_is_limited() -> None:
    axis = 42_164.0
    for eccentricity, regime in ((0.249, "GEO"), (0.251, "HEO")):
        heights = axis * (1.0 - eccentricity) - WGS72.radius_km, axis * (1.0 + eccentricity) - WGS72.radius_km
        assert str(regime_of(*heights)) == regime


def test_every_orbit_has_one_of_the_regimes() -> None:
    rng = np.random.default_rng(5)
    perigee = rng.uniform(-200.0, 60_000.0, 10_000)
    regimes = regime_of(perigee, perigee + rng.exponential(10_000.0, 10_000))
    assert set(np.unique(regimes)) == set(REGIMES)


def test_axis_and_mean_motion_are_inverse() -> None:
    axes = np.array([6_600.0, 26_560.0, 42_164.0])
    np.testing.assert_allclose(semi_major_axis_km(mean_motion_of_axis(axes)), axes, rtol=1e-14)
    perigee, apogee = apsis_heights_km(mean_motion_of_axis(axes), 0.01)
    np.testing.assert_allclose(apogee - perigee, 0.02 * axes, rtol=1e-12)
