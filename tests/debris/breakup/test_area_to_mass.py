"""Area-to-mass ratios of fragments against their mixture (Johnson et al. 2001, Krisko 2011)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from stmgpu.debris.breakup import area_to_mass as am

_MOMENTS = {  # mean and standard deviation of chi, computed independently of this code, good to 0.002
    (0.11, False): (-0.978, 0.485),
    (0.2, False): (-0.965, 0.453),
    (0.5, False): (-1.154, 0.513),
    (1.0, False): (-1.181, 0.529),
    (0.11, True): (-0.519, 0.542),
    (0.2, True): (-0.562, 0.527),
    (0.5, True): (-0.736, 0.460),
    (1.0, True): (-0.900, 0.397),
}


@pytest.mark.parametrize(("length", "rocket"), list(_MOMENTS))
def test_chi_moments(length: float, rocket: bool) -> None:
    """Exact moments agree with the table, draws with the exact moments within 4 standard errors."""
    mean, sd = (float(x) for x in am.chi_moments(length, rocket_body=rocket))
    assert (mean, sd) == pytest.approx(_MOMENTS[length, rocket], abs=2.5e-3)
    n = 100_000
    chi = am.draw_chi(np.full(n, length), rocket_body=rocket, rng=np.random.default_rng(7))
    assert abs(chi.mean() - mean) < 4.0 * sd / np.sqrt(n)
    assert abs(chi.std() - sd) < 4.0 * sd / np.sqrt(n)


@pytest.mark.parametrize(("length", "rocket"), list(_MOMENTS))
def test_it_is_a_mixture_and_no_weighted_sum(length: float, rocket: bool) -> None:
    """What several public codes draw, alpha N1 + (1 - alpha) N2, has the mean but not the spread: it must fail here."""
    alpha, mu1, sigma1, mu2, sigma2 = (float(x) for x in am.large_law(length, rocket_body=rocket))
    mean, sd = (float(x) for x in am.chi_moments(length, rocket_body=rocket))
    n, rng = 50_000, np.random.default_rng(8)
    chi = am.draw_chi(np.full(n, length), rocket_body=rocket, rng=rng)
    wrong = alpha * rng.normal(mu1, sigma1, n) + (1.0 - alpha) * rng.normal(mu2, sigma2, n)

    def mixture(x: np.ndarray) -> np.ndarray:
        return np.asarray(alpha * stats.norm.cdf(x, mu1, sigma1) + (1.0 - alpha) * stats.norm.cdf(x, mu2, sigma2))

    assert stats.kstest(chi, mixture).pvalue > 1e-3
    assert stats.kstest(wrong, mixture).pvalue < 1e-12
    assert abs(wrong.mean() - mean) < 0.01
    assert wrong.std() < 0.87 * sd


def test_spacecraft_have_two_modes() -> None:
    """At 1 m the components lie 3.5 standard deviations apart: the density has a valley between them."""
    chi = am.draw_chi(np.full(200_000, 1.0), rocket_body=False, rng=np.random.default_rng(9))
    heavy, valley, light = (np.mean(np.abs(chi - x) < 0.05) for x in (-2.0, -1.62, -0.95))
    assert heavy > 1.25 * valley
    assert light > 1.25 * valley


@pytest.mark.parametrize("rocket", [False, True])
def test_curves_are_continuous(rocket: bool) -> None:
    """No parameter of the large law jumps at any knot, and the slopes are those printed in 2001."""
    lam = np.linspace(-3.2, 0.8, 40_001)
    for curve in am.large_law(10.0**lam, rocket_body=rocket):
        assert np.abs(np.diff(curve)).max() < 1.4e-4
    for curve in am.small_law(10.0 ** np.linspace(-4.0, -1.0, 40_001)):
        assert np.abs(np.diff(curve)).max() < 1.2e-4
    slopes = {True: (-0.3571, -0.9, 0.0, 0.0, -0.1636), False: (0.4, -0.318, 0.2, 0.0, 0.0)}[rocket]
    low, high = (
        am.large_law(10.0**x, rocket_body=rocket)
        for x in (-0.99 if not rocket else -0.4, -0.9 if not rocket else -0.31)
    )
    for slope, a, b in zip(slopes, low, high, strict=True):
        assert float(b - a) / 0.09 == pytest.approx(slope, abs=2e-4)


def test_small_law_by_hand() -> None:
    mu, sigma = am.small_law([10.0**-4, 10.0**-2, 10.0**-1.5, 0.08])
    np.testing.assert_allclose(mu, [-0.3, -0.3, -0.65, -1.0], rtol=1e-12)
    np.testing.assert_allclose(sigma, [0.2, 0.2 + 0.1333 * 1.5, 0.2 + 0.1333 * 2.0, 0.2 + 0.1333 * 2.40309], rtol=1e-6)


@pytest.mark.parametrize("bridge", ["linear", "logarithmic"])
@pytest.mark.parametrize("rocket", [False, True])
def test_bridge_is_continuous_and_mixes(bridge: am.Bridge, rocket: bool) -> None:
    """Moments run through without a jump, and within the bridge fragments follow one law or the other."""
    length = np.linspace(0.06, 0.13, 20_001)
    for moment in am.chi_moments(length, rocket_body=rocket, bridge=bridge):
        assert np.abs(np.diff(moment)).max() < 3e-4
    assert am.bridge_weight([0.07, 0.113], bridge).tolist() == [0.0, 1.0]
    n, at = 100_000, 0.1
    w = float(am.bridge_weight(at, bridge))
    assert 0.4 < w < 0.7
    mean, sd = (float(x) for x in am.chi_moments(at, rocket_body=rocket, bridge=bridge))
    chi = am.draw_chi(np.full(n, at), rocket_body=rocket, rng=np.random.default_rng(10), bridge=bridge)
    assert abs(chi.mean() - mean) < 4.0 * sd / np.sqrt(n)
    assert abs(chi.std() - sd) < 5.0 * sd / np.sqrt(n)


def test_kinds_can_differ_by_fragment() -> None:
    length, rocket = np.full(40_000, 0.5), np.arange(40_000) % 2 == 0
    chi = am.draw_chi(length, rocket_body=rocket, rng=np.random.default_rng(11))
    assert chi[rocket].mean() == pytest.approx(-0.735, abs=0.015)
    assert chi[~rocket].mean() == pytest.approx(-1.153, abs=0.015)
