"""Collision probability of slow and curved encounters: expected entries on two-body orbits (3D-Nc).

D. Hall, "Expected Collision Rates for Tracked Satellites", J. Spacecr. Rockets 58 (2021) 715. Each object's errors
are normal in equinoctial elements and follow its orbit. At every time the states of both are expanded about that pair
of orbits, most likely under these errors, which brings the objects within the combined radius of each other. The
expansion gives a normal relative state, and that the rate of entries (:mod:`stmgpu.risk.rate3d_kernels`), which is
integrated over the encounter.

``kernels/overlap.cu`` finds the orbits, at all times of many encounters together; its text has the equations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.backend import get_backend
from stmgpu.errors import InputError
from stmgpu.risk import equinoctial, overlap_kernels, overlap_reference, rate3d_kernels
from stmgpu.risk.dwell import inside_probability, least_correlation
from stmgpu.risk.encounter import check_symmetric, encounter_geometry, pairs
from stmgpu.risk.error_split import ROUNDING
from stmgpu.risk.overlap_kernels import FAR
from stmgpu.risk.quadrature import integrate, weighted
from stmgpu.risk.rate3d_kernels import SUFFICES
from stmgpu.risk.rotations import local_axes, turned

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.backend import Backend
    from stmgpu.risk.quadrature import Integers
    from stmgpu.risk.rate3d_kernels import Flags
    from stmgpu.typing import Bools, Floats

TOLERANCE = 1e-4
"""Relative error of the expected entries that the quadrature aims at."""

CLIPPED = rate3d_kernels.CLIPPED
NOT_CONVERGED = rate3d_kernels.NOT_CONVERGED
"""The estimated error of the integral is above ten times the tolerance."""
NOT_POSITIVE = 4
"""A covariance is not positive semidefinite, or not finite: there is no probability."""
NO_ELLIPSE = 8
"""An orbit is not an ellipse below an eccentricity of 0.95: there is no probability."""
BLENDED = 16
"""Entries and inside exceed 0.5, so that repeated entries of one trajectory may count: the bound may be far above."""
STAYS = 32
"""The pair does not part within half a period, where its interval ends; more time counts more. Also BLENDED."""

_TOGETHER = 256
"""Encounters whose times go through a launch together: tables of some tens of megabytes."""
_MOST_PANELS = 64
_SHARE = 0.5
"""Share of the tolerance for the rates."""
_DEEP = 80.0
"""Excess of the squared distance over the least one of an encounter beyond which a rate is nothing: e^-40."""
_PARTED = 18.4
"""Excess over the least squared distance from which on a pair has parted: a density of 1e-4."""
_SIDE = 16
"""Times at which the sides of an encounter are searched for its ends."""
_EDGES = np.array([-8.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 8.0])
"""Edges of panels, in halves of Coppola's encounter from its middle."""


@dataclass(frozen=True)
class EncounterEntries:
    """Collision probability of n curved encounters.

    Attributes
    ----------
    probability : float64, shape (n,)
        Sum of both parts, not above 1: an upper bound, and the probability itself where no trajectory enters twice.
        NaN where a flag says so.
    inside : float64, shape (n,)
        Probability that the distance is below the radius at the start.
    entries : float64, shape (n,)
        Expected number of entries into the sphere within the interval.
    start_s, stop_s : float64, shape (n,)
        The interval, after the time of the states.
    flags : int32, shape (n,)
        Sum of ``CLIPPED``, ``NOT_CONVERGED``, ``NOT_POSITIVE``, ``NO_ELLIPSE``, ``BLENDED`` and ``STAYS`` of
        :mod:`stmgpu.risk.nc3d`.
    """

    probability: Floats
    inside: Floats
    entries: Floats
    start_s: Floats
    stop_s: Floats
    flags: Flags


