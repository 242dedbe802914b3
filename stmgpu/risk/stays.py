"""Collision probability of pairs that stay near each other, along their own motion: docked, in formation, co-orbital.

As :mod:`stmgpu.risk.dwell`, for motion of any kind: the pair is inside at the start of the stay, or enters the sphere
of the combined radius in it. The rate of entries at a time follows from the normal relative state at that time alone
(V. Coppola, AAS 12-247, 2012), so that the mean may follow the orbits, and the covariance its source. Entries of one
trajectory in several passes count each time: over more than half a revolution the sum is an upper bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.risk.dwell import NOT_CONVERGED, Dwell, entry_rates, inside_probability, least_correlation
from stmgpu.risk.error_split import ROUNDING
from stmgpu.risk.quadrature import MOST, integrate

if TYPE_CHECKING:
    from collections.abc import Callable

    from stmgpu.backend import Backend
    from stmgpu.risk.quadrature import Integers
    from stmgpu.typing import Floats

    Motion = Callable[[Floats], tuple[Floats, Floats]]

TOLERANCE = 1e-4
"""Relative error of the expected entries that the quadrature aims at."""

_LOOKS = 128
"""Times in a period at which the distance of the means is looked at."""

_PANELS = 4
"""First panels in a period; passages of half a panel or more need none of their own."""

_AROUND = np.array([-8.0, -3.0, -1.0, 0.0, 1.0, 3.0, 8.0])
"""Edges of panels around a nearest approach in sigmas, in its passages of one sigma."""

_FAR = 60.0
"""Square of sigmas above the least at which a nearest approach gets no panels of its own: a density of e^-30."""

_PANELS_MORE = 4
"""Panels beyond `MOST` that an integral may have for each of its first edges."""


def stay_probability(
    motion: Motion, radius_m: float, start_s: float, stop_s: float, period_s: float, *, backend: Backend
) -> Dwell:
    """Probability that a pair comes closer than a radius within an interval.

    Parameters
    ----------
    motion : callable
        Mean relative states [m, 6] (m, m/s) and their covariances [m, 6, 6] at m times [s], along the axes of one
        inertial frame.
    radius_m : float
        Combined hard-body radius, positive and finite.
    start_s, stop_s : float
        Interval.
    period_s : float
        Orbital period, which the motion follows.
    backend : Backend
        Backend that computes the rates.

    Returns
    -------
    Dwell
        One row; not a number where a state or covariance is not finite, or a covariance not positive semidefinite.
        ``NOT_CONVERGED`` also where more than a thousandth of the entries has rates that did not converge.
    """
    looks = np.linspace(start_s, stop_s, max(2, int(np.ceil((stop_s - start_s) / period_s * _LOOKS)) + 1))
    states, covariances = motion(looks)
    if not (np.isfinite(states).all() and np.isfinite(covariances).all()) or (
        least_correlation(covariances).min() < -ROUNDING
    ):
        unknown = np.full(1, np.nan)
        return Dwell(unknown, unknown, unknown, np.zeros(1, np.int32))
    radius, flags = np.full(1, radius_m), np.zeros(1, np.int32)
    inside, clipped = inside_probability(states[:1], covariances[:1], radius, backend=backend)
    flags |= clipped

    def rate(_: Integers, times: Floats, __: Floats) -> tuple[Floats, Floats]:
        moved = motion(times.ravel())
        radii = np.full(times.size, radius_m)
        found, bits = entry_rates(*moved, radii, tolerance=0.1 * TOLERANCE, backend=backend)
        flags[0] |= np.bitwise_or.reduce(bits & ~NOT_CONVERGED, initial=0)
        unknown = np.where(bits & NOT_CONVERGED, found, 0.0)  # of no account where next to nothing enters
        return found.reshape(times.shape), unknown.reshape(times.shape)

    edges = _edges(looks, states, covariances, radius_m, period_s)
    entries, error = integrate(rate, edges[np.newaxis], TOLERANCE, most=MOST + _PANELS_MORE * len(edges))
    flags[error > 10.0 * TOLERANCE * entries] |= NOT_CONVERGED
    return Dwell(np.minimum(1.0, inside + entries), inside, entries, flags)


def _edges(times: Floats, states: Floats, covariances: Floats, radius_m: float, period_s: float) -> Floats:
    """Times between which the rate has no narrow peak: quarters of a period, and around each short passage."""
    inverse = np.linalg.inv(covariances[:, :3, :3] + (0.01 * radius_m) ** 2 * np.eye(3))
    r, v = states[:, :3], states[:, 3:]
    square, turn, fall = (np.einsum("ni,nij,nj->n", x, inverse, y) for x, y in ((r, r), (v, v), (r, v)))
    least = np.r_[False, (square[1:-1] <= square[:-2]) & (square[1:-1] <= square[2:]), False]
    least &= square < square.min() + _FAR
    safe = np.where(turn > 0.0, turn, 1.0)
    speed = np.linalg.norm(v, axis=1)
    width = 1.0 / np.sqrt(safe) + radius_m / np.maximum(speed, 1e-12)
    least &= width < 0.5 * period_s / _PANELS
    near = (times - np.where(turn > 0.0, fall / safe, 0.0))[least, np.newaxis] + width[least, np.newaxis] * _AROUND
    even = np.linspace(times[0], times[-1], max(2, int(np.ceil((times[-1] - times[0]) / period_s * _PANELS)) + 1))
    return np.unique(np.clip(np.concatenate([even, near.ravel()]), times[0], times[-1]))
