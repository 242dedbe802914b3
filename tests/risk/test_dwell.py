"""Probability over an interval of straight motion: against Monte Carlo, an integral over velocities, closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import beta, ncx2

from stmgpu.backend import Backend
from stmgpu.errors import InputError
from stmgpu.risk import dwell_probability, plane_probability
from stmgpu.risk.dwell import CLIPPED, inside_probability
from stmgpu.typing import Floats


def _random(n: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Slow pairs with all correlations between position and velocity."""
    rng = np.random.default_rng(seed)
    spread = rng.normal(size=(n, 6, 6)) * 10.0 ** rng.uniform(-1.0, 0.5, (n, 6, 1))
    spread *= np.repeat([30.0, 0.3], 3)[:, np.newaxis]
    mean = np.hstack([60.0 * rng.normal(size=(n, 3)), rng.normal(size=(n, 3)) * 10.0 ** rng.uniform(-2.0, 1.0, (n, 1))])
    return mean, spread @ spread.transpose(0, 2, 1), rng.uniform(5.0, 60.0, n)


@pytest.mark.slow
def test_within_the_limits_of_monte_carlo() -> None:
    """At most two of 24 pairs beyond limits of 99 %."""
    mean, covariance, radius = _random(24, 5)
    found = dwell_probability(mean, covariance, radius, -200.0, 400.0, backend="cpu").probability
    rng, samples, outside = np.random.default_rng(6), 60_000, 0
    for k in range(24):
        drawn = rng.multivariate_normal(mean[k], covariance[k], samples, method="svd")
        r, v = drawn[:, :3], drawn[:, 3:]
        nearest = np.clip(-(r * v).sum(axis=1) / (v * v).sum(axis=1), -200.0, 400.0)
        hits = int((((r + nearest[:, np.newaxis] * v) ** 2).sum(axis=1) <= radius[k] ** 2).sum())
        low, high = beta.ppf([0.005, 0.995], [hits, hits + 1], [samples - hits + 1, samples - hits])
        outside += not (np.nan_to_num(low) <= found[k] <= high)
    assert outside <= 2


def test_exact_for_straight_lines_of_uncertain_velocity(backend: Backend) -> None:
    """Inside and entries are the probability itself: integrated over velocities and capsules, without any rate."""
    mean = np.array([40.0, 12.0, -9.0, -0.5, 0.1, 0.2])
    root = np.diag([9.0, 6.0, 12.0, 0.03, 0.04, 0.02])
    root[3:, :3] = 1e-3 * np.array([[2.0, -1.0, 0.5], [0.3, 1.0, 0.2], [-0.4, 0.6, 1.5]])
    covariance, radius, stop = root @ root.T, 10.0, 90.0
    expected = _over_velocities(mean, covariance, radius, stop)
    found = dwell_probability(mean, covariance, radius, 0.0, stop, backend=backend)
    assert found.flags.tolist() == [0]
    assert 0.01 < expected < 0.9
    np.testing.assert_allclose(found.inside + found.entries, expected, rtol=1e-5)


def _over_velocities(mean: Floats, covariance: Floats, radius: float, stop: float) -> float:
    """Probability to start in the capsule that the sphere sweeps backwards, averaged over velocities."""
    node, weight = np.polynomial.hermite_e.hermegauss(10)
    z = np.stack(np.meshgrid(node, node, node, indexing="ij"), axis=-1).reshape(-1, 3)
    weights = np.einsum("i,j,k->ijk", weight, weight, weight).ravel() / np.sqrt(2.0 * np.pi) ** 3
    lower = np.linalg.cholesky(covariance[3:, 3:])
    gain = covariance[:3, 3:] @ np.linalg.inv(covariance[3:, 3:])
    left = covariance[:3, :3] - gain @ covariance[3:, :3]
    x, w = np.polynomial.legendre.leggauss(24)
    rho, rho_weight = 0.5 * radius * (x + 1.0), 0.5 * radius * w
    angle = 2.0 * np.pi * np.arange(40) / 40.0
    b = np.stack([np.multiply.outer(rho, f(angle)) for f in (np.cos, np.sin)], axis=-1).reshape(-1, 2)
    area = np.repeat(rho * rho_weight, 40) * 2.0 * np.pi / 40.0
    total = 0.0
    for off, one in zip(z @ lower.T, weights, strict=True):
        v, centre = mean[3:] + off, mean[:3] + gain @ off
        axes = np.linalg.qr(np.column_stack([v, np.eye(3)[:, :2]]))[0]
        axes[:, 0] = v / np.linalg.norm(v)
        m, p = axes.T @ centre, axes.T @ left @ axes
        across = np.linalg.inv(p[1:, 1:])
        d = b - m[1:]
        density = np.exp(-0.5 * np.einsum("ni,ij,nj->n", d, across, d)) * np.sqrt(np.linalg.det(across)) / 2.0 / np.pi
        along = m[0] + d @ across @ p[1:, 0]
        sigma = np.sqrt(p[0, 0] - p[0, 1:] @ across @ p[1:, 0])
        edge = np.sqrt(radius**2 - (b * b).sum(axis=1))
        swept = ndtr((edge - along) / sigma) - ndtr((-edge - np.linalg.norm(v) * stop - along) / sigma)
        total += one * float((density * swept * area).sum())
    return total


