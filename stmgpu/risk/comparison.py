"""Published approximations of the collision probability in the encounter plane, for comparison.

Each function takes misses along the principal axes, the sigmas there and the radius, of shape (n,) in one unit of
length, with ``sigma_major >= sigma_minor > 0`` and ``radius > 0``. None is used where :func:`plane_probability` is:
they fail, each in its own domain, as ``tests/risk/test_comparison.py`` shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import scipy

if TYPE_CHECKING:
    from collections.abc import Callable

    from stmgpu.typing import Floats

_TOGETHER = 512
"""Encounters whose sums are held in memory at once."""

_VANISHING = 1500.0
"""Square of a miss in sigmas from which exp(-v / 2), and with it every term of Chan's series, is 0."""


class Plane(NamedTuple):
    """Encounters in their planes.

    Attributes
    ----------
    miss_major, miss_minor : float64, shape (n,)
        Miss along the principal axes of the combined covariance, not negative.
    sigma_major, sigma_minor : float64, shape (n,)
        Standard deviations along these axes.
    radius : float64, shape (n,)
        Combined hard-body radius.
    """

    miss_major: Floats
    miss_minor: Floats
    sigma_major: Floats
    sigma_minor: Floats
    radius: Floats


def foster(plane: Plane) -> Floats:
    """Sum over 12 rings and 720 directions (J. Foster and H. Estes, NASA JSC-25898, 1992)."""
    rings, directions = (np.arange(12) + 0.5) / 12.0, (np.arange(720) + 0.5) * (2.0 * np.pi / 720.0)
    xm, zm, sx, sz, r = (x[:, np.newaxis] for x in plane)
    total = np.zeros(len(xm))
    for ring in rings:
        x, z = xm + ring * r * np.cos(directions), zm + ring * r * np.sin(directions)
        total += ring * np.exp(-0.5 * ((x / sx) ** 2 + (z / sz) ** 2)).sum(axis=1)
    element = (plane.radius / 12.0) * plane.radius * (2.0 * np.pi / 720.0)
    found: Floats = total * element / (2.0 * np.pi * plane.sigma_major * plane.sigma_minor)
    return found


def chan(plane: Plane) -> Floats:
    """Equivalent round density, whose probability is a series (F. Chan, AAS 97-173, 1997)."""
    u = plane.radius**2 / (plane.sigma_major * plane.sigma_minor)
    v = (plane.miss_major / plane.sigma_major) ** 2 + (plane.miss_minor / plane.sigma_minor) ** 2
    total, term = np.zeros_like(u), np.exp(-0.5 * v)
    for m in range(200 + int(min(np.max(v, initial=0.0), _VANISHING))):
        total += term * scipy.special.gammainc(m + 1.0, 0.5 * u)
        term = term * (0.5 * v / (m + 1.0))
    return total


def alfano(plane: Plane) -> Floats:
    """Simpson's rule over chords, with 10 to 50 pairs of intervals (S. Alfano, J. Astronaut. Sci. 53 (2005) 103).

    The rule's first point lies 0.015 steps inside the rim and has the weight 2, for the root there.
    """
    zm, xm, sz, sx, r = plane  # x along the minor axis, as there
    with np.errstate(divide="ignore"):
        pairs = np.clip(5.0 * r / np.minimum(sx, np.hypot(xm, zm)), 10, 50).astype(np.int64)
    step = r / (2 * pairs)
    total = np.zeros_like(r)
    for k in range(2 * int(pairs.max(initial=0)) + 1):
        x = (k if k else 0.015) * step - r
        weight = np.where(k > 2 * pairs, 0.0, np.where(k == 2 * pairs, 1.0, 2.0 + 2.0 * (k % 2)))
        chord = np.sqrt(np.maximum(0.0, r * r - x * x))
        across = scipy.special.erf((zm + chord) / (np.sqrt(2.0) * sz)) + scipy.special.erf(
            (chord - zm) / (np.sqrt(2.0) * sz)
        )
        total += weight * across * (np.exp(-0.5 * ((xm - x) / sx) ** 2) + np.exp(-0.5 * ((xm + x) / sx) ** 2))
    found: Floats = total * step / (3.0 * np.sqrt(8.0 * np.pi) * sx)
    return found


def patera(plane: Plane) -> Floats:
    """Integral along the rim with 7,200 points (R. Patera, J. Guid. Contr. Dyn. 28 (2005) 1316)."""
    t = (np.arange(7200) + 0.5) * (2.0 * np.pi / 7200.0)
    xm, zm, sx, sz, r = (x[:, np.newaxis] for x in plane)
    u, w = (xm + r * np.cos(t)) / sx, (zm + r * np.sin(t)) / sz
    q = u * u + w * w
    k = u * (r * np.cos(t) / sz) + w * (r * np.sin(t) / sx)
    inside = np.hypot(plane.miss_major, plane.miss_minor) < plane.radius
    share = np.where(inside[:, np.newaxis], -np.expm1(-0.5 * q), -np.exp(-0.5 * q)) / q
    found: Floats = (share * k).sum(axis=1) / 7200.0
    return found


