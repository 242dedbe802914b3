"""Largest collision probability over what is not known of the covariances: their size, or one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import erf

from stmgpu.backend import get_backend
from stmgpu.risk.pc import in_principal_axes, plane_probability

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.backend import Backend
    from stmgpu.typing import Floats, Ints

_POINTS = 17
_NARROW = 2e-4
"""Width of the bracket in the logarithm of the scale from which a parabola leads to the maximum."""


def maximum_probability(
    miss_major: ArrayLike,
    miss_minor: ArrayLike,
    sigma_major: ArrayLike,
    sigma_minor: ArrayLike,
    radius: ArrayLike,
    *,
    backend: str | Backend = "auto",
) -> tuple[Floats, Floats]:
    """Largest collision probability when both sigmas are multiplied by one number, and that number.

    The arguments are broadcast against each other and have one unit of length. With the miss along the major axis,
    ``sigma_major`` an aspect ratio and ``sigma_minor`` 1, the number is the minor sigma (S. Alfano, "Relating position
    uncertainty to maximum conjunction probability", J. Astronaut. Sci. 53 (2005) 193), as SOCRATES prints both.

    Parameters
    ----------
    miss_major, miss_minor : array_like
        Miss along the principal axes of the combined covariance; the sign does not matter.
    sigma_major, sigma_minor : array_like
        Standard deviations along these axes, in either order. One may be 0: a needle, of infinite aspect ratio.
    radius : array_like
        Combined hard-body radius.
    backend : str or Backend, optional
        Backend or its name, see :func:`stmgpu.get_backend`.

    Returns
    -------
    probability : float64
        Of the broadcast shape; 1 where the miss is shorter than the radius, 0 for a radius of 0 or less, NaN where a
        number is not finite or both sigmas are 0. The relative error is below 1e-12.
    scale : float64
        Factor of both sigmas at the maximum, to about 1e-6: a probability is diluted where it is below 1. 0 where the
        miss is at most the radius, NaN where the probability is NaN or 0.

    Examples
    --------
    For a small round disc the maximum is (R/d)^2 / e at a sigma of d / sqrt(2).

    >>> probability, scale = maximum_probability(1000.0, 0.0, 1.0, 1.0, 1.0, backend="reference")
    >>> round(float(probability) * 1e6, 4), round(float(scale), 2)
    (0.3679, 707.11)
    """
    shape, (xm, zm, sx, sz, r) = in_principal_axes(miss_major, miss_minor, sigma_major, sigma_minor, radius)
    probability, scale = np.full(r.shape, np.nan), np.full(r.shape, np.nan)
    known = np.isfinite(xm) & np.isfinite(zm) & np.isfinite(sx) & (sx > 0.0) & (sz >= 0.0)
    miss = np.hypot(xm, zm)
    probability[known & (r <= 0.0)] = 0.0
    inside = known & (r > 0.0) & (r >= miss)
    probability[inside] = np.where(r[inside] > miss[inside], 1.0, 0.5)
    scale[inside] = 0.0
    rest = known & (r > 0.0) & (r < miss)
    runner = get_backend(backend) if isinstance(backend, str) else backend
    for chosen, solve in ((rest & (sz == 0.0), _needle), (rest & (sz > 0.0), _search)):
        if chosen.any():
            columns = [x[chosen] for x in (xm, zm, sx, sz, r)]
            probability[chosen], scale[chosen] = solve(columns, runner)
    return probability.reshape(shape), scale.reshape(shape)


def frisbee_probability(
    miss_major: ArrayLike,
    miss_minor: ArrayLike,
    sigma_major: ArrayLike,
    sigma_minor: ArrayLike,
    radius: ArrayLike,
    *,
    backend: str | Backend = "auto",
) -> Floats:
    """Largest collision probability where only one of the two covariances is known.

    The arguments are broadcast against each other and have one unit of length. The other object gets the variance
    along the miss with which the miss is one sigma, or none if it is less than one sigma of the known covariance.

    Parameters
    ----------
    miss_major, miss_minor : array_like
        Miss along the principal axes of the known covariance in the encounter plane; the sign does not matter.
    sigma_major, sigma_minor : array_like
        Standard deviations of the known covariance along these axes, positive, in either order.
    radius : array_like
        Combined hard-body radius.
    backend : str or Backend, optional
        Backend or its name, see :func:`stmgpu.get_backend`.

    Returns
    -------
    float64
        Probability, of the broadcast shape, as :func:`plane_probability` returns it. It is the largest one as long as
        the radius is small against the sigmas.

    Notes
    -----
    J. Frisbee, "An Upper Bound on High Speed Satellite Collision Probability When Only One Object has Position
    Uncertainty Information", AAS 15-717, 2015.

    Examples
    --------
    A miss of 1 km, sigmas of 100 m and a disc of 1 m: as if one sigma along the miss were 1 km.

    >>> round(float(frisbee_probability(1000.0, 0.0, 100.0, 100.0, 1.0, backend="reference")) * 1e6, 2)
    3.03
    """
    shape, (xm, zm, sx, sz, r) = in_principal_axes(miss_major, miss_minor, sigma_major, sigma_minor, radius)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        distance2 = (xm / sx) ** 2 + (zm / sz) ** 2
        share = np.where(distance2 > 1.0, 1.0 - 1.0 / distance2, 0.0)
        # the known covariance and share * miss miss^T, in its principal axes again
        half = 0.5 * ((sx - sz) * (sx + sz) + share * (xm - zm) * (xm + zm))
        angle = 0.5 * np.arctan2(share * xm * zm, half)
        c, s = np.cos(angle), np.sin(angle)
        major = np.sqrt((c * sx) ** 2 + (s * sz) ** 2 + share * (c * xm + s * zm) ** 2)
        minor = sx * sz * np.sqrt(np.maximum(distance2, 1.0)) / major  # from the determinant
        found = plane_probability(c * xm + s * zm, c * zm - s * xm, major, minor, r, backend=backend)
    return found.reshape(shape)


def _needle(columns: list[Floats], _: Backend) -> tuple[Floats, Floats]:
    """Closed form without a minor sigma: the maximum of a normal variable's probability between two distances."""
    xm, zm, sx, r = columns[0], columns[1], columns[2], columns[4]
    half = np.sqrt(np.maximum(0.0, r * r - zm * zm))  # the chord on the needle
    hit = (half > 0.0) & (half < xm)
    half, xm = np.where(hit, half, 0.5), np.where(hit, xm, 1.0)
    low, high = xm - half, xm + half
    sigma = np.sqrt(half * xm / np.arctanh(half / xm))
    z, h = xm / sigma, half / sigma
    brief = 2.0 * h * np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi) * (1.0 + h * h * (z * z - 1.0) / 6.0)
    long = 0.5 * (erf(high / (np.sqrt(2.0) * sigma)) - erf(low / (np.sqrt(2.0) * sigma)))
    found = np.where(h < 1e-3, brief, long)
    return np.where(hit, found, 0.0), np.where(hit, sigma / sx, np.nan)


