"""Factors of covariances, orbits with their changes, and the times at which distances are looked at."""

from __future__ import annotations

import numpy as np
import pytest

from stmgpu.errors import InputError
from stmgpu.risk import equinoctial, sampling
from stmgpu.risk.encounter import check_symmetric


def _covariances(n: int, seed: int) -> np.ndarray:
    shape = np.random.default_rng(seed).normal(size=(n, 6, 6)) * np.array([10, 3000, 10, 3, 1e-2, 1e-2])[:, np.newaxis]
    found: np.ndarray = shape @ shape.transpose(0, 2, 1)
    return found


def test_factors_have_their_covariance() -> None:
    c = _covariances(20, 1)
    c[3:6, 4:] = 0.0
    c[3:6, :, 4:] = 0.0
    found = sampling.factors(c)
    assert found.flags.tolist() == [0] * 20
    variance = np.einsum("nii->ni", c)
    scale = np.sqrt(np.where(variance > 0.0, variance, 1.0))
    error = (found.matrix @ found.matrix.transpose(0, 2, 1) - c) / (scale[:, :, np.newaxis] * scale[:, np.newaxis])
    assert np.abs(error[c != 0.0]).max() < 1e-14
    assert len(sampling.factors(c[:0]).flags) == 0


def test_eigenvalues_below_zero() -> None:
    """Slightly below: taken as zero and told. Far below: none."""
    c = np.array([np.diag([1.0, 4.0, 9.0])] * 4)
    for k, off in enumerate((0.5, 1.005, 1.5)):
        c[k, 0, 1] = c[k, 1, 0] = 2.0 * off
    c[3, 2, 2] = np.inf
    found = sampling.factors(c)
    assert found.flags.tolist() == [0, sampling.CLIPPED, sampling.NOT_POSITIVE, sampling.NOT_FINITE]
    assert found.clipped[1] == pytest.approx(-0.005 / 2.005)
    assert (found.matrix[2:] == 0.0).all()
    spread = found.matrix[1] @ found.matrix[1].T
    assert np.linalg.eigvalsh(spread).min() == pytest.approx(0.0, abs=1e-14)
    assert spread == pytest.approx(c[1], rel=6e-3)


def test_asymmetric_covariances_are_named() -> None:
    c = _covariances(3, 2)
    check_symmetric(c, "covariance")
    c[1, 0, 1] *= 1.0 + 1e-6
    with pytest.raises(InputError, match="covariance is not symmetric at encounter 1"):
        check_symmetric(c, "covariance")


def test_changes_of_elements_are_changes_of_the_state() -> None:
    """A deviate of 1e-3 moves the state by that of the covariance's factor, along the axes of the object."""
    rng = np.random.default_rng(3)
    r = rng.normal(size=(8, 3)) * 5000.0 + [7000.0, 0.0, 0.0]
    v = np.cross(r, rng.normal(size=(8, 3)))
    v *= np.sqrt(398600.0 / np.linalg.norm(r, axis=1) * 1.2)[:, np.newaxis] / np.linalg.norm(v, axis=1, keepdims=True)
    c = _covariances(8, 4)
    found = sampling.orbits(r, v, c)
    assert (found.flags == 0).all()
    radial, normal = r / np.linalg.norm(r, axis=1, keepdims=True), np.cross(r, v)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    axes = np.stack([radial, np.cross(normal, radial), normal], axis=2)
    for column in range(6):
        z = np.zeros(6)
        z[column] = 1e-3
        moved, back = (equinoctial.state(found.elements + s * found.factor @ z, 0.0, found.sense) for s in (1, -1))
        change = 0.5 * (moved - back)
        own = np.concatenate([np.einsum("nji,nj->ni", axes, change[:, k : k + 3]) for k in (0, 3)], axis=1)
        expected = 1e-3 * sampling.factors(c).matrix[:, :, column]
        np.testing.assert_allclose(own, expected, rtol=1e-4, atol=2e-8)


def test_an_orbit_that_cannot_be_moved() -> None:
    r = np.array([[7000.0, 0.0, 0.0]] * 3)
    v = np.array([[0.0, 11.0, 0.0], [0.0, 10.6, 0.0], [0.0, 7.5, 0.0]])  # a hyperbola, e = 0.973, and a circle
    found = sampling.orbits(r, v, np.zeros((3, 6, 6)))
    assert found.flags.tolist() == [sampling.NOT_MOVED, sampling.NOT_MOVED, 0]


def test_times_follow_the_more_eccentric_orbit() -> None:
    r = np.array([[7000.0, 0.0, 0.0]] * 3)
    v = np.array([[0.0, 7.5, 0.0], [0.0, 9.8, 0.0], [0.0, 7.5, 0.0]])
    orbit = sampling.orbits(r, v, np.zeros((3, 6, 6))).elements
    start, stop = np.array([-1.0, -9000.0, 3.0]), np.array([1.0, 9000.0, 3.0])
    groups = sampling.times(orbit, orbit[[0, 0, 0]], start, stop)
    assert sorted(k for which, _ in groups for k in which.tolist()) == [0, 1, 2]
    for which, t in groups:
        assert (t[:, 0] == start[which]).all()
        assert (t[:, -1] == stop[which]).all()
        if 1 in which:
            assert (np.diff(t) > 0.0).all()
            states = equinoctial.state(orbit[1], t[0])
            a = (equinoctial.MU_M3_S2 / orbit[1, 0] ** 2) ** (1 / 3)
            near = np.linalg.norm(states[:, :3], axis=1) / a
            steps = np.diff(t[0]) * orbit[1, 0] / (0.5 * (near[1:] + near[:-1]))
            assert steps.max() < 1.05 * sampling.STEP
            assert len(t[0]) > 20
        else:
            assert t.shape[1] == 2


def test_ids_follow_the_states() -> None:
    states = np.random.default_rng(5).normal(size=(200, 6))
    ids = sampling.ids(states[:, :3], states[:, 3:])
    assert len(set(ids.tolist())) == 200
    assert (ids >= 0).all()
    assert (ids < 2**60).all()
    assert sampling.ids(states[7:8]).tolist() == ids[7:8].tolist()
    assert sampling.ids(np.zeros((1, 2))).tolist() == sampling.ids(-np.zeros((1, 2))).tolist()
