"""Forecast of a decision: the probability that the collision probability will be above a line at a later time.

Between now and then the covariance shrinks from C0 to C1, and the miss moves by the information that comes in: it is
normal about the present miss with covariance C0 - C1. The probability asked for is that of the misses whose collision
probability with C1 is at least the line, see :mod:`stmgpu.risk.level_set`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import get_backend
from stmgpu.errors import InputError
from stmgpu.risk.level_set import Plane, ellipses, half_axes, rim_series
from stmgpu.risk.pc import plane_probability
from stmgpu.risk.rim_integral import Rims, normal_within

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.backend import Backend
    from stmgpu.typing import Bools, Floats

_SYMMETRY = 1e-9
_NEGATIVE = 1e-9
"""Eigenvalue of C0 - C1 over the largest of C0, below which the difference counts as negative."""

_THIN = 1e-14
"""Smallest variance of the miss, where the half axes of the set are 1."""

_CLOSE = 4e-6
"""Largest relative difference between the probabilities of the ellipses around a rim for which it counts as one."""

_NOTHING = 1e-16
_TOGETHER = 2_000


def forecast_probability(  # noqa: PLR0917  # the order of plane_probability, and what comes with the forecast
    miss_major: ArrayLike,
    miss_minor: ArrayLike,
    sigma_major_now: ArrayLike,
    sigma_minor_now: ArrayLike,
    covariance_then: ArrayLike,
    radius: ArrayLike,
    line: ArrayLike,
    *,
    backend: str | Backend = "auto",
) -> Floats:
    """Probability that the collision probability will be at or above a line at the time of a decision.

    The arguments are broadcast against each other and have one unit of length.

    Parameters
    ----------
    miss_major, miss_minor : array_like
        Present miss along the principal axes of the present combined covariance in the encounter plane. Their signs
        matter where `covariance_then` has other principal axes.
    sigma_major_now, sigma_minor_now : array_like
        Present standard deviations along these axes, positive.
    covariance_then : array_like, shape (..., 2, 2)
        Combined covariance expected at the time of the decision, in the present principal axes.
    radius : array_like
        Combined hard-body radius.
    line : array_like
        The red line, above 0 and at most 1.
    backend : str or Backend, optional
        Backend or its name, see :func:`stmgpu.get_backend`.

    Returns
    -------
    float64
        Probability, of the broadcast shape, with a relative error below 1e-6 where it is above 1e-12; NaN where a
        number is not finite, a sigma is not positive or `covariance_then` not positive definite. 0 where no miss
        reaches the line; 1 or 0 where the covariance does not change. Where it grows along a direction, the miss does
        not move along it, see :func:`covariance_grows`.

    Raises
    ------
    InputError
        If `covariance_then` is not symmetric or not of shape (..., 2, 2), or the line is not above 0 and at most 1.

    Notes
    -----
    The mean of the future probability is the present one, so the integral of the result over all lines is Pc. Where the
    rim of the set lies between two ellipses that differ by nothing that matters, as for every small radius, the answer
    is one integral over a disc (:func:`plane_probability`); else the integral along the rim.

    Examples
    --------
    Pc is 1.05e-4 now. When the sigmas are a tenth, it will most likely be far below 1e-4, or else far above it.

    >>> then = [[100.0**2, 0.0], [0.0, 30.0**2]]
    >>> p_act = forecast_probability(900.0, 100.0, 1000.0, 300.0, then, 10.0, 1e-4, backend="reference")
    >>> round(float(p_act), 6)
    0.032383
    """
    cov = np.asarray(covariance_then, np.float64)
    if cov.shape[-2:] != (2, 2):
        raise InputError(f"covariance_then has shape {cov.shape}, allowed is (..., 2, 2)")
    scale = np.sqrt(np.abs(cov[..., 0, 0] * cov[..., 1, 1]))
    if (np.abs(cov[..., 0, 1] - cov[..., 1, 0]) > _SYMMETRY * scale).any():
        raise InputError("covariance_then is not symmetric; give both off-diagonal terms the same value")
    columns = np.broadcast_arrays(
        *(np.asarray(q, np.float64) for q in (miss_major, miss_minor, sigma_major_now, sigma_minor_now)),
        *(cov[..., 0, 0], cov[..., 0, 1], cov[..., 1, 1]),
        *(np.asarray(q, np.float64) for q in (radius, line)),
    )
    shape = columns[0].shape
    xm, zm, sx, sz, c00, c01, c11, r, red = (q.ravel() for q in columns)
    wrong = ~((red > 0.0) & (red <= 1.0))
    if wrong.any():
        raise InputError(f"line is {red[wrong][0]:g}, allowed is above 0 and at most 1")
    found = np.full(r.shape, np.nan)
    known = np.isfinite(xm + zm + sx + sz + c00 + c01 + c11) & (sx > 0.0) & (sz > 0.0)
    known &= (c00 > 0.0) & (c11 > 0.0) & (c00 * c11 - c01 * c01 > 0.0)
    found[known & (r <= 0.0)] = 0.0
    found[known & (r == np.inf)] = 1.0
    rows = np.flatnonzero(known & (r > 0.0) & (r < np.inf))
    runner = get_backend(backend) if isinstance(backend, str) else backend
    xm, zm, sx, sz, c00, c01, c11, r, red = (q[rows] for q in (xm, zm, sx, sz, c00, c01, c11, r, red))

    major, minor, angle = principal(c00, c01, c11)
    plane = Plane(np.sqrt(major), np.sqrt(minor), r, red, runner)
    miss = _turned(xm, zm, angle)
    first, second, axis = principal(sx * sx - c00, -c01, sz * sz - c11)
    moves = np.sqrt(np.maximum(first, 0.0)), np.sqrt(np.maximum(second, 0.0)), axis - angle
    found[rows] = _solve(plane, miss, moves)
    return found.reshape(shape)


def covariance_grows(sigma_major_now: ArrayLike, sigma_minor_now: ArrayLike, covariance_then: ArrayLike) -> Bools:
    """Whether the covariance then is larger than the one now along some direction, so that C0 - C1 was clipped.

    Parameters
    ----------
    sigma_major_now, sigma_minor_now, covariance_then : array_like
        As for :func:`forecast_probability`.

    Examples
    --------
    >>> covariance_grows(100.0, 50.0, [[90.0**2, 0.0], [0.0, 60.0**2]]).item()
    True
    """
    sx, sz, cov = (np.asarray(q, np.float64) for q in (sigma_major_now, sigma_minor_now, covariance_then))
    _, second, _ = principal(sx * sx - cov[..., 0, 0], -cov[..., 0, 1], sz * sz - cov[..., 1, 1])
    grows: Bools = second < -_NEGATIVE * np.maximum(sx * sx, sz * sz)
    return grows


def principal(a: Floats, b: Floats, c: Floats) -> tuple[Floats, Floats, Floats]:
    """Eigenvalues of [[a, b], [b, c]], the larger first, and the angle of its axis."""
    middle, spread = 0.5 * (a + c), np.hypot(0.5 * (a - c), b)
    larger = middle + spread
    with np.errstate(divide="ignore", invalid="ignore"):
        smaller = np.where(larger > spread, (a * c - b * b) / larger, middle - spread)
    return larger, smaller, 0.5 * np.arctan2(2.0 * b, a - c)


def _turned(x: Floats, z: Floats, angle: Floats) -> tuple[Floats, Floats]:
    """Components along axes that are turned by an angle."""
    c, s = np.cos(angle), np.sin(angle)
    return c * x + s * z, c * z - s * x


def _solve(plane: Plane, miss: tuple[Floats, Floats], moves: tuple[Floats, Floats, Floats]) -> Floats:
    """Probabilities; the miss and the sigmas and angle of its moves are in the principal axes of the plane."""
    found = np.zeros(len(plane.line))
    still = moves[0] <= 0.0
    rows = np.flatnonzero(still)
    found[rows] = plane[rows].height(miss[0][rows], miss[1][rows]) >= 0.0
    x, z = half_axes(plane)
    rows = np.flatnonzero(~still & (x > 0.0) & (z > 0.0))
    if not len(rows):
        return found
    plane, x, z = plane[rows], x[rows], z[rows]
    (xm, zm), (s1, s2, turn) = (tuple(q[rows] for q in given) for given in (miss, moves))
    # C0 - C1 = M M^T where both half axes are 1
    c, s = np.cos(turn), np.sin(turn)
    m00, m01, m10, m11 = c * s1 / x, -s * s2 / x, s * s1 / z, c * s2 / z
    large, _, angle = principal(m00 * m00 + m01 * m01, m00 * m10 + m01 * m11, m10 * m10 + m11 * m11)
    large = np.maximum(large, _THIN)
    area = s1 * s2 / (x * z)
    small = np.maximum(area * area / large, _THIN)
    along, across = _turned(xm / x, zm / z, angle)
    within, around = ellipses(plane, x, z)
    disc = (along, across, np.sqrt(large), np.sqrt(small))
    outer = plane_probability(*disc, around, backend=plane.backend)
    inner = plane_probability(*disc, within, backend=plane.backend)
    # the mean distance between rim and ellipse is half that at the middle angle, which is doubled here
    answer = inner + np.where(within == 1.0, 0.25, np.where(around == 1.0, 0.75, 0.5)) * (outer - inner)
    hard = np.flatnonzero(outer - inner > _CLOSE * outer + _NOTHING)
    for start in range(0, len(hard), _TOGETHER):
        part = hard[start : start + _TOGETHER]
        for some, series in rim_series(plane[part], x[part], z[part]):
            chosen = part[some]
            answer[chosen] = normal_within(Rims.of(series, angle[chosen], *(q[chosen] for q in disc)))
    found[rows] = answer
    return found
