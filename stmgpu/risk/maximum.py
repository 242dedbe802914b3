"""Largest collision probability over what is not known of the covariances: their size, or one of them.

Beside the kernels there are only sums, products, quotients and roots here, which every processor rounds alike: NumPy's
exponential, logarithm and trigonometric functions differ between instruction sets in their last digits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import get_backend
from stmgpu.risk import pc
from stmgpu.risk.pc import in_principal_axes, plane_probability

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.backend import Backend
    from stmgpu.typing import Bools, Floats, Ints

_DOUBLINGS = 4
_POINTS = 2**_DOUBLINGS + 1
_NARROW = 2e-4
"""Relative width of the bracket from which a parabola leads to the maximum."""

_SMALL_DISC = 0.03
"""Radius in minor sigmas at the best scale below which that scale follows from the density around the centre.

Over 40,000 discs below it, of aspect ratios up to 1e4, the scale is within 5e-8 of the search's and the probability
within 1e-14.
"""

_SMALL = 1e-3
"""Ratio below which the inverse hyperbolic tangent is taken from its series, of which the fourth term is 1e-22."""


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
    miss = _length(xm, zm)
    probability[known & (r <= 0.0)] = 0.0
    inside = known & (r > 0.0) & (r >= miss)
    probability[inside] = np.where(r[inside] > miss[inside], 1.0, 0.5)
    scale[inside] = 0.0
    rest = known & (r > 0.0) & (r < miss)
    needle = rest & (sz == 0.0)
    small = rest & ~needle & _has_small_disc(xm, zm, sx, sz, r)
    runner = get_backend(backend) if isinstance(backend, str) else backend
    for chosen, solve in ((needle, _needle), (small, _expanded), (rest & ~needle & ~small, _search)):
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
        c, s = _half_angle(0.5 * ((sx - sz) * (sx + sz) + share * (xm - zm) * (xm + zm)), share * xm * zm)
        major = np.sqrt((c * sx) ** 2 + (s * sz) ** 2 + share * (c * xm + s * zm) ** 2)
        minor = sx * sz * np.sqrt(np.maximum(distance2, 1.0)) / major  # from the determinant
        found = plane_probability(c * xm + s * zm, c * zm - s * xm, major, minor, r, backend=backend)
    return found.reshape(shape)


def _length(x: Floats, y: Floats) -> Floats:
    """Length of (x, y), which are not negative."""
    larger, smaller = np.maximum(x, y), np.minimum(x, y)
    with np.errstate(invalid="ignore"):
        ratio = smaller / np.where(larger > 0.0, larger, 1.0)
        found: Floats = larger * np.sqrt(1.0 + ratio * ratio)
    return found


def _half_angle(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Cosine and sine of half the angle of the point (x, y), y >= 0; 1 and 0 of the origin."""
    origin = (x == 0.0) & (y == 0.0)
    length = np.where(origin, 1.0, _length(np.abs(x), y))
    larger = np.where(origin, 1.0, np.sqrt(0.5 + 0.5 * np.abs(x) / length))
    smaller = 0.5 * y / (length * larger)
    return np.where(x < 0.0, smaller, larger), np.where(x < 0.0, larger, smaller)


def _needle(columns: list[Floats], backend: Backend) -> tuple[Floats, Floats]:
    """Closed form without a minor sigma: the maximum of a normal variable's probability between two distances."""
    xm, zm, sx, r = columns[0], columns[1], columns[2], columns[4]
    half = np.sqrt(np.maximum(0.0, r * r - zm * zm))  # the chord on the needle
    hit = (half > 0.0) & (half < xm)
    half, xm = np.where(hit, half, 0.5), np.where(hit, xm, 1.0)
    t = half / xm
    small = t < _SMALL
    series = t * (1.0 + t * t * (1.0 / 3.0 + t * t / 5.0))
    tanh_inverse = np.where(small, series, 0.5 * pc.logarithm(np.where(small, 1.0, (1.0 + t) / (1.0 - t)), backend))
    sigma = np.sqrt(half * xm / tanh_inverse)
    found = pc.between(xm / sigma, half / sigma, backend)
    return np.where(hit, found, 0.0), np.where(hit, sigma / sx, np.nan)


def _scale_of_the_density(xm: Floats, zm: Floats, sx: Floats, sz: Floats) -> Floats:
    """Scale at which the density at the centre of the disc is largest: half the square of the miss in sigmas is 1."""
    scale: Floats = np.sqrt(0.5) * _length(xm / sx, zm / sz)
    return scale


