"""The remedy for covariances that are not positive definite: what it changes, and what it leaves alone."""

from __future__ import annotations

import numpy as np

from stmgpu.risk.positive import FLOOR, remedied

RNG = np.random.default_rng(2)


def test_positive_definite_matrices_are_untouched() -> None:
    root = RNG.normal(size=(100, 6, 6)) * np.exp(RNG.uniform(-5.0, 5.0, (100, 6, 1)))
    given = root @ np.swapaxes(root, 1, 2)
    given = 0.5 * (given + np.swapaxes(given, 1, 2))
    found, changed = remedied(given)
    np.testing.assert_array_equal(found, given)
    assert not changed.any()


def test_a_negative_eigenvalue_is_raised_and_told() -> None:
    """Variances keep their size, whatever their units; the matrix is the nearest one in correlations."""
    for spoil in (1e-9, 1e-4, 0.05):
        shape = np.eye(6)
        shape[0, 4] = shape[4, 0] = -(1.0 + spoil)
        sigma = np.array([1e2, 1e4, 1e2, 1e1, 1e-1, 1e-1])
        given = np.outer(sigma, sigma) * shape
        (found,), (changed,) = remedied(given[None])
        assert changed
        scaled = found / np.outer(sigma, sigma)
        values = np.linalg.eigvalsh(scaled)
        assert 0.0 < values[0] < 1e3 * FLOOR
        np.testing.assert_allclose(scaled.diagonal(), np.where(np.isin(np.arange(6), [0, 4]), 1.0 + spoil / 2.0, 1.0))
        assert np.abs(scaled - shape).max() <= 0.51 * spoil
        np.linalg.cholesky(scaled)


def test_what_is_not_finite_or_has_no_variance_stays_as_it_is() -> None:
    given = np.stack([np.full((3, 3), np.nan), np.zeros((3, 3)), np.diag([1.0, -1.0, 1.0])])
    found, changed = remedied(given)
    np.testing.assert_array_equal(found, given)
    assert not changed.any()
    assert len(remedied(np.empty((0, 6, 6)))[0]) == 0
