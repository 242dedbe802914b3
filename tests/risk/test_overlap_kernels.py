"""Orbits that bring two objects together: the kernels against their twin and SciPy, and where there are none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from stmgpu.backend import Backend, get_backend
from stmgpu.risk import equinoctial, overlap_kernels, overlap_reference
from stmgpu.risk.rotations import local_axes, turned
from stmgpu.typing import Floats

Pairs = tuple[list[Floats], list[Floats], Floats]


def _pairs(n: int, seed: int) -> Pairs:
    """Slow and fast pairs, nearly circular and eccentric ones, one reversed, one with known velocities."""
    rng = np.random.default_rng(seed)
    r = rng.normal(size=(n, 3))
    r *= rng.uniform(6.9e6, 9e6, (n, 1)) / np.linalg.norm(r, axis=1, keepdims=True)
    v = np.cross(r, rng.normal(size=(n, 3)))
    v *= rng.uniform(7.3e3, 8.3e3, (n, 1)) / np.linalg.norm(v, axis=1, keepdims=True)
    r[0], v[0] = [7e6, 0.0, 0.0], [0.0, -7.5e3, 1.0]
    first = np.hstack([r, v])
    second = first + rng.normal(size=(n, 6)) * 10.0 ** rng.uniform(0.5, 2.5, (n, 1)) * np.repeat([1.0, 0.3], 3)
    covariances = []
    for _ in range(2):
        root = rng.normal(size=(n, 6, 6)) * np.array([20.0, 300.0, 20.0, 0.3, 0.02, 0.02])[:, np.newaxis]
        root *= 10.0 ** rng.uniform(-1.0, 0.7, (n, 1, 1))
        root[1, 3:] = 0.0
        covariances.append(root @ root.transpose(0, 2, 1))
    return [first, second], covariances, 10.0 ** rng.uniform(-1.0, 2.0, n)


def _times(n: int) -> Floats:
    return np.linspace(-900.0, 1100.0, n)[:, np.newaxis] + np.linspace(-400.0, 500.0, 15)


def _expanded(overlaps: overlap_kernels.Overlaps | overlap_reference.Overlaps, times: Floats) -> tuple[Floats, ...]:
    orbits = overlaps.orbits(np.arange(len(times)), times)  # type: ignore[arg-type]
    chosen = np.nonzero(orbits.far < overlap_kernels.FAR)
    return (orbits.far, *overlaps.states(orbits, chosen))  # type: ignore[arg-type]


def test_kernels_agree_with_their_twin(kernel_backend: Backend) -> None:
    """Distances where they count, states to a millimetre and 1e-6 m/s, covariances in units of their sigmas."""
    given, times = _pairs(24, 1), _times(24)
    far, state, covariance = _expanded(overlap_kernels.Overlaps(*given, kernel_backend), times)
    expected, states, covariances = _expanded(overlap_reference.Overlaps(*given, get_backend("reference")), times)
    near = expected < overlap_kernels.FAR
    assert near.sum() > 100
    assert np.array_equal(near, far < overlap_kernels.FAR)
    np.testing.assert_allclose(far[near], expected[near], rtol=1e-6, atol=1e-5)
    assert np.abs(state - states)[:, :3].max() < 1e-3
    assert np.abs(state - states)[:, 3:].max() < 1e-6
    sigma = np.sqrt(np.einsum("nii->ni", covariances))
    assert np.abs((covariance - covariances) / (sigma[:, :, np.newaxis] * sigma[:, np.newaxis])).max() < 1e-6


def test_orbits_meet_at_the_least_distance(kernel_backend: Backend) -> None:
    """No others that touch the sphere lie nearer to the means: SciPy's minimum under that constraint is the same."""
    states, covariances, radius = given = _pairs(24, 2)
    times = np.linspace(-300.0, 300.0, 24)
    found = overlap_kernels.Overlaps(*given, kernel_backend).orbits(np.arange(24), times[:, np.newaxis]).far[:, 0]
    outside = 2 + np.flatnonzero((found[2:] > 0.01) & (found[2:] < 100.0))  # the second covariance has no root
    assert len(outside) >= 3
    for k in outside[:3].tolist():
        means, roots, sense = [], [], [equinoctial.sense_of(x[k]) for x in states]
        for x, s, own in zip(states, sense, covariances, strict=True):
            means.append(equinoctial.elements(x[k], s))
            by_state = equinoctial.inverse_jacobian(means[-1], equinoctial.jacobian(means[-1], 0.0, s))
            inertial = turned(local_axes("RTN", x[k : k + 1]), own[k : k + 1])[0]
            roots.append(by_state @ np.linalg.cholesky(inertial))

        def gap(z: Floats, k: int = k, given: Any = (means, roots, sense)) -> float:
            places = [
                equinoctial.state(m + r @ z[i : i + 6], times[k], s) for i, m, r, s in zip((0, 6), *given, strict=True)
            ]
            return float(np.linalg.norm((places[0] - places[1])[:3]) / radius[k] - 1.0)

        best = minimize(
            lambda z: z @ z,
            np.full(12, 0.01),
            jac=lambda z: 2.0 * z,
            constraints={"type": "eq", "fun": gap},
            method="SLSQP",
            options={"maxiter": 300, "ftol": 1e-9},
        )
        assert best.success, best.message
        assert abs(best.fun / found[k] - 1.0) < 1e-3


def test_same_in_any_batch(kernel_backend: Backend) -> None:
    states, covariances, radius = given = _pairs(8, 4)
    times = _times(8)
    whole = overlap_kernels.Overlaps(*given, kernel_backend).orbits(np.arange(8), times).far
    order = np.array([5, 2, 7])
    part = overlap_kernels.Overlaps(
        [x[order] for x in states], [c[order] for c in covariances], radius[order], kernel_backend
    )
    assert np.array_equal(part.orbits(np.array([2, 0, 1]), times[order[[2, 0, 1]]]).far, whole[order[[2, 0, 1]]])


@pytest.mark.parametrize("kind", ["known", "far", "broken"])
def test_no_orbits_bring_them_together(kind: str, backend: Backend) -> None:
    """Nothing is uncertain, or nothing is near, or a number is none."""
    states, covariances, radius = _pairs(2, 5)
    if kind == "known":
        covariances = [np.zeros((2, 6, 6)) for _ in covariances]
    elif kind == "far":
        states[1][:, :3] *= 1.4
    else:
        covariances[0][:, 0, 0] = np.nan
    module = overlap_kernels if backend.runs_kernels else overlap_reference
    far = module.Overlaps(states, covariances, radius, backend).orbits(np.arange(2), _times(2)).far
    assert (far > overlap_kernels.FAR).all()