def small_radius(plane: Plane) -> Floats:
    """The density at the centre times the area of the disc."""
    exponent = (plane.miss_major / plane.sigma_major) ** 2 + (plane.miss_minor / plane.sigma_minor) ** 2
    return plane.radius**2 / (2.0 * plane.sigma_major * plane.sigma_minor) * np.exp(-0.5 * exponent)


def serra(plane: Plane) -> Floats:
    """Power series by a recurrence, up to 100,000 terms (R. Serra et al., J. Guid. Contr. Dyn. 39 (2016) 1009)."""
    zm, xm, sz, sx, r = plane  # x along the minor axis, as there
    p, phi = 0.5 / sx**2, 1.0 - (sx / sz) ** 2
    wx, wy = xm**2 / (4.0 * sx**4), zm**2 / (4.0 * sz**4)
    r2 = r * r
    one = p * (0.5 * phi + 1.0) + wx + wy
    two = p * p * (0.5 * phi**2 + 1.0) + 2.0 * p * phi * wy
    three = p**3 * (1.0 + 0.5 * phi**3) + 3.0 * p * p * phi**2 * wy
    c = [
        r2,
        r2 * r2 / 2.0 * one,
        r2**3 / 12.0 * (one**2 + two),
        r2**4 / 144.0 * (one * (one**2 + 3.0 * two) + 2.0 * three),
    ]
    logs = -0.5 * ((xm / sx) ** 2 + (zm / sz) ** 2) - np.log(2.0 * sx * sz) - p * r2
    total = sum(c, np.zeros_like(r))
    for k in range(100_000):
        after = (r2 / ((k + 4.0) * (k + 5.0))) * (
            c[3] * (one + (k + 3.0) * p * (2.0 * phi + 1.0))
            - c[2] * p * r2 / (k + 4.0)
            * (2.0 * p * phi * (k + 2.5) * (0.5 * phi + 1.0) + phi * (2.0 * wx + 1.5 * p) + wx + wy)
            + c[1] * p * p * phi * r2**2 / ((k + 4.0) * (k + 3.0))
            * ((k + 2.5) * p * phi + 2.0 * wx * (0.5 * phi + 1.0))
            - c[0] * p**3 * phi**2 * wx * r2**3 / ((k + 4.0) * (k + 3.0) * (k + 2.0))
        )  # fmt: skip
        c = [*c[1:], after]
        total = total + after
        if (np.abs(after) <= 1e-17 * np.abs(total)).all():
            break
        large = np.abs(total) > 1e200
        if large.any():
            factor = np.where(large, 1e-200, 1.0)
            c, total = [x * factor for x in c], total * factor
            logs = logs - np.log(factor)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.exp(logs + np.log(total))


def serra_bounds(plane: Plane) -> tuple[Floats, Floats]:
    """Bounds between which the probability lies, from the first term of the series of :func:`serra`."""
    zm, xm, sz, sx, r = plane
    p, phi = 0.5 / sx**2, 1.0 - (sx / sz) ** 2
    w = 0.5 * phi + (xm**2 / (4.0 * sx**4) + zm**2 / (4.0 * sz**4)) / p
    density = np.exp(-0.5 * ((xm / sx) ** 2 + (zm / sz) ** 2)) / (2.0 * sx * sz)
    with np.errstate(over="ignore", invalid="ignore"):
        upper = density * np.exp(-p * r * r) * np.expm1(p * (1.0 + w) * r * r) / (p * (1.0 + w))
    return -density * np.expm1(-p * r * r) / p, np.where(np.isnan(upper), np.inf, upper)


METHODS: dict[str, Callable[[Plane], Floats]] = {
    "foster1992": foster,
    "chan1997": chan,
    "alfano2005": alfano,
    "patera2005": patera,
    "serra2016": serra,
    "small_radius": small_radius,
}
"""Methods by name."""


def compare(plane: Plane) -> dict[str, Floats]:
    """Probabilities by each of :data:`METHODS`; NaN where there is no plane.

    Returns
    -------
    dict of float64, shape (n,)
        By name of the method.
    """
    n = len(plane.radius)
    found = {name: np.full(n, np.nan) for name in METHODS}
    valid = np.isfinite(np.stack(plane)).all(axis=0) & (plane.sigma_minor > 0.0) & (plane.radius > 0.0)
    usable = np.flatnonzero(valid)
    for start in range(0, len(usable), _TOGETHER):
        part = usable[start : start + _TOGETHER]
        some = Plane(*(x[part] for x in plane))
        with np.errstate(all="ignore"):
            for name, method in METHODS.items():
                found[name][part] = method(some)
    return found