def _search(columns: list[Floats], backend: Backend) -> tuple[Floats, Floats]:
    """Grids over the logarithm of the scale, each around the best point of the one before, then a parabola.

    Each row ends by its own width, so that its numbers do not depend on the others.
    """
    xm, zm, sx, sz, r = columns

    def at(rows: Ints, logs: Floats) -> Floats:
        k = np.exp(logs)
        major, minor, s_major, s_minor, radius = (x[rows, np.newaxis] for x in columns)
        return plane_probability(major, minor, k * s_major, k * s_minor, radius, backend=backend)

    low = np.log(0.02 * (np.hypot(xm, zm) - r) / sx)
    high = np.log(2.0 * np.hypot(xm / sx, zm / sz))
    steps = np.linspace(0.0, 1.0, _POINTS)
    top, middle = np.empty_like(r), np.empty_like(r)
    rows = np.arange(len(r))
    while len(rows):
        logs = low[rows, np.newaxis] + (high[rows] - low[rows])[:, np.newaxis] * steps
        values = at(rows, logs)
        every, best = np.arange(len(rows)), np.clip(values.argmax(axis=1), 1, _POINTS - 2)
        low[rows], high[rows] = logs[every, best - 1], logs[every, best + 1]
        width = high[rows] - low[rows]
        left, centre, right = (values[every, best + k] for k in (-1, 0, 1))
        curve = left - 2.0 * centre + right
        step = np.where(curve < 0.0, (left - right) / np.where(curve < 0.0, curve, 1.0), 0.0)
        done = width < _NARROW
        top[rows[done]] = (logs[every, best] + 0.25 * width * step)[done]
        middle[rows[done]] = centre[done]
        rows = rows[~done]
    return np.maximum(at(np.arange(len(r)), top[:, np.newaxis])[:, 0], middle), np.exp(top)
