"""Residual lifetimes against integration and published figures."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from stmgpu.constants import EARTH
from stmgpu.debris.environment.lifetime import Lifetime, rotation_factor
from stmgpu.errors import InputError
from stmgpu.time import YEAR_S
from stmgpu.typing import Floats

VALLADO = """100 5.297e-7 5.877; 110 9.661e-8 7.263; 120 2.438e-8 9.473; 130 8.484e-9 12.636; 140 3.845e-9 16.149;
150 2.070e-9 22.523; 180 5.464e-10 29.740; 200 2.789e-10 37.105; 250 7.248e-11 45.546; 300 2.418e-11 53.628;
350 9.518e-12 53.298; 400 3.725e-12 58.515; 450 1.585e-12 60.828; 500 6.967e-13 63.822; 600 1.454e-13 71.835;
700 3.614e-14 88.667; 800 1.170e-14 124.64; 900 5.245e-15 181.05; 1000 3.019e-15 268.00"""


@pytest.fixture(scope="module")
def vallado() -> tuple[Floats, Floats]:
    base, density, scale = np.array([row.split() for row in VALLADO.split(";")], float).T
    heights = np.arange(100.0, 2000.1, 2.5)
    k = np.searchsorted(base, heights, side="right") - 1
    return heights, np.log(density[k]) - (heights - base[k]) / scale[k]


@pytest.fixture(scope="module")
def life(vallado: tuple[Floats, Floats]) -> Lifetime:
    return Lifetime(vallado[1], 100.0, 2.5)


# years with C_d A/m = 0.022 m^2/kg from a circular orbit to 150 km, computed with the same table of density
CIRCULAR = [
    (400, 0.38),
    (500, 2.3),
    (550, 5.3),
    (600, 11.8),
    (650, 25.4),
    (700, 52),
    (800, 191),
    (900, 543),
    (1000, 1221),
    (1200, 3816),
]


@pytest.mark.parametrize(("altitude", "years"), CIRCULAR)
def test_circular_decay(life, altitude, years) -> None:
    assert life.years(EARTH.radius_km + altitude, 0.0, ballistic_m2_kg=0.022) == pytest.approx(years, rel=0.015)
    assert life.years(EARTH.radius_km + altitude, 1e-5, ballistic_m2_kg=0.022) == pytest.approx(years, rel=0.015)
    assert life.years(EARTH.radius_km + altitude, 0.0, ballistic_m2_kg=0.11) == pytest.approx(years / 5.0, rel=0.015)


@pytest.mark.parametrize(
    ("area_to_mass", "rule", "altitude"),
    [(0.005, 5, 504), (0.005, 25, 603), (0.01, 5, 546), (0.01, 25, 649), (0.02, 5, 589), (0.02, 25, 697)],
)
def test_circular_disposal(life, area_to_mass, rule, altitude) -> None:
    perigee, apogee = life.disposal_orbit(
        EARTH.radius_km + 900.0, 0.0, ballistic_m2_kg=2.2 * area_to_mass, years=rule, circular=True
    )
    assert perigee - EARTH.radius_km == pytest.approx(altitude, abs=1.0)
    assert apogee == perigee


def integrated(a: float, e: float, ballistic: float, heights: Floats, log_density: Floats) -> float:
    """Years to 150 km by the averaged equations of King-Hele with 512 points, adaptively."""
    cosine = np.cos((np.arange(512) + 0.5) / 512 * np.pi)

    def rates(_, state):
        a, e = state
        c = e * cosine
        rho = np.exp(np.interp(a * (1 - c) - EARTH.radius_km, heights, log_density, right=-np.inf)) * 1e3 * YEAR_S
        fall = np.sqrt((1 + c) / (1 - c)) * rho * ballistic
        return [
            -np.sqrt(EARTH.mu_km3_s2 * a) * np.mean(fall * (1 + c)),
            -np.sqrt(EARTH.mu_km3_s2 / a) * (1 - e * e) * np.mean(fall * cosine),
        ]

    def floor(_, state):
        return state[0] * (1 - state[1]) - EARTH.radius_km - 150.0

    floor.terminal = True
    return solve_ivp(rates, (0.0, 1e6), (a, e), events=floor, rtol=1e-6, atol=1e-7, method="LSODA").t[-1]


@pytest.mark.parametrize(
    ("perigee", "ecc"),
    [(300, 0.001), (300, 0.05), (500, 0.01), (700, 0.02), (600, 0.1), (200, 0.6), (250, 0.72), (400, 0.3)],
)
def test_eccentric_decay_against_integration(life, vallado, perigee, ecc) -> None:
    a = (EARTH.radius_km + perigee) / (1.0 - ecc)
    assert life.years(a, ecc, ballistic_m2_kg=0.022) == pytest.approx(integrated(a, ecc, 0.022, *vallado), rel=0.02)


def test_disposal_keeps_the_apogee_and_the_rule(life) -> None:
    rng = np.random.default_rng(2)
    a, e = EARTH.radius_km + rng.uniform(400.0, 1900.0, 300), rng.uniform(0.0, 0.05, 300)
    ballistic = 2.2 * rng.uniform(0.003, 0.05, 300)
    perigee, apogee = life.disposal_orbit(a, e, ballistic_m2_kg=ballistic, years=25.0)
    before = life.years(a, e, ballistic_m2_kg=ballistic)
    after = life.years(0.5 * (perigee + apogee), (apogee - perigee) / (apogee + perigee), ballistic_m2_kg=ballistic)
    stays = before <= 25.0
    assert 0 < stays.sum() < 300
    np.testing.assert_allclose(perigee[stays], (a * (1 - e))[stays])
    np.testing.assert_allclose(apogee, a * (1 + e))
    np.testing.assert_allclose(after[~stays], 25.0, rtol=1e-3)


def test_lifetime_ends(life) -> None:
    assert life.years(EARTH.radius_km + 149.0, 0.0, ballistic_m2_kg=0.02) == 0.0
    assert life.years(EARTH.radius_km + 2100.0, 0.0, ballistic_m2_kg=0.02) == np.inf
    lower, upper = life.years(EARTH.radius_km + np.array([150.5, 152.0]), 0.0, ballistic_m2_kg=0.02)
    assert 0.0 < lower < upper < 0.01


def test_a_rotating_atmosphere_spares_prograde_orbits(life) -> None:
    a = EARTH.radius_km + 600.0
    still = life.years(a, 0.001, ballistic_m2_kg=0.022, inc_rad=np.radians(30.0), rotating=False)
    assert (
        life.years(a, 0.001, ballistic_m2_kg=0.022, inc_rad=np.radians(30.0))
        > still
        > life.years(a, 0.001, ballistic_m2_kg=0.022, inc_rad=np.radians(150.0))
    )
    assert rotation_factor(a, 0.0, 0.5 * np.pi) == pytest.approx(1.0)


def test_senseless_profiles_are_refused() -> None:
    with pytest.raises(InputError, match="must reach above decay_km = 150"):
        Lifetime(np.array([-20.0, -21.0]), 100.0, 10.0)
    with pytest.raises(InputError, match="log_density must be one profile"):
        Lifetime(np.zeros((2, 3)), 100.0, 10.0)
    with pytest.raises(InputError, match="is 0 years; use a positive number"):
        Lifetime(np.linspace(-18.0, -30.0, 40), 100.0, 50.0).disposal_orbit(7000.0, 0.0, ballistic_m2_kg=0.02, years=0)
