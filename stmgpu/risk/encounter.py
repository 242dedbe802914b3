"""Encounters of two objects with covariances: geometry in the encounter plane and collision probability."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import get_backend
from stmgpu.errors import InputError
from stmgpu.risk import encounter_kernels as rows
from stmgpu.risk import encounter_reference
from stmgpu.risk.pc import plane_probability

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.backend import Backend
    from stmgpu.risk.encounter_reference import Flags
    from stmgpu.typing import Floats


@dataclass(frozen=True)
class Encounters:
    """Geometry of n encounters in their planes, at the closest approach of straight relative motion.

    Attributes
    ----------
    miss_major_m, miss_minor_m : float64, shape (n,)
        Miss along the principal axes of the combined covariance in the plane; NaN where there is no plane.
    sigma_major_m, sigma_minor_m : float64, shape (n,)
        Standard deviations along these axes.
    miss_m, speed_m_s : float64, shape (n,)
        Distance and relative speed.
    shift_s : float64, shape (n,)
        Time of closest approach after that of the states.
    angle_rad : float64, shape (n,)
        Angle between the velocities.
    start_s, stop_s : float64, shape (n,)
        Bounds of the encounter after the closest approach (V. Coppola, AAS 12-248, 2012; level 1e-16).
    period_s : float64, shape (n,)
        The shorter one of both orbital periods, of the states as given; infinite if both are hyperbolas.
    flags : int32, shape (n,)
        Sum of ``CLIPPED`` (an eigenvalue of the covariance was raised to (1e-4 radii)^2), ``NOT_POSITIVE`` (both
        eigenvalues are zero or negative), ``NO_SPEED`` (no relative velocity) and ``NO_MISS`` (the miss vanished and
        was set to a millionth of the radius), as named in :mod:`stmgpu.risk.encounter_kernels`.
    """

    miss_major_m: Floats
    miss_minor_m: Floats
    sigma_major_m: Floats
    sigma_minor_m: Floats
    miss_m: Floats
    speed_m_s: Floats
    shift_s: Floats
    angle_rad: Floats
    start_s: Floats
    stop_s: Floats
    period_s: Floats
    flags: Flags


def encounter_geometry(  # noqa: PLR0917  # the fields of two objects, in one order everywhere
    position_1_km: ArrayLike,
    velocity_1_km_s: ArrayLike,
    covariance_1_m2: ArrayLike,
    position_2_km: ArrayLike,
    velocity_2_km_s: ArrayLike,
    covariance_2_m2: ArrayLike,
    radius_m: ArrayLike,
    *,
    backend: str | Backend = "auto",
) -> Encounters:
    """Project encounters on their planes; arguments and errors as for :func:`encounter_probability`."""
    tables = pairs(
        position_1_km, velocity_1_km_s, covariance_1_m2, position_2_km, velocity_2_km_s, covariance_2_m2, radius_m
    )
    tables[6] = np.where(np.isfinite(tables[6]), tables[6], 0.0)
    runner = get_backend(backend) if isinstance(backend, str) else backend
    table, flags = (
        rows.geometry(tables, backend=runner) if runner.runs_kernels else encounter_reference.geometry(tables)
    )
    if (flags & rows.ASYMMETRIC).any():
        for place, name in ((2, "covariance_1_m2"), (5, "covariance_2_m2")):
            check_symmetric(tables[place], name)
    columns = dict(zip([f.name for f in fields(Encounters)], table, strict=False))
    return Encounters(**columns, flags=flags)


def encounter_probability(  # noqa: PLR0917  # the fields of two objects, in one order everywhere
    position_1_km: ArrayLike,
    velocity_1_km_s: ArrayLike,
    covariance_1_m2: ArrayLike,
    position_2_km: ArrayLike,
    velocity_2_km_s: ArrayLike,
    covariance_2_m2: ArrayLike,
    radius_m: ArrayLike,
    *,
    backend: str | Backend = "auto",
) -> Floats:
    """Collision probability of short encounters, from states near the closest approach.

    Both objects are moved to the closest approach of straight relative motion. An argument of one encounter serves
    for all.

    Parameters
    ----------
    position_1_km, position_2_km : array_like, shape (n, 3)
        Positions in one inertial frame.
    velocity_1_km_s, velocity_2_km_s : array_like, shape (n, 3)
        Velocities.
    covariance_1_m2, covariance_2_m2 : array_like, shape (n, 3, 3)
        Covariances of position, each in the radial, transverse and normal axes of its own object.
    radius_m : array_like, shape (n,)
        Combined hard-body radii.
    backend : str or Backend, optional
        Backend or its name, see :func:`stmgpu.get_backend`.

    Returns
    -------
    float64, shape (n,)
        Probabilities, as :func:`plane_probability` returns them; NaN where the relative velocity is zero or the
        covariance in the plane is not positive.

    Raises
    ------
    InputError
        A shape does not fit, or a covariance is not symmetric.
    """
    found = encounter_geometry(
        position_1_km,
        velocity_1_km_s,
        covariance_1_m2,
        position_2_km,
        velocity_2_km_s,
        covariance_2_m2,
        radius_m,
        backend=backend,
    )
    radius = np.broadcast_to(np.asarray(radius_m, np.float64), found.miss_m.shape)
    return plane_probability(
        found.miss_major_m,
        found.miss_minor_m,
        found.sigma_major_m,
        found.sigma_minor_m,
        radius,
        backend=backend,
    )


def pairs(  # noqa: PLR0917  # the fields of two objects, in one order everywhere
    position_1_km: ArrayLike,
    velocity_1_km_s: ArrayLike,
    covariance_1: ArrayLike,
    position_2_km: ArrayLike,
    velocity_2_km_s: ArrayLike,
    covariance_2: ArrayLike,
    radius_m: ArrayLike,
    *,
    size: int = 3,
) -> list[Floats]:
    """Check the shapes of encounters and bring them to one length.

    Parameters
    ----------
    position_1_km, velocity_1_km_s, covariance_1, position_2_km, velocity_2_km_s, covariance_2, radius_m : array_like
        As for :func:`encounter_probability`.
    size : int, optional
        Rows of a covariance: 3, or 6 with velocities.

    Returns
    -------
    list of float64
        The arguments in their order, each of n encounters; radii are 0 or more.

    Raises
    ------
    InputError
        A shape does not fit.
    """
    names = ("covariance_1_m2", "covariance_2_m2") if size == 3 else ("covariance_1", "covariance_2")
    radius = np.atleast_1d(np.asarray(radius_m, np.float64))
    given = [
        shaped(x, shape, name)
        for x, shape, name in (
            (position_1_km, (3,), "position_1_km"),
            (velocity_1_km_s, (3,), "velocity_1_km_s"),
            (covariance_1, (size, size), names[0]),
            (position_2_km, (3,), "position_2_km"),
            (velocity_2_km_s, (3,), "velocity_2_km_s"),
            (covariance_2, (size, size), names[1]),
        )
    ]
    lengths = {len(x) for x in (*given, radius) if len(x) != 1}
    if radius.ndim != 1 or len(lengths) > 1:
        raise InputError(f"states, covariances and radii must be of one number of encounters, got {sorted(lengths)}")
    n = lengths.pop() if lengths else 1
    given.append(np.maximum(np.where(np.isnan(radius), 0.0, radius), 0.0))
    return [np.broadcast_to(x, (n, *x.shape[1:])) for x in given]


def shaped(values: ArrayLike, shape: tuple[int, ...], name: str) -> Floats:
    """Values of n encounters as an array of shape (n, *shape); one that is of `shape` itself is one encounter's."""
    array = np.asarray(values, np.float64)
    array = array[np.newaxis] if array.shape == shape else array
    if array.ndim != len(shape) + 1 or array.shape[1:] != shape:
        expected = ", ".join(("n", *map(str, shape)))
        raise InputError(f"{name} must have the shape ({expected}), got {np.shape(values)}")
    return array


def check_symmetric(matrices: Floats, name: str) -> None:
    """Refuse covariances [n, k, k] that are not symmetric, but for rounding; those with NaN pass."""
    lower = zip(*np.tril_indices(matrices.shape[1], -1), strict=True)
    if all((matrices[:, i, j] == matrices[:, j, i]).all() for i, j in lower):
        return
    sigma = np.sqrt(np.abs(np.einsum("nii->ni", matrices)))
    allowed = rows.SYMMETRY * sigma[:, :, np.newaxis] * sigma[:, np.newaxis]
    wrong = np.flatnonzero((np.abs(matrices - matrices.transpose(0, 2, 1)) > allowed).any(axis=(1, 2)))
    if len(wrong):
        raise InputError(f"{name} is not symmetric at encounter {wrong[0]}: {matrices[wrong[0]].tolist()}")