def encounter_entries(  # noqa: PLR0917  # the fields of two objects, in one order everywhere
    position_1_km: ArrayLike,
    velocity_1_km_s: ArrayLike,
    covariance_1: ArrayLike,
    position_2_km: ArrayLike,
    velocity_2_km_s: ArrayLike,
    covariance_2: ArrayLike,
    radius_m: ArrayLike,
    *,
    start_s: ArrayLike | None = None,
    stop_s: ArrayLike | None = None,
    backend: str | Backend = "auto",
) -> EncounterEntries:
    """Collision probability of encounters on two-body orbits, slow ones included.

    Parameters
    ----------
    position_1_km, position_2_km : array_like, shape (n, 3)
        Positions in one inertial frame about the Earth, at or near the closest approach.
    velocity_1_km_s, velocity_2_km_s : array_like, shape (n, 3)
        Velocities.
    covariance_1, covariance_2 : array_like, shape (n, 6, 6)
        Covariances of position and velocity along the radial, transverse and normal axes of each object
        [m2, m2/s, m2/s2]. The errors of the two objects are taken for independent.
    radius_m : array_like, shape (n,)
        Combined hard-body radii.
    start_s, stop_s : array_like, shape (n,), optional
        Interval after the time of the states [s]; by default one encounter: to where the objects are
        furthest from meeting in sigmas, within half of the shorter period to either side. Where they do not part
        (``STAYS``), that whole time. Not a number stands for the default.
    backend : str or Backend, optional
        Backend or its name, see :func:`stmgpu.get_backend`.

    Returns
    -------
    EncounterEntries
        Probabilities to about 1e-4 of their value: 0 for a radius of 0 or less, 1 for an infinite one.

    Raises
    ------
    InputError
        A shape does not fit, a covariance is not symmetric, a radius is not a number, a time is infinite, or an
        interval ends before it starts.
    """
    given = pairs(
        position_1_km, velocity_1_km_s, covariance_1, position_2_km, velocity_2_km_s, covariance_2, radius_m, size=6
    )
    if np.isnan(np.asarray(radius_m, np.float64)).any():
        raise InputError(
            f"radius_m of pair {int(np.flatnonzero(np.isnan(np.atleast_1d(radius_m)))[0])} is not a number"
        )
    times = [np.atleast_1d(np.asarray(np.nan if t is None else t, np.float64)) for t in (start_s, stop_s)]
    matrices = [given[2], given[5]]
    for number, matrix in enumerate(matrices, start=1):
        check_symmetric(matrix, f"covariance_{number}")
    n = len(given[6])
    lengths = {n, *map(len, times)} - {1}
    if len(lengths) > 1 or any(x.ndim != 1 for x in times):
        raise InputError(f"states and times must be of one number of pairs, got {sorted(lengths)}")
    n = max(lengths, default=1) if n == 1 else n
    matrices = [np.broadcast_to(c, (n, 6, 6)) for c in matrices]
    states = [np.broadcast_to(1e3 * np.hstack(given[k : k + 2]), (n, 6)) for k in (0, 3)]
    inertial = [turned(local_axes("RTN", x), c) for x, c in zip(states, matrices, strict=True)]
    radius, start, stop = (np.array(np.broadcast_to(x, (n,))) for x in (given[6], *times))
    runner = get_backend(backend) if isinstance(backend, str) else backend

    flags = np.zeros(n, np.int32)
    for x, covariance in zip(states, inertial, strict=True):
        flags[~(_least(covariance) > -ROUNDING)] |= NOT_POSITIVE
        orbit = equinoctial.elements(x, equinoctial.sense_of(x))
        round_enough = np.hypot(orbit[:, 1], orbit[:, 2]) < 0.95
        flags[~(np.isfinite(orbit).all(axis=1) & round_enough)] |= NO_ELLIPSE
        with np.errstate(invalid="ignore"):
            half = np.pi / orbit[:, 0]
        start = np.where(np.isnan(times[0]), np.fmax(start, -half), start)
        stop = np.where(np.isnan(times[1]), np.fmin(stop, half), stop)
    wrong = np.flatnonzero(stop < start)
    if len(wrong) or np.isinf(start).any() or np.isinf(stop).any():
        raise InputError("start_s and stop_s must be finite, and no interval may end before it starts")

    inside, entries = (np.where(radius == np.inf, x, 0.0) for x in (1.0, 0.0))
    none = (flags & (NOT_POSITIVE | NO_ELLIPSE)) != 0
    some = (radius > 0.0) & (radius < np.inf) & ~none
    rows = np.flatnonzero(some)
    for chosen in np.split(rows, range(_TOGETHER, len(rows), _TOGETHER)) if len(rows) else []:
        own = [c[chosen] for c in matrices]
        km = [1e-3 * x[chosen] for x in states]
        positions = [c[:, :3, :3] for c in own]
        seen = encounter_geometry(
            km[0][:, :3],
            km[0][:, 3:],
            positions[0],
            km[1][:, :3],
            km[1][:, 3:],
            positions[1],
            radius[chosen],
            backend=runner,
        )
        pair = _Pairs([x[chosen] for x in states], own, radius[chosen], runner)
        bounds = (seen.shift_s + seen.start_s, seen.shift_s + seen.stop_s)
        first, last, stays_before, stays_after = pair.single(start[chosen], stop[chosen], bounds)
        sought = [np.broadcast_to(np.isnan(t), (n,))[chosen] for t in times]
        start[chosen], stop[chosen] = np.where(sought[0], first, start[chosen]), np.where(sought[1], last, stop[chosen])
        stays = (sought[0] & stays_before) | (sought[1] & stays_after)
        inside[chosen], entries[chosen], found = pair.over(start[chosen], stop[chosen], bounds)
        flags[chosen] |= found | np.where(stays, STAYS | BLENDED, 0).astype(np.int32)
    inside[none], entries[none] = np.nan, np.nan
    flags[inside + entries > 0.5] |= np.where((radius < np.inf)[inside + entries > 0.5], BLENDED, 0).astype(np.int32)
    return EncounterEntries(np.minimum(1.0, inside + entries), inside, entries, start, stop, flags)


