"""Where in the encounter plane the collision probability of a given covariance is at least a given line.

The probability of a disc under a normal density is symmetric in the miss about both principal axes, and its logarithm
is concave. So the set of misses is convex, it holds the rhombus between its four points on the axes, and it lies in the
rectangle around them. In units of those points its rim is close to the unit circle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.risk.pc import plane_probability

if TYPE_CHECKING:
    from collections.abc import Callable

    from stmgpu.backend import Backend
    from stmgpu.typing import Floats, Ints

_LOWEST = -800.0
"""Logarithm that stands for a probability of 0."""

_STEPS = 100
_NARROW = 1e-13
"""Relative width of a bracket in which a root counts as found."""

_LEVEL = 1e-14
"""Height that counts as 0: the probabilities are no better."""

_MOST = 256
"""Most nodes on a quarter of a rim."""

_SMOOTH = 1e-10
"""Size of the last terms of a rim's series, from which it is taken as converged."""


@dataclass(frozen=True)
class Plane:
    """Encounter planes of n events, in the principal axes of the covariance; one unit of length.

    Attributes
    ----------
    sigma_major, sigma_minor, radius : float64, shape (n,)
        Standard deviations and combined hard-body radius, positive.
    line : float64, shape (n,)
        Probability at the rim, above 0.
    backend : Backend
        Backend for the probabilities.
    """

    sigma_major: Floats
    sigma_minor: Floats
    radius: Floats
    line: Floats
    backend: Backend

    def __getitem__(self, rows: Ints) -> Plane:
        major, minor, radius, line = (x[rows] for x in (self.sigma_major, self.sigma_minor, self.radius, self.line))
        return Plane(major, minor, radius, line, self.backend)

    def height(self, x: Floats, z: Floats) -> Floats:
        """Logarithm of the probability at a miss, over that of the line."""
        found = plane_probability(x, z, self.sigma_major, self.sigma_minor, self.radius, backend=self.backend)
        with np.errstate(divide="ignore"):
            return np.maximum(np.log(found), _LOWEST) - np.log(self.line)


def half_axes(plane: Plane) -> tuple[Floats, Floats]:
    """Points of the rims on both principal axes, as distances from the origin; 0 where no miss reaches the line."""
    top = plane.height(np.zeros_like(plane.line), np.zeros_like(plane.line))
    found = np.zeros((2, len(plane.line)))
    rows = np.flatnonzero(top > 0.0)
    part = plane[rows]
    for k, sigma in enumerate((part.sigma_major, part.sigma_minor)):
        # beyond, P < exp(-((x - R) / sigma)^2 / 2) is below the line
        far = part.radius + sigma * np.sqrt(-2.0 * np.log(part.line))

        def height(squared: Floats, some: Ints, axis: int = k, part: Plane = part) -> Floats:
            distance, none = np.sqrt(squared), np.zeros_like(squared)
            return part[some].height(*((distance, none) if axis == 0 else (none, distance)))

        found[k, rows] = np.sqrt(_root(height, np.zeros_like(far), far * far))
    return found[0], found[1]


def rim(plane: Plane, x: Floats, z: Floats, angle: Floats) -> Floats:
    """Distance of the rim from the origin at given angles, where the half axes `x` and `z` are 1; shape (n,)."""
    c, s = np.abs(np.cos(angle)), np.abs(np.sin(angle))

    def height(squared: Floats, some: Ints) -> Floats:
        distance = np.sqrt(squared)
        return plane[some].height(distance * (x * c)[some], distance * (z * s)[some])

    low, high = 1.0 / ((c + s) * (c + s)), 1.0 / np.maximum(c * c, s * s)
    return np.sqrt(_root(height, low, high, np.ones_like(low)))


