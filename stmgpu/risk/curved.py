"""Collision probability of single encounters on curved orbits: the method 2D-Nc."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import get_backend
from stmgpu.risk import curved_kernels as rows
from stmgpu.risk import curved_reference
from stmgpu.risk.encounter import check_symmetric, pairs
from stmgpu.risk.pc import plane_probability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from stmgpu.backend import Backend
    from stmgpu.typing import Floats


@dataclass(frozen=True)
class CurvedEncounters:
    """Encounters on curved orbits, straightened where the densities of both objects overlap most.

    Attributes
    ----------
    probability : float64, shape (n,)
        Expected number of collisions, at most 1; NaN where no overlap is found.
    miss_major_m, miss_minor_m, sigma_major_m, sigma_minor_m : float64, shape (n,)
        Miss and standard deviations along the principal axes in the plane of the straightened encounter.
    factor : float64, shape (n,)
        What the probability in that plane is multiplied with: 1 for straight motion.
    time_s, width_s : float64, shape (n,)
        Time of the densest overlap after that of the states, and standard deviation in time of the rate of collisions.
    correction : float64, shape (n,)
        Logarithm of the curved by the straight probability of a vanishing radius.
    """

    probability: Floats
    miss_major_m: Floats
    miss_minor_m: Floats
    sigma_major_m: Floats
    sigma_minor_m: Floats
    factor: Floats
    time_s: Floats
    width_s: Floats
    correction: Floats


def curved_probability(  # noqa: PLR0917  # the fields of two objects, in one order everywhere
    position_1_km: ArrayLike,
    velocity_1_km_s: ArrayLike,
    covariance_1: ArrayLike,
    position_2_km: ArrayLike,
    velocity_2_km_s: ArrayLike,
    covariance_2: ArrayLike,
    radius_m: ArrayLike,
    *,
    backend: str | Backend = "auto",
) -> CurvedEncounters:
    """Collision probability of single encounters on curved orbits.

    It holds for encounters that are short against the orbital period; :mod:`stmgpu.risk.validity` tells which.

    Parameters
    ----------
    position_1_km, position_2_km : array_like, shape (n, 3)
        Positions in one inertial frame about the Earth, near the closest approach.
    velocity_1_km_s, velocity_2_km_s : array_like, shape (n, 3)
        Velocities.
    covariance_1, covariance_2 : array_like, shape (n, 6, 6)
        Covariances of position and velocity [m, m/s], each in the radial, transverse and normal axes of its own object.
    radius_m : array_like, shape (n,)
        Combined hard-body radii.
    backend : str or Backend, optional
        Backend or its name, see :func:`stmgpu.get_backend`.

    Returns
    -------
    CurvedEncounters

    Raises
    ------
    InputError
        A shape does not fit, or a covariance is not symmetric.

    Notes
    -----
    Method 2D-Nc of D. Hall, L. Baars and S. Casali, "A multistep probability of collision computational algorithm", AAS
    23-398 (2023): errors are normal in equinoctial elements, motion is that of two bodies, mean and covariance are
    expanded about the point of greatest overlap, the rate of collisions to second order in time. Two things differ from
    it: the expansion is repeated about the densest point of the disc, which matters for radii far larger than the
    sigmas, and the integral is the exact one over the disc (:func:`plane_probability`) instead of one over the sphere.
    Elements are the direct set but for inclinations above 172 degrees.
    """
    runner = get_backend(backend) if isinstance(backend, str) else backend
    fields = (position_1_km, velocity_1_km_s, covariance_1, position_2_km, velocity_2_km_s, covariance_2, radius_m)
    found, radius = _straightened(fields, runner, rim=True)
    major, minor, sigma_major, sigma_minor = found[
        [rows.MISS_MAJOR, rows.MISS_MINOR, rows.SIGMA_MAJOR, rows.SIGMA_MINOR]
    ]
    inside = plane_probability(major, minor, sigma_major, sigma_minor, radius, backend=runner)
    probability = np.minimum(found[rows.FACTOR] * inside, 1.0)
    return CurvedEncounters(
        probability,
        major,
        minor,
        sigma_major,
        sigma_minor,
        found[rows.FACTOR],
        found[rows.TIME],
        found[rows.WIDTH],
        found[rows.CORRECTION],
    )


def curved_tests(fields: Sequence[ArrayLike], backend: Backend) -> dict[str, Floats]:
    """What tells whether the two-dimensional method holds, at half the cost of :func:`curved_probability`.

    Parameters
    ----------
    fields : sequence of array_like
        Arguments of :func:`curved_probability`, in its order.
    backend : Backend
        Backend.

    Returns
    -------
    dict of float64, shape (n,)
        'time_s', 'width_s' and 'correction' as in :class:`CurvedEncounters`; the first two of the expansion about the
        centre of the disc, which alone is made. NaN where no overlap is found.
    """
    found, _ = _straightened(fields, backend, rim=False)
    return {"time_s": found[rows.TIME], "width_s": found[rows.WIDTH], "correction": found[rows.CORRECTION]}


def _straightened(fields: Sequence[ArrayLike], backend: Backend, *, rim: bool) -> tuple[Floats, Floats]:
    """Rows of ``curved.h``, and radii."""
    r1, v1, c1, r2, v2, c2, radius = pairs(*fields, size=6)
    for covariance, name in ((c1, "covariance_1"), (c2, "covariance_2")):
        check_symmetric(covariance, name)
    bounded = np.where(np.isfinite(radius), radius, 0.0)
    state_1, state_2 = (np.ascontiguousarray(np.hstack([r, v]).T) for r, v in ((r1, v1), (r2, v2)))
    if backend.runs_kernels:
        return rows.straightened(state_1, c1, state_2, c2, bounded, rim=rim, backend=backend), radius
    return curved_reference.straightened(state_1, c1, state_2, c2, bounded, rim=rim), radius