def test_a_fast_pass_has_the_probability_of_the_plane(kernel_backend: Backend) -> None:
    """Without spread of velocity and over a whole pass it is the two-dimensional probability, needles included."""
    rng = np.random.default_rng(4)
    n = 40
    radius, minor = 10.0 ** rng.uniform(0.0, 1.5, n), 10.0 ** rng.uniform(0.0, 2.0, n)
    major = minor * 10.0 ** rng.uniform(0.0, 2.0, n)
    miss = np.stack([major, minor]) * rng.normal(size=(2, n)) * 2.0
    mean, covariance = np.zeros((n, 6)), np.zeros((n, 6, 6))
    mean[:, 1], mean[:, 2], mean[:, 3] = miss[0], miss[1], 10.0 ** rng.uniform(0.0, 4.0, n)
    covariance[:, 0, 0], covariance[:, 1, 1], covariance[:, 2, 2] = (
        (50.0 * rng.uniform(1, 20, n)) ** 2,
        major**2,
        minor**2,
    )
    span = 12.0 * np.sqrt(covariance[:, 0, 0]) + radius
    span = 60.0 * span / mean[:, 3]
    found = dwell_probability(mean, covariance, radius, -span, span, backend=kernel_backend)
    expected = plane_probability(miss[0], miss[1], major, minor, radius, backend="cpu")
    np.testing.assert_allclose(found.probability, expected, rtol=1e-5, atol=1e-30)


def test_a_pass_may_begin_and_end_anywhere(kernel_backend: Backend) -> None:
    """Parts of an interval: entries add up, and what was inside before counts as inside."""
    mean, covariance, radius = _random(3, 8)
    whole = dwell_probability(mean, covariance, radius, -100.0, 300.0, backend=kernel_backend)
    parts = [
        dwell_probability(mean, covariance, radius, a, b, backend=kernel_backend).entries
        for a, b in ((-100.0, 7.0), (7.0, 7.0), (7.0, 300.0))
    ]
    assert not parts[1].any()
    np.testing.assert_allclose(sum(parts), whole.entries, rtol=1e-5)


def test_a_needle_in_a_day(kernel_backend: Backend) -> None:
    """A pass of a hundredth of a second, somewhere within a day."""
    covariance = np.diag([4.0, 4.0, 4.0, 0.0, 0.0, 0.0])
    mean = np.array([7e6, 1.0, 0.0, -3000.0, 0.0, 0.0])
    found = dwell_probability(mean, covariance, 5.0, 0.0, 86_400.0, backend=kernel_backend)
    np.testing.assert_allclose(found.entries, plane_probability(1.0, 0.0, 2.0, 2.0, 5.0, backend="cpu"), rtol=1e-6)


def test_no_motion(backend: Backend) -> None:
    """Without velocity and its spread only the inside counts."""
    covariance = np.zeros((6, 6))
    covariance[:3, :3] = 9.0 * np.eye(3)
    found = dwell_probability([2.0, 0, 0, 0, 0, 0], covariance, 4.0, -1e3, 1e3, backend=backend)
    assert found.entries.tolist() == [0.0]
    np.testing.assert_allclose(found.probability, ncx2.cdf((4.0 / 3.0) ** 2, 3, (2.0 / 3.0) ** 2), rtol=1e-8)


