"""Realism of covariances: squared distances of errors in units of their covariance against chi-square.

If errors e are normal with covariance C, d^2 = e^T C^-1 e follows chi-square with three degrees of freedom. The test is
Cramer and von Mises'. The scale is the factor of all sigmas for which the test fits best; above 1 the covariances are
too small. See J. Horwood et al., SPIE 9092 (2014) for the test, NASA CARA for the scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from stmgpu.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from stmgpu.typing import Floats

FREEDOM = 3
"""Degrees of freedom: the axes of a position."""

LEAST = 10
"""Errors from which a realism is tested."""

_GRID = np.linspace(np.log(1e-4), np.log(1e4), 81)


@dataclass(frozen=True)
class Realism:
    """Realism of n covariances.

    Attributes
    ----------
    count : int
        Errors.
    mean : float
        Mean of d^2; 3 if the covariances are right.
    median : float
        Median of d^2; 2.366 if they are right.
    statistic, p_value : float
        Of the test of Cramer and von Mises; a small p-value says that the covariances are not right. NaN below 10
        errors.
    scale : float
        Factor of all sigmas for which the statistic is smallest; NaN below 10 errors.
    """

    count: int
    mean: float
    median: float
    statistic: float
    p_value: float
    scale: float


def squared_distances(error_m: npt.ArrayLike, covariance_m2: npt.ArrayLike) -> Floats:
    """Squared distances of errors in units of their covariances.

    Parameters
    ----------
    error_m : array_like, shape (n, 3)
        Errors [m].
    covariance_m2 : array_like, shape (n, 3, 3)
        Covariances along the same axes [m^2].

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN where an error or covariance is not finite, or a covariance is not positive definite.

    Examples
    --------
    >>> squared_distances([[3.0, 0.0, 8.0]], np.diag([9.0, 1.0, 16.0])[None]).tolist()
    [5.0]
    """
    e, c = np.asarray(error_m, np.float64), np.asarray(covariance_m2, np.float64)
    if e.ndim != 2 or e.shape[1] != 3 or c.shape != (len(e), 3, 3):
        raise InputError(f"errors and covariances have shapes {e.shape} and {c.shape}; allowed are (n, 3), (n, 3, 3)")
    found = np.full(len(e), np.nan)
    usable = np.isfinite(e).all(axis=1) & np.isfinite(c).all(axis=(1, 2))
    sigma = np.sqrt(np.maximum(np.diagonal(c, axis1=1, axis2=2), 0.0))
    usable &= (sigma > 0.0).all(axis=1)
    scaled = c[usable] / sigma[usable][:, :, None] / sigma[usable][:, None, :]
    positive = np.linalg.eigvalsh(scaled)[:, 0] > 0.0
    rows = np.flatnonzero(usable)[positive]
    z = e[rows] / sigma[rows]
    found[rows] = np.einsum("ni,ni->n", z, np.linalg.solve(scaled[positive], z[..., None])[..., 0])
    return found


def realism(distance2: npt.ArrayLike) -> Realism:
    """Test squared distances against chi-square.

    Parameters
    ----------
    distance2 : array_like, shape (n,)
        From :func:`squared_distances`; those that are not finite are left out.

    Examples
    --------
    >>> right = realism(scipy.stats.chi2.ppf((np.arange(100) + 0.5) / 100, 3))
    >>> right.count, round(right.scale, 2), right.p_value > 0.99
    (100, 1.0, True)
    """
    values = np.asarray(distance2, np.float64).reshape(-1)
    values = values[np.isfinite(values)]
    n = len(values)
    if n == 0:
        return Realism(0, np.nan, np.nan, np.nan, np.nan, np.nan)
    mean, median = float(values.mean()), float(np.median(values))
    if n < LEAST:
        return Realism(n, mean, median, np.nan, np.nan, np.nan)
    test = scipy.stats.cramervonmises(values, scipy.stats.chi2(FREEDOM).cdf)
    return Realism(n, mean, median, float(test.statistic), float(test.pvalue), _scale(np.sort(values)))


def _scale(values: Floats) -> float:
    """Scale of the sigmas with the smallest statistic of Cramer and von Mises; values are sorted."""
    rank = (2.0 * np.arange(len(values)) + 1.0) / (2.0 * len(values))

    def misfit(log_scale: float) -> float:
        return float(np.sum((rank - scipy.stats.chi2.cdf(values * np.exp(-2.0 * log_scale), FREEDOM)) ** 2))

    median = float(np.median(values))
    if median == 0.0:
        return 0.0
    middle = 0.5 * np.log(median / scipy.stats.chi2.median(FREEDOM))
    grid = _GRID + middle
    best = int(np.clip(np.argmin([misfit(x) for x in grid.tolist()]), 1, len(grid) - 2))
    found = scipy.optimize.minimize_scalar(
        misfit, bounds=(grid[best - 1], grid[best + 1]), method="bounded", options={"xatol": 1e-6}
    )
    return float(np.exp(found.x))
