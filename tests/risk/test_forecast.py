"""Forecast of the decision. Written down before any result was seen:

- within 1e-6 of the slow twin wherever the probability is above 1e-12, whatever radius, shape and direction;
- martingale: the integral of the forecast over all lines is Pc now, to 1e-6;
- reliability on 8,000 synthetic events: in each tenth of the forecasts the share of events above the line is within
  four standard deviations of the mean forecast, and the sum of squares is below the 99.99 % point of chi-square.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import chi2, ncx2, norm

from stmgpu.backend import Backend
from stmgpu.errors import InputError
from stmgpu.risk import forecast_reference, plane_probability
from stmgpu.risk.forecast import covariance_grows, forecast_probability
from stmgpu.typing import Floats

NAN = np.nan


def shrunk(sigmas: Floats, factors: Floats, angle: Floats) -> Floats:
    """Covariances that are smaller than the present ones by factors along directions that are turned by an angle."""
    c, s = np.cos(angle), np.sin(angle)
    turn = np.moveaxis(np.array([[c, -s], [s, c]]), (0, 1), (-2, -1))
    root = sigmas[..., :, np.newaxis] * turn * factors[..., np.newaxis, :]
    return root @ np.swapaxes(root, -1, -2)


def top(covariance: Floats, radius: float | Floats, backend: Backend) -> Floats:
    """The probability without a miss, which no miss exceeds."""
    sigmas = np.sqrt(np.linalg.eigvalsh(covariance))
    return plane_probability(0.0, 0.0, sigmas[..., 1], sigmas[..., 0], radius, backend=backend)


CPU = pytest.mark.parametrize("kernel_backend", ["cpu"], indirect=True)
"""For tests of many probabilities: every backend has the same bytes."""


@pytest.mark.slow
@CPU
@pytest.mark.parametrize("seed", range(6))
def test_as_the_slow_twin(seed: int, kernel_backend: Backend) -> None:
    """Radii from 0.001 to 30 sigmas, shapes up to 1:300, directions that turn; misses up to 4 sigmas."""
    rng = np.random.default_rng(seed)
    sigmas = np.array([10.0 ** rng.uniform(0, 2.5), 1.0]) * 10.0 ** rng.uniform(0, 3)
    then = shrunk(sigmas, 10.0 ** rng.uniform(-1.5, -0.05, 2), rng.uniform(0, np.pi))
    miss = sigmas * rng.uniform(-3, 3, 2)
    radius = float(np.sqrt(np.linalg.eigvalsh(then)[0])) * 10.0 ** rng.uniform(-3, 1.5)
    line = float(top(then, radius, kernel_backend)) * 10.0 ** -rng.uniform(0.01, 4)
    found = forecast_probability(*miss, *sigmas, then, radius, line, backend=kernel_backend)
    slow = forecast_reference.forecast_probability(miss, sigmas, then, radius=radius, line=line, backend=kernel_backend)
    assert float(found) == pytest.approx(slow, rel=1e-6, abs=1e-15)


@pytest.mark.parametrize(
    ("then", "miss"),
    [
        ([[1e6, 0.0], [0.0, 400.0]], (900.0, 30.0)),  # nothing is learned along the major axis
        ([[100.0, 0.0], [0.0, 2500.0]], (900.0, 30.0)),  # nothing along the minor one
        ([[1e6 - 9e4, -9e3], [-9e3, 2500.0 - 900.0]], (-400.0, 80.0)),  # one oblique direction
    ],
)
def test_a_needle_of_moves(then: list[list[float]], miss: tuple[float, float], kernel_backend: Backend) -> None:
    """C0 - C1 of rank one: the miss moves along a line, and the answer is that of its chord."""
    line = 0.3 * float(top(np.array(then), 10.0, kernel_backend))
    found = forecast_probability(*miss, 1000.0, 50.0, then, 10.0, line, backend=kernel_backend)
    difference = np.diag([1e6, 2500.0]) - np.array(then)
    direction = np.linalg.eigh(difference)[1][:, 1]
    sigma = np.sqrt(np.linalg.eigvalsh(difference)[1])
    variances, axes = np.linalg.eigh(np.array(then))

    def above(s: Floats) -> Floats:
        x, z = axes.T @ (np.array(miss)[:, np.newaxis] + direction[:, np.newaxis] * s)
        return plane_probability(x, z, *np.sqrt(variances), 10.0, backend=kernel_backend) - line

    places = np.linspace(-10.0, 10.0, 20_001) * sigma
    inside = np.flatnonzero(above(places) > 0.0)
    assert len(inside) > 10
    ends = [
        brentq(lambda s: float(above(np.array([s]))[0]), places[k], places[k + 1], xtol=1e-10)
        for k in (inside[0] - 1, inside[-1])
    ]
    exact = norm.cdf(ends[1] / sigma) - norm.cdf(ends[0] / sigma)
    assert float(found) == pytest.approx(exact, rel=1e-6)


def test_a_round_covariance_has_a_closed_form(backend: Backend) -> None:
    """Round now and then: the set is a disc, and the squared miss a noncentral chi-square."""
    for radius, miss, line in ((1.0, 300.0, 1e-5), (40.0, 20.0, 0.2), (300.0, 600.0, 0.01)):
        then, move = 50.0, np.sqrt(200.0**2 - 50.0**2)
        found = forecast_probability(
            miss * 0.6, -miss * 0.8, 200.0, 200.0, then**2 * np.eye(2), radius, line, backend=backend
        )
        edge = brentq(
            lambda d, r=radius, p=line: ncx2.cdf((r / 50.0) ** 2, 2, (d / 50.0) ** 2) - p,
            1e-9,
            radius + 500.0,
            xtol=1e-10,
        )
        exact = ncx2.cdf((edge / move) ** 2, 2, (miss / move) ** 2)
        assert float(found) == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize(
    ("radius", "then", "miss"),
    [
        (10.0, [[200.0**2, 3000.0], [3000.0, 60.0**2]], (900.0, -250.0)),
        (150.0, [[300.0**2, -9000.0], [-9000.0, 50.0**2]], (1200.0, 200.0)),
        (0.1, [[900.0**2, 0.0], [0.0, 20.0**2]], (-2500.0, 100.0)),
    ],
)
def test_martingale(radius: float, then: list[list[float]], miss: tuple[float, float], kernel_backend: Backend) -> None:
    """The mean of the future probability is the present one; the mean is the integral of P(Pc > line) over the line."""
    nodes, weights = np.polynomial.legendre.leggauss(16)
    edges = np.array([0.0, 0.5, 1.5, 3, 5, 8, 12, 18, 25, 35])
    half = 0.5 * np.diff(edges)
    y = (0.5 * (edges[1:] + edges[:-1])[:, np.newaxis] + half[:, np.newaxis] * nodes).ravel()
    line = float(top(np.array(then), radius, kernel_backend)) * np.exp(-y)
    above = forecast_probability(*miss, 1000.0, 300.0, then, radius, line, backend=kernel_backend)
    mean = (above * line * (half[:, np.newaxis] * weights).ravel()).sum() + line.min()
    now = plane_probability(*miss, 1000.0, 300.0, radius, backend=kernel_backend)
    assert float(mean) == pytest.approx(float(now), rel=1e-6)


@pytest.mark.slow
@CPU
def test_reliability(kernel_backend: Backend) -> None:
    """Synthetic truth, measured once more before the decision; the limits stand at the top of this file."""
    rng = np.random.default_rng(11)
    n, line, radius = 8_000, 1e-4, 10.0
    sigmas = np.stack([10.0 ** rng.uniform(2.3, 3.3, n), 10.0 ** rng.uniform(1.5, 2.3, n)], axis=1)
    then = shrunk(sigmas, rng.uniform(0.1, 0.95, (n, 2)), rng.uniform(0, np.pi, n))
    now = sigmas[:, :, np.newaxis] ** 2 * np.eye(2)
    miss = sigmas * rng.normal(size=(n, 2)) * 1.5
    forecast = forecast_probability(
        miss[:, 0], miss[:, 1], sigmas[:, 0], sigmas[:, 1], then, radius, line, backend=kernel_backend
    )

    def draw(covariance: Floats) -> Floats:
        return (np.linalg.cholesky(covariance) @ rng.normal(size=(n, 2, 1)))[..., 0]

    # an independent measurement that turns the covariance now into the one then, as Kalman's filter does
    noise = np.linalg.inv(np.linalg.inv(then) - np.linalg.inv(now))
    measured = miss + draw(now) + draw(0.5 * (noise + np.swapaxes(noise, 1, 2)))
    gain = now @ np.linalg.inv(now + noise)
    later = miss + (gain @ (measured - miss)[..., np.newaxis])[..., 0]
    variances, axes = np.linalg.eigh(then)
    x, z = (np.einsum("nij,ni->nj", axes, later)).T
    happened = plane_probability(
        x, z, np.sqrt(variances[:, 0]), np.sqrt(variances[:, 1]), radius, backend=kernel_backend
    )
    above = happened >= line
    assert 0.1 < above.mean() < 0.9
    tenth = np.minimum((forecast * 10).astype(int), 9)
    expected, observed, variance = (
        np.bincount(tenth, weights, 10) for weights in (forecast, above, forecast * (1.0 - forecast))
    )
    assert np.bincount(tenth, minlength=10).min() > 80
    score = (observed - expected) / np.sqrt(variance)
    assert np.abs(score).max() < 4.0
    assert (score**2).sum() < chi2.ppf(0.9999, 10)


def test_nothing_changes_until_the_decision(kernel_backend: Backend) -> None:
    """C1 = C0: a step."""
    now = np.diag([300.0**2, 100.0**2])
    pc = float(plane_probability(250.0, 40.0, 300.0, 100.0, 10.0, backend=kernel_backend))
    lines = pc * np.array([1 - 1e-4, 1, 1 + 1e-4])
    found = forecast_probability(250.0, 40.0, 300.0, 100.0, now, 10.0, lines, backend=kernel_backend)
    np.testing.assert_array_equal(found, [1.0, 1.0, 0.0])
    almost = forecast_probability(250.0, 40.0, 300.0, 100.0, now * (1 - 1e-12), 10.0, lines, backend=kernel_backend)
    np.testing.assert_allclose(almost, [1.0, 0.5, 0.0], atol=0.01)


def test_a_line_that_is_out_of_reach_or_always_reached(kernel_backend: Backend) -> None:
    then = np.diag([100.0**2, 50.0**2])
    highest = float(top(then, 10.0, kernel_backend))
    lines = highest * np.array([1.0, 1 + 1e-12, 2.0, 1 - 1e-9])
    found = forecast_probability(10.0, 5.0, 300.0, 100.0, then, 10.0, lines, backend=kernel_backend)
    np.testing.assert_array_equal(found[:3], 0.0)
    assert 0.0 < found[3] < 1e-8
    sure = forecast_probability(10.0, 5.0, 300.0, 100.0, then, 10.0, 1e-200, backend=kernel_backend)
    assert float(sure) == pytest.approx(1.0, abs=1e-12)
    far = forecast_probability(1e5, 0.0, 300.0, 100.0, then, 10.0, 1e-4, backend=kernel_backend)
    assert float(far) == 0.0


def test_a_covariance_that_grows_is_said_to(kernel_backend: Backend) -> None:
    """Along the axis that grows the miss stays; along the other one it moves as if the first did not change."""
    then = np.array([np.diag([400.0**2, 50.0**2]), np.diag([300.0**2, 50.0**2])])
    assert covariance_grows(300.0, 100.0, then).tolist() == [True, False]
    assert not covariance_grows(300.0, 100.0, np.diag([300.0**2, 100.0**2])).any()
    line = 1e-4
    found = forecast_probability(200.0, 30.0, 300.0, 100.0, then[0], 10.0, line, backend=kernel_backend)
    edge = brentq(
        lambda z: float(plane_probability(200.0, z, 400.0, 50.0, 10.0, backend=kernel_backend)) - line, 0.0, 1e3
    )
    move = np.sqrt(100.0**2 - 50.0**2)
    assert float(found) == pytest.approx(norm.cdf((edge - 30.0) / move) - norm.cdf((-edge - 30.0) / move), rel=1e-6)


def test_units_axes_and_company_do_not_matter(kernel_backend: Backend) -> None:
    rng = np.random.default_rng(5)
    n = 16
    sigmas = np.stack([10.0 ** rng.uniform(2, 3.5, n), 10.0 ** rng.uniform(1.5, 2.5, n)], axis=1)
    then = shrunk(sigmas, rng.uniform(0.05, 0.9, (n, 2)), rng.uniform(0, np.pi, n))
    miss = sigmas * rng.normal(size=(n, 2))
    radius = 10.0 ** rng.uniform(0, 2.5, n)
    line = top(then, radius, kernel_backend) * 10.0 ** rng.uniform(-4, -0.1, n)

    def run(m: Floats, s: Floats, c: Floats, r: Floats, p: Floats) -> Floats:
        return forecast_probability(m[:, 0], m[:, 1], s[:, 0], s[:, 1], c, r, p, backend=kernel_backend)

    found = run(miss, sigmas, then, radius, line)
    assert (found > 0.0).all()
    assert (found < 1.0).all()
    np.testing.assert_allclose(run(miss / 1e3, sigmas / 1e3, then / 1e6, radius / 1e3, line), found, rtol=1e-8)
    np.testing.assert_allclose(run(-miss, sigmas, then, radius, line), found, rtol=1e-8)
    mirror = np.array([[1.0, -1.0], [-1.0, 1.0]])
    np.testing.assert_allclose(run(miss * [1, -1], sigmas, then * mirror, radius, line), found, rtol=1e-8)
    swapped = then[:, ::-1, ::-1]
    np.testing.assert_allclose(run(miss[:, ::-1], sigmas[:, ::-1], swapped, radius, line), found, rtol=1e-8)
    alone = [
        run(miss[k : k + 1], sigmas[k : k + 1], then[k : k + 1], radius[k : k + 1], line[k : k + 1]) for k in range(n)
    ]
    np.testing.assert_array_equal(np.concatenate(alone), found)


def test_what_is_no_forecast() -> None:
    good = (1.0, 1.0, 10.0, 5.0, np.eye(2), 1.0, 1e-4)

    def run(place: int, value: object) -> float:
        return float(
            forecast_probability(*(value if k == place else x for k, x in enumerate(good)), backend="reference")
        )

    for place, value in (
        (0, NAN),
        (1, np.inf),
        (2, 0.0),
        (3, -1.0),
        (4, np.diag([1.0, 0.0])),
        (4, np.diag([1.0, NAN])),
    ):
        assert np.isnan(run(place, value))
    assert np.isnan(run(4, [[1.0, 2.0], [2.0, 1.0]]))
    assert np.isnan(run(5, NAN))
    assert (run(5, 0.0), run(5, -1.0), run(5, np.inf)) == (0.0, 0.0, 1.0)
    with pytest.raises(InputError, match="covariance_then is not symmetric"):
        run(4, [[1.0, 0.1], [0.2, 1.0]])
    with pytest.raises(InputError, match=r"covariance_then has shape \(3, 3\), allowed is \(\.\.\., 2, 2\)"):
        run(4, np.eye(3))
    for line in (0.0, -1.0, 1.5, NAN):
        with pytest.raises(InputError, match="allowed is above 0 and at most 1"):
            run(6, line)
    assert forecast_probability([], [], [], [], np.zeros((0, 2, 2)), [], []).shape == (0,)
