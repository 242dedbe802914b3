"""Numbers, lengths and expected masses of fragments, against published counts, a table, integrals and draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from stmgpu.debris.breakup import Body
from stmgpu.debris.breakup import area_to_mass as am
from stmgpu.debris.breakup.size_law import (
    area_of_length,
    draw_length,
    ejecta_mass,
    expected_count,
    expected_mass,
    is_catastrophic,
    largest_length,
    length_of_mass,
    mass_of_length,
    specific_energy,
    unit_mass,
)


def body(mass: float, rocket: bool = False) -> Body:
    """A body of the usual density."""
    return Body(mass, float(length_of_mass(mass)), rocket_body=rocket)


_TABLE = [  # kind, M, mass 1 mm to 1 m, 10 cm to 1 m [kg]; weighted sums (wrong); computed independently
    (False, 1010.0, 998.0, 808.0, 609.0, 425.0),
    (False, 1510.0, 1349.0, 1093.0, 824.0, 574.0),
    (True, 1010.0, 432.0, 251.0, 384.0, 203.0),
    (True, 9000.0, 2228.0, 1295.0, 1978.0, 1047.0),
]


@pytest.mark.parametrize(("rocket", "mass", "all_", "long", "wrong_all", "wrong_long"), _TABLE)
def test_mass_closure_table(
    rocket: bool, mass: float, all_: float, long: float, wrong_all: float, wrong_long: float
) -> None:
    """1 % with the linear bridge of the table, 2 % with the other; the weighted sum's figures are far off."""
    for bridge, tolerance in (("linear", 0.01), ("logarithmic", 0.02)):
        found = [
            float(expected_mass(mass, rocket_body=rocket, low_m=x, high_m=1.0, bridge=bridge)) for x in (1e-3, 0.1)
        ]  # type: ignore[arg-type]
        assert found == pytest.approx([all_, long], rel=tolerance)
        assert abs(found[0] / wrong_all - 1.0) > 0.1
        assert abs(found[1] / wrong_long - 1.0) > 0.15


@pytest.mark.parametrize("rocket", [False, True])
def test_expected_mass_is_the_mean_of_drawn_masses(rocket: bool) -> None:
    """Monte Carlo over the whole chain within 4 of its standard errors (masses have a heavy tail)."""
    n, rng = 400_000, np.random.default_rng(12)
    length = draw_length(n, low_m=0.1, high_m=1.0, rng=rng)
    mass = area_of_length(length) / 10.0 ** am.draw_chi(length, rocket_body=rocket, rng=rng)
    mean = float(expected_mass(1010.0, rocket_body=rocket, low_m=0.1) / expected_count(1010.0, 0.1, high_m=1.0))
    assert abs(mass.mean() - mean) < 4.0 * mass.std() / np.sqrt(n)
    assert mass.std() / np.sqrt(n) < 0.01 * mean  # the test can tell 1 %


@pytest.mark.parametrize("event", ["collision", "explosion"])
@pytest.mark.parametrize("rocket", [False, True])
def test_tabulated_integrals(event: str, rocket: bool) -> None:
    """Against adaptive quadrature."""
    b = {"collision": 1.71, "explosion": 1.6}[event]

    def density(length: float) -> float:
        return float(
            b * length ** (-b - 1.0) * area_of_length(length) * am.mean_mass_to_area(length, rocket_body=rocket)
        )

    for low, high in ((1e-3, 0.02), (0.0333, 0.25), (0.1, 1.0)):
        knots = [
            x
            for x in (0.00167, 10**-1.75, 10**-1.25, 0.08, 0.11, 10**-0.7, 10**-0.5, 10**-0.3, 10**-0.1)
            if low < x < high
        ]
        truth = integrate.quad(density, low, high, points=knots, limit=400, epsabs=0, epsrel=1e-9)[0]
        assert float(unit_mass(low, high, rocket_body=rocket, event=event, bridge="linear")) == pytest.approx(
            truth, rel=1e-6
        )  # type: ignore[arg-type]


