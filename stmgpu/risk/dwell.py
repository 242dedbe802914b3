"""Collision probability of pairs that stay near each other, over a stretch of time: inside at its start, or entering.

A pair collides when its relative position enters the sphere of the combined radius. The expected number of entries is
the integral of their rate over time (V. Coppola, AAS 12-247, 2012); with the probability to be inside at the start it
bounds the collision probability from above. A straight line enters a sphere at most once, and there the bound is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import get_backend
from stmgpu.errors import InputError
from stmgpu.risk import rate3d_kernels, rate3d_reference
from stmgpu.risk.encounter import check_symmetric
from stmgpu.risk.pc import plane_probability
from stmgpu.risk.quadrature import integrate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.backend import Backend
    from stmgpu.risk.quadrature import Integers
    from stmgpu.risk.rate3d_kernels import Flags
    from stmgpu.typing import Floats

TOLERANCE = 1e-6
"""Relative error of the expected entries that the quadrature aims at."""

CLIPPED = rate3d_kernels.CLIPPED
NOT_CONVERGED = rate3d_kernels.NOT_CONVERGED
"""The estimated error of the integral is above a hundred times the tolerance."""

_SPREAD = (0.0, 1.5, 5.0, 20.0, 100.0, 1e3, 1e5)
_EQUAL = 6
_ZOOMS, _GRID = 7, 33


@dataclass(frozen=True)
class Dwell:
    """Collision probability of n pairs over their intervals.

    Attributes
    ----------
    probability : float64, shape (n,)
        Sum of both parts, not above 1.
    inside : float64, shape (n,)
        Probability that the distance is below the radius at the start.
    entries : float64, shape (n,)
        Expected number of entries into the sphere within the interval.
    flags : int32, shape (n,)
        Sum of ``CLIPPED`` (a standard deviation of position was raised to 0.005 radii, which changes the result by up
        to about 1e-5, and by more only where all are small and the mean passes within 0.03 radii of the sphere) and
        ``NOT_CONVERGED``, as named in :mod:`stmgpu.risk.dwell`.
    """

    probability: Floats
    inside: Floats
    entries: Floats
    flags: Flags


def dwell_probability(
    mean: ArrayLike,
    covariance: ArrayLike,
    radius: ArrayLike,
    start_s: ArrayLike,
    stop_s: ArrayLike,
    *,
    backend: str | Backend = "auto",
) -> Dwell:
    """Probability that a pair in straight relative motion comes closer than a radius within an interval.

    An argument of one pair serves for all.

    Parameters
    ----------
    mean : array_like, shape (n, 6)
        Mean relative position [m] and velocity [m/s] at time 0.
    covariance : array_like, shape (n, 6, 6)
        Covariance of this state [m2, m2/s, m2/s2]; parts of it may be zero.
    radius : array_like, shape (n,)
        Combined hard-body radii [m].
    start_s, stop_s : array_like, shape (n,)
        Interval after time 0 [s].
    backend : str or Backend, optional
        Backend or its name, see :func:`stmgpu.get_backend`.

    Returns
    -------
    Dwell
        Probabilities to about 1e-6 of their value: 0 for a radius of 0 or less, 1 for an infinite one.

    Raises
    ------
    InputError
        A shape does not fit, a number is not finite, an interval ends before it starts, or a covariance is not
        symmetric or not positive semidefinite.

    Examples
    --------
    Two objects that approach each other by 1 m/s, give or take 0.1 m/s in each direction:

    >>> found = dwell_probability(
    ...     [[300.0, 5.0, 0.0, -1.0, 0.0, 0.0]], [np.diag([100.0] * 3 + [0.01] * 3)], 10.0, 0.0, 600.0,
    ...     backend="reference",
    ... )
    >>> [round(float(x[0]), 5) for x in (found.inside, found.entries)]
    [0.0, 0.04858]
    """
    states, matrices, radii, start, stop = _checked(mean, covariance, radius, start_s, stop_s)
    runner = get_backend(backend) if isinstance(backend, str) else backend
    inside, entries = (np.where(radii == np.inf, x, 0.0) for x in (1.0, 0.0))
    flags = np.zeros(len(radii), np.int32)
    chosen = np.flatnonzero((radii > 0.0) & (radii < np.inf))
    if len(chosen):
        given = states[chosen], matrices[chosen], radii[chosen]
        inside[chosen], clipped = inside_probability(
            *moved(given[0], given[1], start[chosen]), given[2], backend=runner
        )
        entries[chosen], found = _entries(*given, start[chosen], stop[chosen], runner)
        flags[chosen] = found | clipped
    return Dwell(np.minimum(1.0, inside + entries), inside, entries, flags)


def moved(state: Floats, covariance: Floats, time_s: Floats) -> tuple[Floats, Floats]:
    """States and covariances of straight motion after a time, shapes (n, 6) and (n, 6, 6)."""
    t = time_s[:, np.newaxis]
    at = np.concatenate([state[:, :3] + t * state[:, 3:], state[:, 3:]], axis=1)
    t = t[:, :, np.newaxis]
    found = np.empty_like(covariance)
    across, velocity = covariance[:, 3:, :3], covariance[:, 3:, 3:]
    found[:, :3, :3] = covariance[:, :3, :3] + t * (across + across.transpose(0, 2, 1)) + t * t * velocity
    found[:, 3:, :3] = across + t * velocity
    found[:, :3, 3:] = found[:, 3:, :3].transpose(0, 2, 1)
    found[:, 3:, 3:] = velocity
    return at, found


def entry_rates(
    state: Floats, covariance: Floats, radius_m: Floats, *, tolerance: float, backend: Backend
) -> tuple[Floats, Flags]:
    """Expected entries a second, and flags: see :func:`stmgpu.risk.rate3d_kernels.rates`."""
    if backend.runs_kernels:
        return rate3d_kernels.rates(state, covariance, radius_m, tolerance, backend=backend)
    return rate3d_reference.rates(state, covariance, radius_m, tolerance)


def inside_probability(
    state: Floats, covariance: Floats, radius_m: Floats, *, backend: Backend
) -> tuple[Floats, Flags]:
    """Probability that a normal position lies in a sphere around the origin: discs across its longest axis.

    Parameters
    ----------
    state : float64, shape (n, 6)
        Mean positions in the first three columns [m].
    covariance : float64, shape (n, 6, 6)
        Covariances.
    radius_m : float64, shape (n,)
        Positive radii.
    backend : Backend
        Backend that computes the discs.

    Returns
    -------
    probability : float64, shape (n,)
    flags : int32, shape (n,)
        ``CLIPPED`` where a standard deviation was raised to 0.005 radii.
    """
    values, axes = np.linalg.eigh(covariance[:, :3, :3])
    sigma = np.sqrt(np.maximum(values, (rate3d_kernels.CLIP * radius_m[:, np.newaxis]) ** 2))
    mean = np.einsum("nij,ni->nj", axes, state[:, :3])
    flags = np.where(sigma[:, 0] ** 2 > values[:, 0], CLIPPED, 0).astype(np.int32)

    def slices(panel: Integers, angles: Floats, _: Floats) -> tuple[Floats, Floats]:
        at, angle = np.repeat(panel, angles.shape[1]), angles.ravel()
        x, h = radius_m[at] * np.cos(angle), radius_m[at] * np.sin(angle)
        density = np.exp(-0.5 * ((x - mean[at, 2]) / sigma[at, 2]) ** 2) / (np.sqrt(2.0 * np.pi) * sigma[at, 2])
        disc = plane_probability(mean[at, 1], mean[at, 0], sigma[at, 1], sigma[at, 0], h, backend=backend)
        return (density * disc * h).reshape(angles.shape), np.zeros(angles.shape)

    levels = np.array([-8.0, -3.0, -1.0, 0.0, 1.0, 3.0, 8.0])
    along = (mean[:, 2:] + levels * sigma[:, 2:]) / radius_m[:, np.newaxis]
    off = np.hypot(mean[:, 0], mean[:, 1])[:, np.newaxis]
    across = np.arcsin(np.clip((off + levels * sigma[:, 1:2]) / radius_m[:, np.newaxis], 0.0, 1.0))
    edges = [np.arccos(np.clip(along, -1.0, 1.0)), across, np.pi - across, np.zeros_like(off), np.full_like(off, np.pi)]
    value, _ = integrate(slices, np.sort(np.concatenate(edges, axis=1), axis=1), 1e-9)
    return np.minimum(1.0, value), flags


def _entries(  # noqa: PLR0917  # the fields of a pair
    state: Floats, covariance: Floats, radius: Floats, start: Floats, stop: Floats, backend: Backend
) -> tuple[Floats, Flags]:
    """Expected entries between two times, and flags."""
    flags = np.zeros(len(radius), np.int32)

    def rate(panel: Integers, times: Floats, _: Floats) -> tuple[Floats, Floats]:
        at, time = np.repeat(panel, times.shape[1]), times.ravel()
        found, bits = entry_rates(
            *moved(state[at], covariance[at], time), radius[at], tolerance=0.1 * TOLERANCE, backend=backend
        )
        np.bitwise_or.at(flags, at, bits)
        return found.reshape(times.shape), np.zeros(times.shape)

    value, error = integrate(rate, _edges(state, covariance, radius, start, stop), TOLERANCE)
    flags[error > 100.0 * TOLERANCE * value] |= NOT_CONVERGED
    return value, flags


def _edges(state: Floats, covariance: Floats, radius: Floats, start: Floats, stop: Floats) -> Floats:
    """Times between which the rate has no narrow peak: around its peak, and where the mean enters the sphere."""
    speed2 = (state[:, 3:] ** 2).sum(axis=1)
    best = np.clip(-(state[:, :3] * state[:, 3:]).sum(axis=1) / np.where(speed2 > 0.0, speed2, 1.0), start, stop)
    step = np.array(stop - start)
    grid = np.linspace(-1.0, 1.0, _GRID)
    for _ in range(_ZOOMS):  # each zooms in on the largest density of the sphere's centre
        times = np.clip(
            best[:, np.newaxis] + step[:, np.newaxis] * grid * np.abs(grid), *(x[:, np.newaxis] for x in (start, stop))
        )
        best = np.take_along_axis(times, _log_density(state, covariance, radius, times).argmax(axis=1)[:, None], 1)[
            :, 0
        ]
        step *= 0.2
    at, moved_covariance = moved(state, covariance, best)
    inverse = _inverse(moved_covariance[:, :3, :3], radius)
    v = state[:, 3:]
    turns = np.einsum("ni,nij,nj->n", v, inverse, v) + np.einsum("nij,nji->n", inverse, covariance[:, 3:, 3:])
    speed = np.sqrt(speed2 + np.einsum("nii->n", covariance[:, 3:, 3:]))
    fast = speed > 0.0
    width = np.where(fast, 1.0 / np.sqrt(np.where(fast, turns, 1.0)) + radius / np.where(fast, speed, 1.0), 0.0)
    around = np.array([-x for x in _SPREAD[:0:-1]] + list(_SPREAD))
    edges = [best[:, np.newaxis] + width[:, np.newaxis] * around, np.linspace(start, stop, _EQUAL, axis=1)]

    # where the mean enters, the rate may rise within much less than the passage through the sphere
    safe = np.where(speed2 > 0.0, speed2, 1.0)
    closest = -(state[:, :3] * v).sum(axis=1) / safe
    miss2 = ((state[:, :3] + closest[:, np.newaxis] * v) ** 2).sum(axis=1)
    enters = closest - np.sqrt(np.maximum(0.0, radius**2 - miss2) / safe)
    at, there = moved(state, covariance, enters)
    normal = at[:, :3] / np.maximum(np.linalg.norm(at[:, :3], axis=1), 1e-300)[:, np.newaxis]
    sigma = np.sqrt(np.maximum(0.0, np.einsum("ni,nij,nj->n", normal, there[:, :3, :3], normal)))
    inward = np.maximum(np.abs((normal * v).sum(axis=1)), 1e-6 * np.sqrt(safe))
    near = np.array([-25.0, -7.0, -2.0, 0.0, 2.0, 7.0, 25.0])
    edges.append(enters[:, np.newaxis] + ((sigma + rate3d_kernels.CLIP * radius) / inward)[:, np.newaxis] * near)
    limits = [x[:, np.newaxis] for x in (start, stop)]
    return np.sort(np.clip(np.concatenate(edges, axis=1), *limits), axis=1)


def _log_density(state: Floats, covariance: Floats, radius: Floats, times: Floats) -> Floats:
    """Logarithm of the density of position at the centre of the sphere, without its constant."""
    n, m = times.shape
    at, matrices = moved(np.repeat(state, m, axis=0), np.repeat(covariance, m, axis=0), times.ravel())
    inverse = _inverse(matrices[:, :3, :3], np.repeat(radius, m))
    exponent = np.einsum("ni,nij,nj->n", at[:, :3], inverse, at[:, :3])
    found: Floats = (0.5 * (np.linalg.slogdet(inverse)[1] - exponent)).reshape(n, m)
    return found


def _inverse(matrix: Floats, radius: Floats) -> Floats:
    """Inverse of covariances of position, to which a hundredth of a radius is added so that it exists."""
    found: Floats = np.asarray(
        np.linalg.inv(matrix + ((0.01 * radius) ** 2)[:, np.newaxis, np.newaxis] * np.eye(3)), np.float64
    )
    return found


def _checked(
    mean: ArrayLike, covariance: ArrayLike, radius: ArrayLike, start_s: ArrayLike, stop_s: ArrayLike
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    states, matrices = np.asarray(mean, np.float64), np.asarray(covariance, np.float64)
    states = states[np.newaxis] if states.shape == (6,) else states
    matrices = matrices[np.newaxis] if matrices.shape == (6, 6) else matrices
    if states.ndim != 2 or states.shape[1:] != (6,):
        raise InputError(f"mean must have the shape (n, 6), got {np.shape(mean)}")
    if matrices.ndim != 3 or matrices.shape[1:] != (6, 6):
        raise InputError(f"covariance must have the shape (n, 6, 6), got {np.shape(covariance)}")
    columns = [np.atleast_1d(np.asarray(x, np.float64)) for x in (radius, start_s, stop_s)]
    lengths = {len(x) for x in (states, matrices, *columns) if len(x) != 1}
    if any(x.ndim != 1 for x in columns) or len(lengths) > 1:
        raise InputError(f"states, covariances, radii and times must be of one number of pairs, got {sorted(lengths)}")
    n = lengths.pop() if lengths else 1
    radii, start, stop = (np.broadcast_to(x, (n,)) for x in columns)
    for name, values in (("mean", states), ("covariance", matrices), ("start_s", start), ("stop_s", stop)):
        if not np.isfinite(values).all():
            wrong = int(np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))[0])
            raise InputError(f"{name} of pair {wrong} is not finite")
    if np.isnan(radii).any():
        raise InputError(f"radius of pair {int(np.flatnonzero(np.isnan(radii))[0])} is not a number")
    late = np.flatnonzero(stop < start)
    if len(late):
        raise InputError(
            f"the interval of pair {late[0]} ends at {stop[late[0]]} s, before its start {start[late[0]]} s"
        )
    check_symmetric(matrices, "covariance")
    _check_positive(matrices)
    return np.broadcast_to(states, (n, 6)), np.broadcast_to(matrices, (n, 6, 6)), radii, start, stop


def _check_positive(matrices: Floats) -> None:
    least = least_correlation(matrices)
    if (least < -1e-8).any():
        worst = int(np.argmin(least))
        raise InputError(
            f"the covariance of pair {worst} is not positive semidefinite: an eigenvalue of its correlations is "
            f"{least[worst]:.3g}, allowed is 0 or more"
        )


def least_correlation(matrices: Floats) -> Floats:
    """Smallest eigenvalues of the correlations of finite covariances, shape (n,)."""
    sigma = np.sqrt(np.abs(np.einsum("nii->ni", matrices)))
    outer = sigma[:, :, np.newaxis] * sigma[:, np.newaxis]
    return np.asarray(np.linalg.eigvalsh(matrices / np.where(outer > 0.0, outer, 1.0))[:, 0], np.float64)
