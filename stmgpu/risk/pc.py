"""Collision probability of short encounters: the exact integral of a normal density over a disc."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import get_backend
from stmgpu.risk import pc_kernels, pc_reference

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.backend import Backend
    from stmgpu.typing import Floats

_TOGETHER = 1 << 15
"""Encounters at once on a host: their columns stay in the cache."""

_MOST_TOGETHER = 1 << 20


def plane_probability(
    miss_major: ArrayLike,
    miss_minor: ArrayLike,
    sigma_major: ArrayLike,
    sigma_minor: ArrayLike,
    radius: ArrayLike,
    *,
    backend: str | Backend = "auto",
) -> Floats:
    """Collision probability in the encounter plane.

    The arguments are broadcast against each other and have one unit of length.

    Parameters
    ----------
    miss_major, miss_minor : array_like
        Miss along the principal axes of the combined covariance; the sign does not matter.
    sigma_major, sigma_minor : array_like
        Standard deviations along these axes, positive. They may be given in either order.
    radius : array_like
        Combined hard-body radius.
    backend : str or Backend, optional
        Backend or its name, see :func:`stmgpu.get_backend`.

    Returns
    -------
    float64
        Probability, of the broadcast shape: 0 for a radius of 0 or less, 1 for an infinite one, NaN where a sigma is
        not positive or a number is not finite. The relative error is below 1e-12, and below 1e-11 for probabilities
        under 1e-20, as long as the radius is at most 100 sigmas. Probabilities below 1e-300 are 0.

    Notes
    -----
    The integral over chords (F. Chan, "Spacecraft Collision Probability", 2008, ch. 4) by the trapezoidal rule around
    the rim for small discs, and by Gauss-Legendre panels between levels of the density for all others.

    Examples
    --------
    A disc of 10 m around the mean, sigmas of 100 m: 1 - exp(-R^2 / (2 s^2)).

    >>> round(float(plane_probability(0.0, 0.0, 100.0, 100.0, 10.0, backend="reference")), 9)
    0.004987521
    """
    arrays = np.broadcast_arrays(
        *(np.asarray(x, np.float64) for x in (miss_major, miss_minor, sigma_major, sigma_minor, radius))
    )
    runner = get_backend(backend) if isinstance(backend, str) else backend
    columns = [x.ravel() for x in arrays]
    found = np.empty(columns[0].shape)
    together = _TOGETHER if runner.rows_share_cache else _MOST_TOGETHER
    for start in range(0, len(found), together):
        part = slice(start, start + together)
        found[part] = _some([x[part] for x in columns], runner)
    return found.reshape(arrays[0].shape)


def between(miss: Floats, half: Floats, backend: Backend) -> Floats:
    """P(miss - half < x < miss + half) of a normal variable, for n misses of 0 or more and half widths in sigmas."""
    return pc_kernels.between(miss, half, backend) if backend.runs_kernels else pc_reference.between(miss, half)


def logarithm(x: Floats, backend: Backend) -> Floats:
    """Natural logarithm of n numbers of 1 or more."""
    return pc_kernels.logarithm(x, backend) if backend.runs_kernels else np.log(x)


def _some(columns: list[Floats], backend: Backend) -> Floats:
    _, (xm, zm, sx, sz, r) = in_principal_axes(*columns)
    found = np.full(r.shape, np.nan)
    known = np.isfinite(xm) & np.isfinite(zm) & (sz > 0.0) & np.isfinite(sx)
    found[known & (r <= 0.0)] = 0.0
    found[known & (r == np.inf)] = 1.0
    known &= (r > 0.0) & (r < np.inf)
    if not known.all():
        xm, zm, sx, sz, r = (x[known] for x in (xm, zm, sx, sz, r))
    if len(r):
        scaled = (xm / sx, zm / sz, r / sx, r / sz)
        found[known] = (
            pc_kernels.probability(*scaled, backend) if backend.runs_kernels else pc_reference.probability(*scaled)
        )
    return found


def in_principal_axes(
    miss_major: ArrayLike, miss_minor: ArrayLike, *others: ArrayLike
) -> tuple[tuple[int, ...], tuple[Floats, ...]]:
    """Broadcast both misses, both sigmas and the radius; flat, without signs of the misses, the larger sigma first.

    Returns
    -------
    shape : tuple of int
        The broadcast shape.
    columns : tuple of float64, shape (n,)
        Misses along the major and the minor axis, the sigmas there, and the radius.
    """
    arrays = np.broadcast_arrays(*(np.asarray(x, np.float64) for x in (miss_major, miss_minor, *others)))
    xm, zm, sx, sz, radius = (x.ravel() for x in arrays)
    xm, zm = np.abs(xm), np.abs(zm)
    swap = sx < sz
    if swap.any():
        xm, zm = np.where(swap, zm, xm), np.where(swap, xm, zm)
        sx, sz = np.where(swap, sz, sx), np.where(swap, sx, sz)
    return arrays[0].shape, (xm, zm, sx, sz, radius)
