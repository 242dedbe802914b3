"""Expected masses of fragments against a table computed independently, integrals and draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate

from stmgpu.debris.breakup import Body
from stmgpu.debris.breakup import area_to_mass as am
from stmgpu.debris.breakup.size_law import (
    area_of_length,
    draw_length,
    expected_count,
    expected_mass,
    largest_length,
    length_of_mass,
    unit_mass,
)


def body(mass: float, rocket: bool = False) -> Body:
    """A body of the usual density."""
    return Body(mass, float(length_of_mass(mass)), rocket)


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
        found = [float(expected_mass(mass, rocket, x, 1.0, bridge=bridge)) for x in (1e-3, 0.1)]  # type: ignore[arg-type]
        assert found == pytest.approx([all_, long], rel=tolerance)
        assert abs(found[0] / wrong_all - 1.0) > 0.1
        assert abs(found[1] / wrong_long - 1.0) > 0.15


@pytest.mark.parametrize("rocket", [False, True])
def test_expected_mass_is_the_mean_of_drawn_masses(rocket: bool) -> None:
    """Monte Carlo over the whole chain within 4 of its standard errors (masses have a heavy tail)."""
    n, rng = 400_000, np.random.default_rng(12)
    length = draw_length(n, 0.1, 1.0, rng)
    mass = area_of_length(length) / 10.0 ** am.draw_chi(length, rocket, rng)
    mean = float(expected_mass(1010.0, rocket, 0.1) / expected_count(1010.0, 0.1, 1.0))
    assert abs(mass.mean() - mean) < 4.0 * mass.std() / np.sqrt(n)
    assert mass.std() / np.sqrt(n) < 0.01 * mean  # the test can tell 1 %


@pytest.mark.parametrize("event", ["collision", "explosion"])
@pytest.mark.parametrize("rocket", [False, True])
def test_tabulated_integrals(event: str, rocket: bool) -> None:
    """Against adaptive quadrature."""
    b = {"collision": 1.71, "explosion": 1.6}[event]

    def density(length: float) -> float:
        return float(b * length ** (-b - 1.0) * area_of_length(length) * am.mean_mass_to_area(length, rocket))

    for low, high in ((1e-3, 0.02), (0.0333, 0.25), (0.1, 1.0)):
        knots = [
            x
            for x in (0.00167, 10**-1.75, 10**-1.25, 0.08, 0.11, 10**-0.7, 10**-0.5, 10**-0.3, 10**-0.1)
            if low < x < high
        ]
        truth = integrate.quad(density, low, high, points=knots, limit=400, epsabs=0, epsrel=1e-9)[0]
        assert float(unit_mass(rocket, low, high, event, "linear")) == pytest.approx(truth, rel=1e-6)  # type: ignore[arg-type]


def test_largest_length_uses_the_mass_up() -> None:
    mass = np.array([0.01, 1.0, 30.0, 500.0, 2000.0])
    for rocket in (False, True):
        high = largest_length(mass, mass, rocket)
        used = expected_mass(mass, rocket, 1e-3, high)
        limited = high < 1.0
        np.testing.assert_allclose(used[limited], mass[limited], rtol=1e-6)
        assert (used[~limited] <= mass[~limited]).all()
    assert largest_length(mass, mass, np.arange(5) % 2 == 0)[1] == largest_length(1.0, 1.0, False)
