"""Collision probability of slow and curved encounters: expected entries on two-body orbits (3D-Nc).

D. Hall, "Expected Collision Rates for Tracked Satellites", J. Spacecr. Rockets 58 (2021) 715. Each object's errors
are normal in equinoctial elements and follow its orbit. At every time the states of both are expanded about that pair
of orbits, most likely under these errors, which brings the objects within the combined radius of each other. The
expansion gives a normal relative state, and that the rate of entries (:mod:`stmgpu.risk.rate3d_kernels`), which is
integrated over the encounter.

The orbits are found by Gauss-Newton steps. With means E, covariances Q, states x(E) and derivatives J, the next
orbits are E1 - Q1 J1' M w and E2 + Q2 J2' M w, where M is the inverse of the combined covariance of position, and w
leads to the mean relative position from the point of the sphere that is nearest in sigmas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import get_backend
from stmgpu.errors import InputError
from stmgpu.risk import equinoctial, rate3d_kernels
from stmgpu.risk.dwell import entry_rates, inside_probability, least_correlation
from stmgpu.risk.encounter import check_symmetric, encounter_geometry, pairs
from stmgpu.risk.quadrature import integrate
from stmgpu.risk.rotations import local_axes, turned

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.backend import Backend
    from stmgpu.risk.quadrature import Integers
    from stmgpu.risk.rate3d_kernels import Flags
    from stmgpu.typing import Floats

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

_ROUNDING = 1e-4
"""Largest negative eigenvalue of correlations that is taken for a rounding error of printed numbers."""
_STEPS = 40
_STEP_RADII = 1e-3
_LONGEST_STEP_M = 5e5
_MOST_PANELS = 64
_NEGLIGIBLE = 1e-3
"""Rate, in largest ones, below which it does not matter that it has not converged."""
_FAR = 300.0
"""Square of a distance in sigmas beyond which nothing enters: its density is below 1e-65."""
_SIDE = 24
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
        Sum of ``CLIPPED``, ``NOT_CONVERGED``, ``NOT_POSITIVE``, ``NO_ELLIPSE`` and ``BLENDED`` of
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
        furthest from meeting in sigmas, within half of the shorter period to either side.
    backend : str or Backend, optional
        Backend or its name, see :func:`stmgpu.get_backend`.

    Returns
    -------
    EncounterEntries
        Probabilities to about 1e-4 of their value: 0 for a radius of 0 or less, 1 for an infinite one.

    Raises
    ------
    InputError
        A shape does not fit, a radius or time is not a number, or an interval ends before it starts.
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
        flags[~(_least(covariance) > -_ROUNDING)] |= NOT_POSITIVE
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
    chosen = np.flatnonzero(some)
    if len(chosen):
        own = [c[chosen, :3, :3] for c in matrices]
        km = [1e-3 * x[chosen] for x in states]
        seen = encounter_geometry(
            km[0][:, :3], km[0][:, 3:], own[0], km[1][:, :3], km[1][:, 3:], own[1], radius[chosen], backend=runner
        )
        pair = _Pairs([x[chosen] for x in states], [c[chosen] for c in inertial], radius[chosen], runner)
        bounds = (seen.shift_s + seen.start_s, seen.shift_s + seen.stop_s)
        ends = pair.single(start[chosen], stop[chosen], bounds)
        start[chosen] = np.where(np.isnan(times[0]), ends[0], start[chosen])
        stop[chosen] = np.where(np.isnan(times[1]), ends[1], stop[chosen])
        inside[chosen], entries[chosen], found = pair.over(start[chosen], stop[chosen], bounds)
        flags[chosen] |= found
    inside[none], entries[none] = np.nan, np.nan
    flags[inside + entries > 0.5] |= np.where((radius < np.inf)[inside + entries > 0.5], BLENDED, 0).astype(np.int32)
    return EncounterEntries(np.minimum(1.0, inside + entries), inside, entries, start, stop, flags)


class _Pairs:
    """Pairs of orbits with normal errors of their elements."""

    def __init__(self, states: list[Floats], covariances: list[Floats], radius: Floats, backend: Backend) -> None:
        self.radius, self.backend = radius, backend
        self.sense = [equinoctial.sense_of(x) for x in states]
        self.mean = [equinoctial.elements(x, s) for x, s in zip(states, self.sense, strict=True)]
        self.spread = []
        for orbit, sense, covariance in zip(self.mean, self.sense, covariances, strict=True):
            by_state = equinoctial.inverse_jacobian(orbit, equinoctial.jacobian(orbit, 0.0, sense))
            self.spread.append(by_state @ covariance @ by_state.transpose(0, 2, 1))
        self.flags = np.zeros(len(radius), np.int32)
        self.largest, self.coarse = np.zeros(len(radius)), np.zeros(len(radius))  # rates, and those not converged

    def over(self, start: Floats, stop: Floats, bounds: tuple[Floats, Floats]) -> tuple[Floats, Floats, Flags]:
        """Inside at the start, entries until the stop, and flags; the bounds are Coppola's."""
        state, covariance, far = self.expanded(np.arange(len(start)), start)
        near = far < _FAR
        inside = np.zeros(len(start))
        inside[near], _ = inside_probability(state[near], covariance[near], self.radius[near], backend=self.backend)
        entries, error = integrate(self._rate, _edges(start, stop, *bounds), TOLERANCE, most=_MOST_PANELS)
        rough = (error > 10.0 * TOLERANCE * entries) | (self.coarse > _NEGLIGIBLE * self.largest)
        self.flags[rough] |= NOT_CONVERGED
        return inside, entries, self.flags

    def single(self, start: Floats, stop: Floats, bounds: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
        """Ends of one encounter: where both orbits are furthest apart in sigmas, before and after its middle."""
        middle = 0.5 * (bounds[0] + bounds[1])
        middle = np.clip(np.where(np.isfinite(middle), middle, 0.5 * (start + stop)), start, stop)
        found = []
        for end in (start, stop):
            times = middle[:, np.newaxis] + (end - middle)[:, np.newaxis] * np.linspace(0.0, 1.0, _SIDE)
            at = np.repeat(np.arange(len(start)), _SIDE)
            far = self.expanded(at, times.ravel())[2].reshape(times.shape)
            found.append(times[np.arange(len(start)), far.argmax(axis=1)])
        return found[0], found[1]

    def _rate(self, at: Integers, time_s: Floats) -> Floats:
        rate = np.zeros(len(at))
        state, covariance, far = self.expanded(at, time_s)
        near = far < _FAR
        rate[near], bits = entry_rates(
            state[near], covariance[near], self.radius[at[near]], tolerance=0.1 * TOLERANCE, backend=self.backend
        )
        np.bitwise_or.at(self.flags, at[near], bits & ~NOT_CONVERGED)
        np.maximum.at(self.largest, at, rate)
        coarse = (bits & NOT_CONVERGED) != 0
        np.maximum.at(self.coarse, at[near][coarse], rate[near][coarse])
        return rate

    def expanded(self, at: Integers, time_s: Floats) -> tuple[Floats, Floats, Floats]:
        """Mean relative states, their covariances, and the squares of their distances from the sphere in sigmas."""
        mean = [orbit[at] for orbit in self.mean]
        spread = [matrix[at] for matrix in self.spread]
        sense, radius = [s[at] for s in self.sense], self.radius[at]
        orbit = [x.copy() for x in mean]
        m = len(at)
        state, covariance, far = np.zeros((m, 6)), np.zeros((m, 6, 6)), np.full(m, np.inf)
        moving = np.arange(m)
        with np.errstate(all="ignore"):
            for _ in range(_STEPS):
                k = moving
                partials = [equinoctial.jacobian(orbit[i][k], time_s[k], sense[i][k]) for i in (0, 1)]
                means = [
                    equinoctial.state(orbit[i][k], time_s[k], sense[i][k])
                    + np.einsum("nij,nj->ni", partials[i], mean[i][k] - orbit[i][k])
                    for i in (0, 1)
                ]
                moved = [partials[i] @ spread[i][k] @ partials[i].transpose(0, 2, 1) for i in (0, 1)]
                state[k], covariance[k] = means[0] - means[1], moved[0] + moved[1]
                fine = np.isfinite(covariance[k]).all(axis=(1, 2)) & np.isfinite(state[k]).all(axis=1)
                k, partials = k[fine], [x[fine] for x in partials]
                far[moving[~fine]] = np.inf
                pull, far[k] = _towards(state[k], covariance[k], radius[k])
                longest = np.zeros(len(k))
                for i, sign in ((0, -1.0), (1, 1.0)):
                    aim = mean[i][k] + sign * np.einsum("nij,nkj,nk->ni", spread[i][k], partials[i][:, :3], pull)
                    change = aim - orbit[i][k]
                    length = np.linalg.norm(np.einsum("nij,nj->ni", partials[i][:, :3], change), axis=1)
                    orbit[i][k] += change * np.minimum(1.0, _LONGEST_STEP_M / np.maximum(length, 1.0))[:, np.newaxis]
                    longest = np.maximum(longest, length)
                moving = k[longest > _STEP_RADII * radius[k]]
                if not len(moving):
                    break
        far[moving] = np.inf  # no orbits were found that bring both together
        return state, covariance, far


def _edges(start: Floats, stop: Floats, begin: Floats, end: Floats) -> Floats:
    """Times between which the rate has no narrow peak, from the bounds of the encounter where they are known."""
    known = np.isfinite(begin) & np.isfinite(end)
    begin, end = np.where(known, begin, start), np.where(known, end, stop)
    middle, half = 0.5 * (begin + end)[:, np.newaxis], 0.5 * (end - begin)[:, np.newaxis]
    limits = start[:, np.newaxis], stop[:, np.newaxis]
    return np.sort(np.concatenate([*limits, np.clip(middle + half * _EDGES, *limits)], axis=1), axis=1)


def _towards(state: Floats, covariance: Floats, radius: Floats) -> tuple[Floats, Floats]:
    """M w of the module's text, and the square of the distance in sigmas between the sphere and the mean."""
    variance, axes = np.linalg.eigh(covariance[:, :3, :3])
    variance = np.maximum(variance, ((rate3d_kernels.CLIP * radius) ** 2)[:, np.newaxis])
    off = np.einsum("nij,ni->nj", axes, state[:, :3])
    outside = (off * off).sum(axis=1) > radius**2
    shrink = np.zeros(len(radius))
    for _ in range(30):  # Newton's method for the multiplier with which the nearest point lies on the sphere
        near = off / (1.0 + shrink[:, np.newaxis] * variance)
        length = np.sqrt((near * near).sum(axis=1))
        slope = -(near * near * variance / (1.0 + shrink[:, np.newaxis] * variance)).sum(axis=1) / length
        better = np.maximum(0.0, shrink - (length / radius) * (length - radius) / slope)
        shrink = np.where(outside, better, 0.0)
    near = off / (1.0 + shrink[:, np.newaxis] * variance)
    pull = (off - near) / variance
    return np.einsum("nij,nj->ni", axes, pull), ((off - near) * pull).sum(axis=1)


def _least(covariance: Floats) -> Floats:
    """Smallest eigenvalues of the correlations; NaN where a number is not finite."""
    found = np.full(len(covariance), np.nan)
    fine = np.isfinite(covariance).all(axis=(1, 2))
    found[fine] = least_correlation(covariance[fine])
    return found