class _Pairs:
    """Pairs of orbits with normal errors of their elements, and the integrals of their rates of entry."""

    def __init__(self, states: list[Floats], covariances: list[Floats], radius: Floats, backend: Backend) -> None:
        self.radius, self.backend, n = radius, backend, len(radius)
        overlaps = overlap_kernels.Overlaps if backend.runs_kernels else overlap_reference.Overlaps
        self.overlaps: Any = overlaps(states, covariances, radius, backend)
        self.flags = np.zeros(n, np.int32)
        self.nearest, self.total = np.full(n, np.inf), np.zeros(n)  # least distances and largest sums seen so far

    def over(self, start: Floats, stop: Floats, bounds: tuple[Floats, Floats]) -> tuple[Floats, Floats, Flags]:
        """Inside at the start, entries until the stop, and flags; the bounds are Coppola's."""
        inside = self._inside(start)
        entries, error = integrate(self._rate, _edges(start, stop, *bounds), TOLERANCE, most=_MOST_PANELS)
        self.flags[error > 10.0 * TOLERANCE * entries] |= NOT_CONVERGED
        return inside, entries, self.flags

    def single(self, start: Floats, stop: Floats, bounds: tuple[Floats, Floats]) -> tuple[Floats, Floats, Bools, Bools]:
        """Ends of one encounter, and whether the pair stays together until they are reached.

        They are where both orbits are furthest apart in sigmas, before and after its middle, or else the limits.
        """
        middle = 0.5 * (bounds[0] + bounds[1])
        middle = np.clip(np.where(np.isfinite(middle), middle, 0.5 * (start + stop)), start, stop)
        at, sides = np.arange(len(start)), []
        for end in (start, stop):
            times = middle[:, np.newaxis] + (end - middle)[:, np.newaxis] * np.linspace(0.0, 1.0, _SIDE)
            sides.append((times, self.overlaps.orbits(at, times).far))
        nearest = np.minimum(*(far.min(axis=1) for _, far in sides))
        stays = [(nearest < FAR) & (far.max(axis=1) < nearest + _PARTED) for _, far in sides]
        ends = [
            np.where(stay, end, times[at, far.argmax(axis=1)])
            for stay, end, (times, far) in zip(stays, (start, stop), sides, strict=True)
        ]
        return ends[0], ends[1], stays[0], stays[1]

    def _inside(self, time_s: Floats) -> Floats:
        """Probabilities to be inside at a time of each pair."""
        inside, at = np.zeros(len(time_s)), np.arange(len(time_s))
        orbits = self.overlaps.orbits(at, time_s[:, np.newaxis])
        near = np.flatnonzero(orbits.far[:, 0] < FAR)
        if len(near):
            state, covariance = self.overlaps.states(orbits, (near, np.zeros_like(near)))
            inside[near], _ = inside_probability(state, covariance, self.radius[near], backend=self.backend)
        return inside

    def _rate(self, at: Integers, times: Floats, half: Floats) -> tuple[Floats, Floats]:
        """Rates at the nodes of panels, and their errors."""
        orbits = self.overlaps.orbits(at, times)
        np.minimum.at(self.nearest, at, orbits.far.min(axis=1))
        chosen = np.nonzero(orbits.far < np.minimum(FAR, self.nearest[at] + _DEEP)[:, np.newaxis])
        pair = at[chosen[0]]
        rate, error = np.zeros(times.shape), np.zeros(times.shape)
        if not len(pair):
            return rate, error
        spheres = self.overlaps.spheres(orbits, chosen, pair, _SHARE * TOLERANCE)
        rate[chosen] = spheres.rate
        self.total = np.maximum(self.total, np.bincount(at, weighted(rate, half), len(self.radius)))
        panels = np.bincount(at, minlength=len(self.radius))[at]
        floor = (self.total[at] / (panels * 2.0 * half))[chosen[0]]
        spheres.refine(_SHARE * TOLERANCE * floor)
        rate[chosen] = spheres.rate
        rough = spheres.change > SUFFICES * TOLERANCE * (spheres.rate + floor)
        error[chosen] = np.where(rough, spheres.change, 0.0)
        np.bitwise_or.at(self.flags, pair, spheres.flags)
        return rate, error


def _edges(start: Floats, stop: Floats, begin: Floats, end: Floats) -> Floats:
    """Times between which the rate has no narrow peak, from the bounds of the encounter where they are known."""
    known = np.isfinite(begin) & np.isfinite(end)
    begin, end = np.where(known, begin, start), np.where(known, end, stop)
    middle, half = 0.5 * (begin + end)[:, np.newaxis], 0.5 * (end - begin)[:, np.newaxis]
    limits = start[:, np.newaxis], stop[:, np.newaxis]
    return np.sort(np.concatenate([*limits, np.clip(middle + half * _EDGES, *limits)], axis=1), axis=1)


def _least(covariance: Floats) -> Floats:
    """Smallest eigenvalues of the correlations; NaN where a number is not finite."""
    found = np.full(len(covariance), np.nan)
    fine = np.isfinite(covariance).all(axis=(1, 2))
    found[fine] = least_correlation(covariance[fine])
    return found