def test_largest_length_uses_the_mass_up() -> None:
    mass = np.array([0.01, 1.0, 30.0, 500.0, 2000.0])
    for rocket in (False, True):
        high = largest_length(mass, mass, rocket_body=rocket)
        used = expected_mass(mass, rocket_body=rocket, low_m=1e-3, high_m=high)
        limited = high < 1.0
        np.testing.assert_allclose(used[limited], mass[limited], rtol=1e-6)
        assert (used[~limited] <= mass[~limited]).all()
    assert largest_length(mass, mass, rocket_body=np.arange(5) % 2 == 0)[1] == largest_length(
        1.0, 1.0, rocket_body=False
    )


def test_esa_unit_tests() -> None:
    """Iridium and Cosmos at 11.7 and 0.1 km/s, and an explosion, 5 cm and longer."""
    masses = ejecta_mass(560.0, 950.0, [11.7, 0.1])
    np.testing.assert_allclose(masses, [1510.0, 5.6], rtol=1e-12)
    assert is_catastrophic(560.0, 950.0, [11.7, 0.1]).tolist() == [True, False]
    assert np.floor(expected_count(masses, 0.05)).tolist() == [4064, 61]
    assert int(expected_count(1.0, 0.05, event="explosion")) == 724


def test_counts_by_hand() -> None:
    """0.1 M^0.75 L^-1.71 and 6 S L^-1.6 worked out to all digits."""
    np.testing.assert_allclose(expected_count(1510.0, [0.01, 0.1, 1.0]), [63714, 1242.3, 24.223], rtol=2e-5)
    np.testing.assert_allclose(expected_count(1.0, [0.1, 0.01], event="explosion"), [238.864, 9509.36], rtol=2e-6)
    np.testing.assert_allclose(expected_count([1010.0, 9000.0], 1e-3, high_m=1.0), [2.417e6, 1.246e7], rtol=5e-4)


def test_energy_and_threshold() -> None:
    """40 J/g with the heavier body as target, whatever the order."""
    assert float(specific_energy(1000.0, 0.8, 10.0)) == pytest.approx(40.0)
    speed = np.sqrt(2.0 * 4e4 * 1000.0 / 0.8) / 1e3
    for pair in ((1000.0, 0.8), (0.8, 1000.0)):
        assert bool(is_catastrophic(*pair, speed * (1 + 1e-12)))
        assert not bool(is_catastrophic(*pair, speed * (1 - 1e-12)))
    below = ejecta_mass(1000.0, 0.8, speed * (1 - 1e-9))
    assert float(below) == pytest.approx(80.0)  # what craters is at most 8 % of the target


def test_areas_join() -> None:
    """Equations 8 and 9 meet at 1.67 mm to 1e-5."""
    low, high = area_of_length([0.00167 * (1 - 1e-12), 0.00167])
    assert float(low) == pytest.approx(float(high), rel=1e-5)
    assert float(area_of_length(1.0)) == 0.556945


def test_length_of_mass_is_esas() -> None:
    """m = 92.937 L^-0.74 pi L^3 / 6."""
    mass = 92.937 * 2.0**-0.74 * np.pi * 8.0 / 6.0
    assert float(length_of_mass(mass)) == pytest.approx(2.0)
    np.testing.assert_allclose(mass_of_length(length_of_mass([1e-3, 1.0, 9000.0])), [1e-3, 1.0, 9000.0])


@pytest.mark.parametrize(("event", "b"), [("collision", 1.71), ("explosion", 1.6)])
def test_lengths_follow_the_power_law(event: str, b: float) -> None:
    length = draw_length(20_000, low_m=0.05, high_m=0.7, rng=np.random.default_rng(1), event=event)  # type: ignore[arg-type]
    found = stats.kstest(length, lambda x: (0.05**-b - x**-b) / (0.05**-b - 0.7**-b))
    assert found.pvalue > 1e-3
    assert length.min() >= 0.05
    assert length.max() <= 0.7