def test_inside_a_ball(backend: Backend) -> None:
    """Round clouds are known; others are averages over many points of their own axes."""
    radius, distance = np.array([0.1, 3.0, 10.0, 40.0]), np.array([0.0, 2.0, 30.0, 35.0])
    states, covariance = np.zeros((4, 6)), np.zeros((4, 6, 6))
    states[:, 2] = distance
    covariance[:, :3, :3] = 16.0 * np.eye(3)
    found, _ = inside_probability(states, covariance, radius, backend=backend)
    np.testing.assert_allclose(found, ncx2.cdf((radius / 4.0) ** 2, 3, (distance / 4.0) ** 2), rtol=1e-7)
    mean, covariance, radius = _random(6, 12)
    found, _ = inside_probability(mean, covariance, radius, backend=backend)
    x, w = np.polynomial.legendre.leggauss(60)
    for k in range(6):
        r, theta, phi = 0.5 * radius[k] * (x + 1.0), 0.5 * np.pi * (x + 1.0), np.pi * (x + 1.0)
        n = np.stack(
            [
                np.outer(np.sin(theta), np.cos(phi)),
                np.outer(np.sin(theta), np.sin(phi)),
                np.outer(np.cos(theta), 0 * phi + 1),
            ],
            axis=-1,
        )
        off = np.multiply.outer(r, n) - mean[k, :3]
        inverse = np.linalg.inv(covariance[k, :3, :3])
        density = np.exp(-0.5 * np.einsum("...i,ij,...j->...", off, inverse, off))
        volume = np.einsum("i,j,k->ijk", r * r * w, np.sin(theta) * w, w) * 0.5 * radius[k] * 0.5 * np.pi * np.pi
        expected = float((density * volume).sum()) * np.sqrt(np.linalg.det(inverse / (2.0 * np.pi)))
        np.testing.assert_allclose(found[k], expected, rtol=1e-5, atol=1e-40)


def test_invariant_to_rotation_and_units(kernel_backend: Backend) -> None:
    mean, covariance, radius = _random(4, 9)
    found = dwell_probability(mean, covariance, radius, -50.0, 100.0, backend=kernel_backend)
    turn = np.kron(np.eye(2), np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0])
    turned = dwell_probability(mean @ turn.T, turn @ covariance @ turn.T, radius, -50.0, 100.0, backend=kernel_backend)
    np.testing.assert_allclose(turned.probability, found.probability, rtol=3e-6)
    scaled = dwell_probability(mean * 1e-3, covariance * 1e-6, radius * 1e-3, -50.0, 100.0, backend=kernel_backend)
    np.testing.assert_allclose(scaled.probability, found.probability, rtol=3e-6)


def test_same_bytes_in_any_order(kernel_backend: Backend) -> None:
    mean, covariance, radius = _random(4, 10)
    found = dwell_probability(mean, covariance, radius, -50.0, 100.0, backend=kernel_backend)
    order = np.random.default_rng(2).permutation(4)
    other = dwell_probability(mean[order], covariance[order], radius[order], -50.0, 100.0, backend=kernel_backend)
    assert np.array_equal(other.probability, found.probability[order])
    alone = dwell_probability(mean[3], covariance[3], radius[3], -50.0, 100.0, backend=kernel_backend)
    assert np.array_equal(alone.probability, found.probability[3:4])


def test_radii_that_are_no_spheres(backend: Backend) -> None:
    mean, covariance, _ = _random(1, 11)
    found = dwell_probability(mean, covariance, [0.0, -1.0, np.inf], 0.0, 10.0, backend=backend)
    assert found.probability.tolist() == [0.0, 0.0, 1.0]
    assert dwell_probability(np.empty((0, 6)), np.empty((0, 6, 6)), [], [], [], backend=backend).probability.shape == (
        0,
    )


def test_known_positions_are_clipped(kernel_backend: Backend) -> None:
    """No spread of position at all: the sphere is met or missed, by more than the smallest sigma."""
    mean = np.array([[100.0, 3.0, 0.0, -10.0, 0.0, 0.0], [100.0, 13.0, 0.0, -10.0, 0.0, 0.0]])
    found = dwell_probability(mean, np.zeros((6, 6)), 10.0, 0.0, 60.0, backend=kernel_backend)
    assert found.flags.tolist() == [CLIPPED, CLIPPED]
    np.testing.assert_allclose(found.probability, [1.0, 0.0], atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mean": np.zeros(5)}, r"mean must have the shape \(n, 6\), got \(5,\)"),
        ({"covariance": np.eye(3)}, r"covariance must have the shape \(n, 6, 6\)"),
        ({"radius": [1.0, 2.0], "stop_s": [1.0, 2.0, 3.0]}, r"of one number of pairs, got \[2, 3\]"),
        ({"mean": [0, 0, np.nan, 0, 0, 0]}, "mean of pair 0 is not finite"),
        ({"stop_s": np.inf}, "stop_s of pair 0 is not finite"),
        ({"radius": np.nan}, "radius of pair 0 is not a number"),
        ({"start_s": 7.0}, "the interval of pair 0 ends at 5.0 s, before its start 7.0 s"),
        ({"covariance": np.eye(6) + np.eye(6, k=1)}, "covariance is not symmetric at encounter 0"),
        ({"covariance": np.diag([1.0, 1, 1, 1, 1, -1])}, "of pair 0 is not positive semidefinite"),
    ],
)
def test_wrong_arguments_are_named(change: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"mean": np.zeros(6), "covariance": np.eye(6), "radius": 1.0, "start_s": 0.0, "stop_s": 5.0}
    with pytest.raises(InputError, match=message):
        dwell_probability(**(given | change), backend="reference")
