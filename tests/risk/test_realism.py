"""Realism of covariances: distances the slow way, right and wrong covariances, the scale that was put in."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2, cramervonmises

from stmgpu.errors import InputError
from stmgpu.risk.realism import realism, squared_distances
from stmgpu.typing import Floats

RNG = np.random.default_rng(8)


def drawn(n: int, scale: float = 1.0) -> tuple[Floats, Floats]:
    """Errors of very different covariances; `scale` times too large."""
    root = RNG.normal(size=(n, 3, 3)) * np.exp(RNG.uniform(-3.0, 5.0, (n, 3, 1)))
    error = scale * np.einsum("nij,nj->ni", root, RNG.normal(size=(n, 3)))
    return error, root @ np.swapaxes(root, 1, 2)


def test_distances_against_an_inverse() -> None:
    error, covariance = drawn(300)
    expected = [e @ np.linalg.inv(c) @ e for e, c in zip(error, covariance, strict=True)]
    np.testing.assert_allclose(squared_distances(error, covariance), expected, rtol=1e-6)


@pytest.mark.parametrize("scale", [0.05, 0.5, 1.0, 3.0, 40.0])
def test_the_scale_that_was_put_in_is_found(scale: float) -> None:
    """The standard error of a scale from 3 x 1000 normal numbers is about 2 %."""
    found = realism(squared_distances(*drawn(1000, scale)))
    assert found.count == 1000
    assert found.scale == pytest.approx(scale, rel=0.06)
    assert found.mean == pytest.approx(3.0 * scale**2, rel=0.2)
    assert (found.p_value > 1e-3) == (scale == 1.0)


def test_the_test_is_scipys_and_the_scale_its_minimum() -> None:
    distance2 = squared_distances(*drawn(200, 2.0))
    found = realism(distance2)
    test = cramervonmises(distance2, chi2(3).cdf)
    assert (found.statistic, found.p_value) == (test.statistic, test.pvalue)
    least = cramervonmises(distance2 / found.scale**2, chi2(3).cdf).statistic
    for scale in np.exp(np.linspace(np.log(1e-2), np.log(1e2), 40)):
        assert cramervonmises(distance2 / scale**2, chi2(3).cdf).statistic >= least - 1e-9


def test_what_has_no_distance_does_not_count() -> None:
    error, covariance = drawn(5)
    covariance[0] = np.nan
    covariance[1] = np.diag([1.0, 1.0, -1.0])
    covariance[2] = [[1.0, 2.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    error[3, 1] = np.inf
    distance2 = squared_distances(error, covariance)
    assert np.isfinite(distance2).tolist() == [False, False, False, False, True]
    found = realism(distance2)
    assert found.count == 1
    assert np.isnan([found.statistic, found.p_value, found.scale]).all()
    assert realism([]).count == 0
    with pytest.raises(InputError, match=r"allowed are \(n, 3\)"):
        squared_distances(np.zeros((2, 6)), np.zeros((2, 3, 3)))


def test_distances_that_are_all_zero_have_the_scale_zero() -> None:
    assert realism(np.zeros(20)).scale == 0.0
