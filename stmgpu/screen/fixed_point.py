r"""Minima of distance as fixed points of Newton's method over a grid of anchors.

Newton's method does not come to rest: rounding of positions (about 1e-9 km) moves its result by up to 1e-5 s with every
starting point, so the last digits of a minimum would depend on where the search began. Therefore the last step always
begins at an *anchor*, a whole multiple of :data:`ANCHOR_S` after midnight. Its result G(a) is a function of the pair
and of the anchor alone, and the minimum is the G(a) whose nearest anchor is a itself.

Usually exactly one anchor has this property. Near the middle between two anchors rounding may give it to both, or to
neither (a cycle of two). Both are evaluated there, and of the results that qualify (of both in a cycle) the one with
the smaller distance counts, or else the earlier one. Wherever the search began, it ends in the same bits.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.propagate.instants import in_ticks
from stmgpu.screen.vectors import dot

if TYPE_CHECKING:
    from stmgpu.screen.refine import Refiner
    from stmgpu.typing import BackendArray

ANCHOR_S = 0.125
"""Spacing of the anchors [s]: small beside the central differences, large beside what moves a result."""

DOUBT_S = 2.0**-9
"""A minimum this close to the middle between two anchors is computed from both [s]. Results from neighbouring anchors
differ by less: by 1e-7 s for pairs within 5 km, by up to 1e-4 s at 200 km."""

DIFFERENCE_S = 0.5
"""Half width of the central differences [s]. Rounding moves a TCA by less than 1e-8 s; truncation by about d^2 a / 8 v,
below 1e-6 s for fast pairs within 5 km and up to 1e-4 s for a pair that passes at 200 km with 0.5 km/s."""

_STEPS = 8


@dataclass
class Minima:
    """Minima of pairs: backend arrays [m].

    Attributes
    ----------
    t_s : backend array, float64, shape (m,)
        Times, in whole ticks [s after midnight].
    distance2, speed2 : backend array, float64, shape (m,)
        Squared distance [km^2] and relative speed [km^2/s^2].
    failed : backend array, bool, shape (m,)
        Whether a state was missing.
    """

    t_s: BackendArray
    distance2: BackendArray
    speed2: BackendArray
    failed: BackendArray

    def __getitem__(self, index: BackendArray) -> Minima:
        return Minima(*(getattr(self, f.name)[index] for f in dataclasses.fields(self)))

    def replace(self, index: BackendArray, others: Minima) -> None:
        """Put other minima in the places of some."""
        for f in dataclasses.fields(self):
            getattr(self, f.name)[index] = getattr(others, f.name)


def settle(
    refiner: Refiner, i: BackendArray, j: BackendArray, t_s: BackendArray, *, middle_s: BackendArray, reach_s: float
) -> Minima:
    """Minima of pairs, one near each approximate time.

    Parameters
    ----------
    refiner : Refiner
        Refiner of the run.
    i, j : backend array, integer, shape (m,)
        Internal indices of the pairs.
    t_s : backend array, float64, shape (m,)
        Approximate times [s after midnight].
    middle_s : backend array, float64, shape (m,)
        Times around which a minimum is wanted [s after midnight].
    reach_s : float
        A search that leaves `middle_s` by more than this ends where it is [s].
    """
    xp, m = refiner.xp, len(t_s)
    anchor = _nearest(refiner, t_s)
    found = newton(refiner, i, j, anchor)
    before = xp.full(m, np.nan)
    active = xp.arange(m)
    for _ in range(_STEPS):
        following = _nearest(refiner, found.t_s[active])
        moving = (following != anchor[active]) & ~found.failed[active]
        moving &= xp.abs(found.t_s[active] - middle_s[active]) < reach_s
        still = xp.flatnonzero(moving)
        if len(still) == 0:
            break
        active, following = active[still], following[still]
        result = newton(refiner, i[active], j[active], following)
        cycle = following == before[active]
        better = xp.flatnonzero(~(cycle & ~_better(result, found[active])))
        before[active] = xp.where(cycle, following, anchor[active])
        moved = active[better]
        found.replace(moved, result[better])
        anchor[moved] = following[better]
        active = active[~cycle]
    _resolve_doubt(refiner, i, j, found, anchor)
    return found


def newton(refiner: Refiner, i: BackendArray, j: BackendArray, anchor_s: BackendArray) -> Minima:
    """Minima of the quadratics through three relative positions around each pair's anchor."""
    xp, d, k = refiner.xp, DIFFERENCE_S, len(anchor_s)
    times = xp.concatenate([anchor_s - d, anchor_s, anchor_s + d])
    _, rel, bad = refiner.relative(xp.concatenate([i, i, i]), xp.concatenate([j, j, j]), times)
    a, b, c = rel[:3, :k], rel[:3, k : 2 * k], rel[:3, 2 * k :]
    v, q = (c - a) / (2.0 * d), (c + a - 2.0 * b) / (2.0 * d * d)  # dr(s) = b + v s + q s^2
    s = xp.zeros(k)
    for _ in range(4):
        x, y = b + (v + q * s) * s, v + 2.0 * q * s
        s = s - dot(x, y) / xp.maximum(dot(y, y) + 2.0 * dot(x, q), 1e-30)
    s = in_ticks(xp, s)
    x, y = b + (v + q * s) * s, v + 2.0 * q * s
    failed = bad[:k] | bad[k : 2 * k] | bad[2 * k :]
    return Minima(anchor_s + s, xp.where(failed, np.inf, dot(x, x)), dot(y, y), failed)


def _resolve_doubt(refiner: Refiner, i: BackendArray, j: BackendArray, found: Minima, anchor: BackendArray) -> None:
    """Compare minima near the middle between two anchors with the result from the other anchor."""
    xp = refiner.xp
    offset = found.t_s - anchor
    settled = (_nearest(refiner, found.t_s) == anchor) & ~found.failed
    doubtful = xp.flatnonzero(settled & (0.5 * ANCHOR_S - xp.abs(offset) < DOUBT_S))
    if len(doubtful) == 0:
        return
    other = anchor[doubtful] + xp.where(offset[doubtful] < 0.0, -ANCHOR_S, ANCHOR_S)
    result = newton(refiner, i[doubtful], j[doubtful], other)
    settled = (_nearest(refiner, result.t_s) == other) & ~result.failed
    take = xp.flatnonzero(settled & _better(result, found[doubtful]))
    found.replace(doubtful[take], result[take])


def _better(one: Minima, other: Minima) -> BackendArray:
    """Whether the first of two minima counts: the smaller distance, then the earlier time."""
    better: BackendArray = (one.distance2 < other.distance2) | (
        (one.distance2 == other.distance2) & (one.t_s < other.t_s)
    )
    return better


def _nearest(refiner: Refiner, t_s: BackendArray) -> BackendArray:
    nearest: BackendArray = refiner.xp.rint(t_s / ANCHOR_S) * ANCHOR_S
    return nearest
