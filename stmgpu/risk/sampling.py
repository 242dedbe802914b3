"""Preparation of Monte Carlo samples: factors of covariances, orbits, and times at which the distance is looked at."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.risk import equinoctial
from stmgpu.risk import montecarlo_kernels as rows

if TYPE_CHECKING:
    from stmgpu.typing import Bools, Floats, Ints

NOT_FINITE, NOT_MOVED, NOT_POSITIVE, CLIPPED = 1, 2, 4, 8
"""Bits of flags: a number is not finite; the orbit is no ellipse, or one of an eccentricity above 0.95; a
variance is negative, or an eigenvalue far below zero; an eigenvalue slightly below zero was set to zero."""

SLIGHTLY = 0.01
"""Eigenvalue of the correlation matrix up to which a negative one is set to zero, in units of the largest one."""

STEP = 2.0 * np.pi / 24.0
"""Largest step of the eccentric anomaly between two times at which the distance is looked at."""

_TURNS = 12


@dataclass(frozen=True)
class Factors:
    """Matrices whose product with normal deviates has the wanted covariance.

    Attributes
    ----------
    matrix : float64, shape (n, k, k)
        Factor L of each covariance, L L' = C; zero where there is none.
    clipped : float64, shape (n,)
        Smallest eigenvalue of the correlation matrix in units of the largest one where it is negative, else 0.
    flags : int64, shape (n,)
        Sum of ``NOT_FINITE``, ``NOT_POSITIVE`` and ``CLIPPED``.
    """

    matrix: Floats
    clipped: Floats
    flags: Ints


def factors(covariance: Floats) -> Factors:
    """Factor covariances by the eigenvectors of their correlation matrices, so that they may be singular.

    Eigenvalues below zero, down to `SLIGHTLY` of the largest, are taken as zero (D. Hall, M. Hejduk and L. Johnson, AAS
    17-567, 2017, clip them, too); a covariance with lower ones, or with a negative variance, is not factored.

    Parameters
    ----------
    covariance : float64, shape (n, k, k)
        Symmetric matrices.
    """
    n, size = covariance.shape[:2]
    flags = np.zeros(n, np.int64)
    finite = np.isfinite(covariance.sum(axis=(1, 2)))
    flags[~finite] |= NOT_FINITE
    variance = np.where(finite[:, np.newaxis], np.einsum("nii->ni", covariance), 0.0)
    scale = np.where(variance > 0.0, np.sqrt(np.maximum(variance, 0.0)), 1.0)
    shape = np.where(finite[:, np.newaxis, np.newaxis], covariance, 0.0)
    shape = 0.5 * (shape + shape.transpose(0, 2, 1)) / (scale[:, :, np.newaxis] * scale[:, np.newaxis])
    values, vectors = np.linalg.eigh(shape)
    largest = np.maximum(values[:, -1], np.finfo(np.float64).tiny)
    lowest = np.minimum(values[:, 0] / largest, 0.0)
    negative = (variance < 0.0).any(axis=1) | (lowest < -SLIGHTLY)
    flags[negative] |= NOT_POSITIVE
    noise = -4.0 * size * np.finfo(np.float64).eps  # of the decomposition itself
    flags[~negative & (lowest < noise)] |= CLIPPED
    matrix = scale[:, :, np.newaxis] * vectors * np.sqrt(np.maximum(values, 0.0))[:, np.newaxis]
    matrix[negative | ~finite] = 0.0
    return Factors(matrix, np.where(lowest < noise, lowest, 0.0), flags)


@dataclass(frozen=True)
class Orbits:
    """Mean orbits of n objects and how they change with normal deviates.

    Attributes
    ----------
    elements : float64, shape (n, 6)
        Equinoctial elements of the states; zero where the orbit cannot be used.
    factor : float64, shape (n, 6, 6)
        Change of the elements by six normal deviates.
    sense : float64, shape (n,)
        Sense of the elements, see :mod:`stmgpu.risk.equinoctial`.
    clipped, flags : shape (n,)
        As in `Factors`, with ``NOT_MOVED``.
    """

    elements: Floats
    factor: Floats
    sense: Floats
    clipped: Floats
    flags: Ints


def orbits(position_km: Floats, velocity_km_s: Floats, covariance: Floats) -> Orbits:
    """Elements of states and factors of their covariances.

    Parameters
    ----------
    position_km, velocity_km_s : float64, shape (n, 3)
        Inertial states.
    covariance : float64, shape (n, 6, 6)
        Covariances of position and velocity along each object's own RTN axes [m^2, m^2/s, m^2/s^2]. The velocity is
        that in inertial space.
    """
    found = factors(covariance)
    state = 1e3 * np.hstack([position_km, velocity_km_s])
    flags = found.flags | np.where(np.isfinite(state).all(axis=1), 0, NOT_FINITE)
    sense = equinoctial.sense_of(state)
    elements = equinoctial.elements(state, sense)
    with np.errstate(invalid="ignore"):
        moved = np.hypot(elements[:, 1], elements[:, 2]) <= rows.ECCENTRICITY  # no comparison with NaN holds
    flags |= np.where(moved | (flags & NOT_FINITE > 0), 0, NOT_MOVED)
    elements[~moved] = 0.0
    factor = np.zeros_like(covariance)
    if moved.any():
        turned = np.zeros_like(covariance[moved])
        axes = _axes(position_km[moved], velocity_km_s[moved])
        turned[:, :3, :3], turned[:, 3:, 3:] = axes, axes
        partials = equinoctial.jacobian(elements[moved], 0.0, sense[moved])
        inverse = equinoctial.inverse_jacobian(elements[moved], partials)
        factor[moved] = inverse @ turned @ found.matrix[moved]
    return Orbits(elements, factor, sense, found.clipped, flags)


def times(first: Floats, second: Floats, start_s: Floats, stop_s: Floats) -> list[tuple[Ints, Floats]]:
    """Times between which the distance of two orbits has at most one minimum.

    They are evenly spread in the eccentric anomaly of the more eccentric orbit, 24 in a revolution. Events are grouped
    by their number.

    Parameters
    ----------
    first, second : float64, shape (n, 6)
        Elements of both objects.
    start_s, stop_s : float64, shape (n,)
        Window after the time of the elements [s].

    Returns
    -------
    list of tuple of int64, shape (m,), and float64, shape (m, nodes)
        Rows of the events of each group, and their times.
    """
    eccentric = [np.hypot(orbit[:, 1], orbit[:, 2]) for orbit in (first, second)]
    chosen = np.where((eccentric[0] >= eccentric[1])[:, np.newaxis], first, second)
    e = np.maximum(*eccentric)
    mean, motion = chosen[:, 5] - np.arctan2(chosen[:, 2], chosen[:, 1]), chosen[:, 0]
    begin, end = (_eccentric_anomaly(mean + motion * t, e) for t in (start_s, stop_s))
    count = np.ceil(np.maximum(end - begin, 0.0) / STEP).astype(np.int64)
    count = np.where(count > 2, -(-count // 4) * 4, np.maximum(count, 1))
    found = []
    for number in np.unique(count).tolist():
        which = np.flatnonzero(count == number)
        steps = np.linspace(0.0, 1.0, number + 1)
        anomaly = begin[which, np.newaxis] + (end - begin)[which, np.newaxis] * steps
        t = (anomaly - e[which, np.newaxis] * np.sin(anomaly) - mean[which, np.newaxis]) / motion[which, np.newaxis]
        t[:, 0], t[:, -1] = start_s[which], stop_s[which]
        found.append((which, np.ascontiguousarray(t)))
    return found


def ids(*columns: Floats) -> Ints:
    """Ids of events below 2^60, from the bytes of their states alone."""
    table = np.ascontiguousarray(np.hstack(columns)) + 0.0  # -0 becomes 0
    digests = (hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in table)
    return np.array([int.from_bytes(digest, "little") >> 4 for digest in digests], np.int64)


def usable(flags: Ints) -> Bools:
    """Whether an event can be sampled."""
    found: Bools = (flags & (NOT_FINITE | NOT_MOVED | NOT_POSITIVE)) == 0
    return found


def _eccentric_anomaly(mean: Floats, e: Floats) -> Floats:
    """Eccentric anomaly, to an accuracy that suffices for steps (J. Danby, 1987: start and Newton's steps)."""
    anomaly = mean + 0.85 * e * np.sign(np.sin(mean))
    for _ in range(_TURNS):
        anomaly = anomaly - (anomaly - e * np.sin(anomaly) - mean) / (1.0 - e * np.cos(anomaly))
    return anomaly


def _axes(r: Floats, v: Floats) -> Floats:
    """Columns R, T, N of each object."""
    radial, normal = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (r, np.cross(r, v)))
    return np.stack([radial, np.cross(normal, radial), normal], axis=2)
