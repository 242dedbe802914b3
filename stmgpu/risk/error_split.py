"""An error taken out of a covariance that holds it, and what it changes in the elements of the orbit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.risk import equinoctial
from stmgpu.risk.rotations import local_axes

if TYPE_CHECKING:
    from stmgpu.typing import Bools, Floats

ROUNDING = 1e-4
"""Size of a negative eigenvalue of correlations that the rounding of printed numbers may leave."""


def without(covariance: Floats, error: Floats) -> tuple[Floats, Bools]:
    """Covariances without an error that they hold.

    Parameters
    ----------
    covariance : float64, shape (n, k, k)
        Symmetric matrices.
    error : float64, shape (n, k)
        One standard deviation of the error, in the axes and units of the covariance.

    Returns
    -------
    matrix : float64, shape (n, k, k)
        ``covariance - error error^T``; its eigenvalues below zero, in units of the variances given, are set to zero.
        Where the error is zero, the covariance itself.
    held : bool, shape (n,)
        Whether the covariance holds the error: its numbers are finite, its variances positive, and no eigenvalue was
        below ``-ROUNDING``. True where the error is zero.
    """
    matrix, held = np.array(covariance, np.float64), np.ones(len(covariance), bool)
    rows = np.flatnonzero(error.any(axis=1))
    variance = np.einsum("nii->ni", matrix[rows])
    held[rows] = np.isfinite(matrix[rows]).all(axis=(1, 2)) & (variance > 0.0).all(axis=1)
    rows = rows[held[rows]]
    sigma = np.sqrt(np.einsum("nii->ni", matrix[rows]))
    scale = sigma[:, :, np.newaxis] * sigma[:, np.newaxis]
    rest = matrix[rows] - np.einsum("ni,nj->nij", error[rows], error[rows])
    values, vectors = np.linalg.eigh(rest / scale)
    mended = (vectors * np.maximum(values, 0.0)[:, np.newaxis]) @ vectors.transpose(0, 2, 1)
    low = (values[:, 0] < 0.0)[:, np.newaxis, np.newaxis]
    matrix[rows] = np.where(low, scale * 0.5 * (mended + mended.transpose(0, 2, 1)), rest)
    held[rows] = values[:, 0] >= -ROUNDING
    return matrix, held


def held_by_both(covariance_1: Floats, covariance_2: Floats, errors: Floats) -> Bools:
    """Whether both covariances [n, k, k] hold an error of both objects [n, 2, k], see `without`."""
    held: Bools = without(covariance_1, errors[:, 0])[1] & without(covariance_2, errors[:, 1])[1]
    return held


def changes(position_km: Floats, velocity_km_s: Floats, error: Floats) -> Floats:
    """Changes of equinoctial elements by errors of the state, to first order.

    Parameters
    ----------
    position_km, velocity_km_s : float64, shape (n, 3)
        Inertial states.
    error : float64, shape (n, 6)
        Changes of position and velocity along each object's own radial, transverse and normal axes [m, m/s].

    Returns
    -------
    float64, shape (n, 6)
        Not a number where the state has no elements; the elements are those of :mod:`stmgpu.risk.equinoctial` in the
        sense of the state.
    """
    state = 1e3 * np.hstack([position_km, velocity_km_s])
    sense = equinoctial.sense_of(state)
    elements = equinoctial.elements(state, sense)
    axes = local_axes("RTN", state)
    inertial = np.einsum("nij,nkj->nki", axes, error.reshape(-1, 2, 3)).reshape(-1, 6)
    found = np.full(error.shape, np.nan)
    fine = np.isfinite(elements).all(axis=1)
    inverse = equinoctial.inverse_jacobian(elements[fine], equinoctial.jacobian(elements[fine], 0.0, sense[fine]))
    found[fine] = np.einsum("nij,nj->ni", inverse, inertial[fine])
    return found
