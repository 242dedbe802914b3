"""Probability of a plane normal density within a closed curve that is given by its distance from the origin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

if TYPE_CHECKING:
    from stmgpu.typing import Bools, Floats, Ints

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)
_PANELS = 8
_FAR = 9.0
"""Standard deviations from the mean, beyond which nothing counts."""

_SWEEP = 40.0
"""Most standard deviations by which the curve may move along a panel."""

_STEEPEST = 2.0 * np.sqrt(2.0)
"""Largest speed along a convex curve between a rhombus and the square around it, with half axes of 1."""

_ACCURATE = 1e-9
"""Difference between a panel and its halves that counts as none, over the sum of all panels without their signs."""

_LEAST = 1e-32
_ROUNDS = 60


@dataclass(frozen=True, eq=False)
class Rims:
    """Convex curves that are symmetric about the origin, and a normal density for each, in n events.

    Attributes
    ----------
    series : float64, shape (n, k)
        Terms c_j of the distance from the origin, the sum of c_j cos(2 j angle).
    angle : float64, shape (n,)
        Angle of the first principal axis of the density.
    scale_u, scale_v : float64, shape (n,)
        Sigmas for a length of 1 along the second axis (u) and the first one (v).
    mean_u, mean_v : float64, shape (n,)
        Mean in sigmas; `mean_u` is not negative.
    """

    series: Floats
    angle: Floats
    scale_u: Floats
    scale_v: Floats
    mean_u: Floats
    mean_v: Floats

    @classmethod
    def of(cls, series: Floats, angle: Floats, first: Floats, second: Floats, *sigmas: Floats) -> Rims:
        """Rims of densities with means `first` and `second` and `sigmas` along the principal axes."""
        # the density's mean at u >= 0, by the symmetry of the curve: Phi(u) then keeps the digits of small values
        sign = np.where(second < 0.0, -1.0, 1.0)
        return cls(series, angle, 1.0 / sigmas[1], 1.0 / sigmas[0], sign * second / sigmas[1], sign * first / sigmas[0])

    def __getitem__(self, rows: Ints) -> Rims:
        columns = (self.series, self.angle, self.scale_u, self.scale_v, self.mean_u, self.mean_v)
        return Rims(*(column[rows] for column in columns))

    def __len__(self) -> int:
        return len(self.angle)

    def at(self, place: Floats) -> tuple[Floats, Floats, Floats]:
        """Points (u, v) in sigmas from the mean, and dv / d place, at angles from the first axis of shape (n, m)."""
        theta = place + self.angle[:, np.newaxis]
        twice = 2.0 * np.cos(2.0 * theta)
        radius, later, speed, later_speed = (np.zeros_like(theta) for _ in range(4))
        for k in range(self.series.shape[1] - 1, 0, -1):  # Clenshaw's recurrence, for the sum and its derivative
            term = self.series[:, k, np.newaxis]
            radius, later = term + twice * radius - later, radius
            speed, later_speed = k * term + twice * speed - later_speed, speed
        radius = self.series[:, 0, np.newaxis] + 0.5 * twice * radius - later
        speed = -2.0 * np.sin(2.0 * theta) * speed
        c, s = np.cos(place), np.sin(place)
        scale_u, scale_v, mean_u, mean_v = (
            column[:, np.newaxis] for column in (self.scale_u, self.scale_v, self.mean_u, self.mean_v)
        )
        return scale_u * radius * s - mean_u, scale_v * radius * c - mean_v, scale_v * (speed * c - radius * s)


@dataclass(frozen=True, eq=False)
class _Panels:
    """Pieces of curves: the event of each, and the angles between which it lies."""

    row: Ints
    low: Floats
    high: Floats

    def __getitem__(self, chosen: Bools) -> _Panels:
        return _Panels(self.row[chosen], self.low[chosen], self.high[chosen])

    def halves(self) -> tuple[_Panels, _Panels]:
        middle = 0.5 * (self.low + self.high)
        return _Panels(self.row, self.low, middle), _Panels(self.row, middle, self.high)


def normal_within(rims: Rims) -> Floats:
    """Probability of each density within its curve, by Green's theorem: the integral of Phi(u) phi(v) dv along it.

    The curves are cut into panels. Those are halved until the halves agree with the whole.

    Returns
    -------
    float64, shape (n,)
        The error is about 1e-9, relative where the curve is not thin against the density.
    """
    n = len(rims)
    edges = np.linspace(-np.pi, np.pi, _PANELS + 1)
    panels = _Panels(np.repeat(np.arange(n), _PANELS), np.tile(edges[:-1], n), np.tile(edges[1:], n))
    panels = _near(rims, panels)
    value = _integrals(rims, panels)
    total = np.zeros(n)
    for _ in range(_ROUNDS):
        if not len(value):
            break
        size = np.bincount(panels.row, np.abs(value), n) + np.abs(total)
        left, right = panels.halves()
        values = np.stack([_integrals(rims, left), _integrals(rims, right)], axis=1)
        done = np.abs(values.sum(axis=1) - value) <= _ACCURATE * size[panels.row] + _LEAST
        total += np.bincount(panels.row[done], values[done].sum(axis=1), n)
        panels, value = _side_by_side(left[~done], right[~done]), values[~done].ravel()
    total += np.bincount(panels.row, value, n)
    return np.clip(total, 0.0, 1.0)


def _near(rims: Rims, panels: _Panels) -> _Panels:
    """The panels near the mean in v, halved as long as v changes by many sigmas along them."""
    for _ in range(_ROUNDS):
        half = 0.5 * (panels.high - panels.low)
        some = rims[panels.row]
        _, v, _ = some.at((panels.low + half)[:, np.newaxis])
        sweep = half * _STEEPEST * some.scale_v
        near = np.abs(v[:, 0]) - sweep < _FAR
        wide = 2.0 * sweep > _SWEEP
        if not (near & wide).any():
            return panels[near]
        parts = (panels[near & ~wide], *panels[near & wide].halves())
        panels = _Panels(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("row", "low", "high")))
    return panels


def _side_by_side(left: _Panels, right: _Panels) -> _Panels:
    columns = ((getattr(left, name), getattr(right, name)) for name in ("row", "low", "high"))
    return _Panels(*(np.stack(both, axis=1).ravel() for both in columns))


def _integrals(rims: Rims, panels: _Panels) -> Floats:
    half = 0.5 * (panels.high - panels.low)
    u, v, slope = rims[panels.row].at((panels.low + half)[:, np.newaxis] + half[:, np.newaxis] * _NODES)
    density = scipy.special.ndtr(u) * np.exp(-0.5 * v * v) * slope
    found: Floats = -half / np.sqrt(2.0 * np.pi) * (density * _WEIGHTS).sum(axis=1)
    return found