def _has_small_disc(xm: Floats, zm: Floats, sx: Floats, sz: Floats, r: Floats) -> Bools:
    with np.errstate(all="ignore"):
        small: Bools = r < _SMALL_DISC * sz * _scale_of_the_density(xm, zm, sx, sz)
    return small


def _expanded(columns: list[Floats], backend: Backend) -> tuple[Floats, Floats]:
    """Best scale of small discs: that of the density at the centre, moved by the curvature of the density there.

    With a = xm/sx, b = zm/sz and the scale k, Pc is proportional to k^-2 exp(-(a^2 + b^2) / 2k^2) (1 + D), where 8 D =
    (R/k sx)^2 (a^2/k^2 - 1) + (R/k sz)^2 (b^2/k^2 - 1) is the disc's mean of the density less its centre's. Newton's
    step in ln k from the best scale of the first two factors, where their second derivative is -4, leads to the
    maximum up to the fourth power of R/(k sz). :func:`_search` is the slow way to the same number.
    """
    xm, zm, sx, sz, r = columns
    start = _scale_of_the_density(xm, zm, sx, sz)
    a, b, p, q = xm / (sx * start), zm / (sz * start), r / (sx * start), r / (sz * start)
    step = 0.125 * (p * p * (0.5 - a * a) + q * q * (0.5 - b * b))
    scale = start * (1.0 + step)
    return plane_probability(xm, zm, scale * sx, scale * sz, r, backend=backend), scale


def _search(columns: list[Floats], backend: Backend) -> tuple[Floats, Floats]:
    """Best one of a geometric series of scales, then halves of the steps beside it, then a parabola.

    Each row ends by its own width, so that its numbers do not depend on the others.
    """
    xm, zm, sx, sz, r = columns

    def at(rows: Ints, scales: Floats) -> Floats:
        major, minor, s_major, s_minor, radius = (x[rows, np.newaxis] for x in columns)
        return plane_probability(major, minor, scales * s_major, scales * s_minor, radius, backend=backend)

    low, high = 0.02 * (_length(xm, zm) - r) / sx, 2.0 * _length(xm / sx, zm / sz)
    everyone = np.arange(len(r))
    scales = np.empty((len(r), _POINTS))
    growth = _roots(high / low, _DOUBLINGS)
    scales[:, 0] = low
    for k in range(1, _POINTS):
        scales[:, k] = scales[:, k - 1] * growth
    values = at(everyone, scales)
    best = np.clip(values.argmax(axis=1), 1, _POINTS - 2)[:, np.newaxis] + np.array([-1, 0, 1])
    scales, values = scales[everyone[:, np.newaxis], best], values[everyone[:, np.newaxis], best]
    top, middle, rows = np.empty_like(r), np.empty_like(r), everyone
    while len(rows):
        left, centre, right = values.T
        curve = left - 2.0 * centre + right
        step = np.where(curve < 0.0, (left - right) / np.where(curve < 0.0, curve, 1.0), 0.0)
        done = scales[:, 2] < (1.0 + _NARROW) * scales[:, 0]
        g = growth - 1.0
        x = 0.5 * step * g * (1.0 - g * (0.5 - g / 3.0))  # of the logarithm of the growth
        top[rows[done]] = (scales[:, 1] * (1.0 + x * (1.0 + x * (0.5 + x / 6.0))))[done]
        middle[rows[done]] = centre[done]
        rows, scales, values, growth = rows[~done], scales[~done], values[~done], np.sqrt(growth[~done])
        between = scales[:, 1:] / growth[:, np.newaxis]
        scales = np.stack([scales[:, 0], between[:, 0], scales[:, 1], between[:, 1], scales[:, 2]], axis=1)
        found = at(rows, between)
        values = np.stack([values[:, 0], found[:, 0], values[:, 1], found[:, 1], values[:, 2]], axis=1)
        best = np.clip(values.argmax(axis=1), 1, 3)[:, np.newaxis] + np.array([-1, 0, 1])
        scales, values = (np.take_along_axis(a, best, axis=1) for a in (scales, values))
    return np.maximum(at(everyone, top[:, np.newaxis])[:, 0], middle), top


def _roots(x: Floats, times: int) -> Floats:
    """Square root, taken some times."""
    for _ in range(times):
        x = np.sqrt(x)
    return x