def ellipses(plane: Plane, x: Floats, z: Floats) -> tuple[Floats, Floats]:
    """Sizes of two ellipses around the rims, in units of that through the four points: the inner and the outer one.

    Between the axes a rim leaves the ellipse to one side. How far, is known at three angles and doubled.
    """
    top = plane.height(np.zeros_like(x), np.zeros_like(x))
    inner, outer = np.zeros_like(x), np.zeros_like(x)
    for angle in (np.pi / 8.0, np.pi / 4.0, 3.0 * np.pi / 8.0):
        # the height is concave in the squared distance, so its slope at the rim is at least that from the origin
        off = 0.5 * plane.height(np.cos(angle) * x, np.sin(angle) * z) / top
        inner, outer = np.minimum(inner, off), np.maximum(outer, off)
    return np.maximum(1.0 + 2.0 * inner, 0.0), 1.0 + 2.0 * outer


def rim_series(plane: Plane, x: Floats, z: Floats) -> list[tuple[Ints, Floats]]:
    """The rims as sums of c_k cos(2 k angle), where the half axes are 1.

    Returns
    -------
    list of (int64, float64)
        Rows, and their coefficients of shape (rows, terms): as many terms as a rim needs, up to `_MOST`.
    """
    parts: list[tuple[Ints, Floats]] = []
    left = np.arange(len(x))
    nodes = 8
    while len(left):
        angle = (np.arange(nodes) + 0.5) * (0.5 * np.pi / nodes)
        many = np.repeat(left, nodes)
        radii = rim(plane[many], x[many], z[many], np.tile(angle, len(left))).reshape(-1, nodes)
        terms = np.cos(2.0 * np.outer(np.arange(nodes), angle)) * (2.0 / nodes)
        terms[0] *= 0.5
        series = np.stack([(radii * row).sum(axis=1) for row in terms], axis=1)
        done = np.abs(series[:, -nodes // 4 :]).max(axis=1) < _SMOOTH
        done |= nodes >= _MOST
        parts.append((left[done], series[done]))
        left = left[~done]
        nodes *= 2
    return [part for part in parts if len(part[0])]


def _root(height: Callable[[Floats, Ints], Floats], low: Floats, high: Floats, first: Floats | None = None) -> Floats:
    """Where falling functions of one variable are 0 between two bounds.

    `first` is tried first. A function that has no change of sign gives the bound next to it. T. Chandrupatla, Adv. Eng.
    Softw. 28 (1997) 145.
    """
    every = np.arange(len(low))
    found = low.copy()
    a, b = high, low
    fa, fb = height(a, every), height(b, every)
    found[fa >= 0.0] = high[fa >= 0.0]
    active = np.flatnonzero((fa < 0.0) & (fb > 0.0))
    a, b, fa, fb = (q[active] for q in (a, b, fa, fb))
    c, fc = a, fa
    t = fa / (fa - fb) if first is None else ((first - high) / (low - high))[active]
    for _ in range(_STEPS):
        if not len(active):
            break
        new = a + t * (b - a)
        f = height(new, active)
        same = np.sign(f) == np.sign(fa)
        c, fc = np.where(same, a, b), np.where(same, fa, fb)
        b, fb = np.where(same, b, a), np.where(same, fb, fa)
        a, fa = new, f
        best = np.where(np.abs(fa) < np.abs(fb), a, b)
        found[active] = best
        width = np.abs(b - a)
        tolerance = _NARROW * np.abs(best) / np.where(width > 0.0, width, 1.0)
        going = (width > 2.0 * _NARROW * np.abs(best)) & (np.abs(fa) > _LEVEL)
        with np.errstate(divide="ignore", invalid="ignore"):
            xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
            inverse = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
        quadratic = (phi * phi < xi) & ((1.0 - phi) * (1.0 - phi) < 1.0 - xi)
        t = np.where(quadratic, inverse, 0.5)
        t = np.minimum(1.0 - tolerance, np.maximum(tolerance, t))
        active = active[going]
        a, b, c, fa, fb, fc, t = (q[going] for q in (a, b, c, fa, fb, fc, t))
    return found
