"""The mean-field kernel against its integral and its known mean."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from stmgpu.debris.collisions.crossing import SPEED_EDGES, crossing_kernel, kernel_table


def test_isotropic_orbits_meet_at_the_mean_speed_of_directions_in_a_plane() -> None:
    # everywhere the headings of isotropic circular orbits are uniform, so <v> = mean of 2 |sin(x/2)| = 4/pi
    cosines = np.random.default_rng(1).uniform(-1.0, 1.0, (2, 40_000))
    assert crossing_kernel(*np.arccos(cosines))[0].sum(axis=0).mean() == pytest.approx(4.0 / np.pi, rel=0.01)
    k, _ = kernel_table(90)
    weight = np.sin((np.arange(90) + 0.5) * np.pi / 90)
    weight /= weight.sum()
    assert weight @ k.sum(axis=0) @ weight == pytest.approx(4.0 / np.pi, rel=0.002)


@pytest.mark.parametrize("pair", [(53.0, 53.2), (53.0, 98.0), (82.0, 97.9), (45.0, 74.0), (1.0, 3.0), (90.0, 90.5)])
def test_kernel_is_the_integral_over_latitude(pair) -> None:
    i1, i2 = np.radians(pair)
    low, high = sorted((np.sin(i1), np.sin(i2)))

    def integrand(f):
        c = np.sqrt(1.0 - (low * np.sin(f)) ** 2)
        g1, g2 = (np.arccos(np.clip(np.cos(i) / c, -1.0, 1.0)) for i in (i1, i2))
        return (abs(np.sin(0.5 * (g1 - g2))) + abs(np.sin(0.5 * (g1 + g2)))) / np.sqrt(high**2 - (low * np.sin(f)) ** 2)

    expected = 4.0 / np.pi**2 * quad(integrand, 0.0, 0.5 * np.pi, limit=500)[0]
    assert crossing_kernel(i1, i2)[0].sum() == pytest.approx(expected, rel=1e-6)


def test_speeds_of_a_group_lie_within_it() -> None:
    k, squares = kernel_table(90)
    assert (k >= 0.0).all()
    np.testing.assert_allclose(k, k.transpose(0, 2, 1))
    for low, high, square in zip(SPEED_EDGES[:-1], SPEED_EDGES[1:], squares, strict=True):
        assert low**2 < square < high**2
