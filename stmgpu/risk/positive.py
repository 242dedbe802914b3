"""Remedy for covariances that are not positive definite: negative eigenvalues are raised.

Messages round their numbers, and matrices with strong correlations lose an eigenvalue by it (D. Hall, M. Hejduk and
L. Johnson, AAS 17-567, 2017, who clip eigenvalues too). Eigenvalues are those of the matrix of correlations, so that
metres and metres a second weigh alike; variances are not touched by much: an eigenvalue is raised to 1e-12.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from stmgpu.typing import Bools, Floats

FLOOR = 1e-12
"""Eigenvalue of the matrix of correlations that replaces smaller ones."""


def remedied(covariance: npt.ArrayLike) -> tuple[Floats, Bools]:
    """Positive definite matrices, and which of them were changed.

    Parameters
    ----------
    covariance : array_like, shape (n, k, k)
        Symmetric matrices with positive variances; those that are not finite stay as they are.

    Returns
    -------
    matrix : ndarray of float64, shape (n, k, k)
        Those that are positive definite are untouched.
    changed : ndarray of bool, shape (n,)
        Where eigenvalues were raised; never without telling it.

    Examples
    --------
    >>> matrix, changed = remedied([[[4.0, 6.3], [6.3, 9.0]]])
    >>> changed.tolist(), bool((np.linalg.eigvalsh(matrix) > 0.0).all())
    ([True], True)
    """
    matrix = np.array(covariance, np.float64)
    sigma = np.sqrt(np.maximum(np.diagonal(matrix, axis1=1, axis2=2), 0.0))
    usable = np.isfinite(matrix).all(axis=(1, 2)) & (sigma > 0.0).all(axis=1)
    rows = np.flatnonzero(usable)
    scale = sigma[rows][:, :, None] * sigma[rows][:, None, :]
    shape = matrix[rows] / scale
    values, vectors = np.linalg.eigh(shape)
    low = (values <= 0.0).any(axis=1)
    raised = np.maximum(values[low], FLOOR)
    mended = (vectors[low] * raised[:, None, :]) @ np.swapaxes(vectors[low], 1, 2)
    matrix[rows[low]] = 0.5 * (mended + np.swapaxes(mended, 1, 2)) * scale[low]
    changed = np.zeros(len(matrix), np.bool_)
    changed[rows[low]] = True
    return matrix, changed
