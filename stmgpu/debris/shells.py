"""Shells of radius around the Earth: what share of its period an object spends in each, and their volumes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from stmgpu.errors import InputError

Array = NDArray[np.float64]

_CIRCULAR = 1e-9


def shell_shares(a_km: ArrayLike, ecc: ArrayLike, edges_km: ArrayLike) -> Array:
    """Share of its period that an object spends in each radial shell: its effective number there.

    [M(r2) - M(r1)] / pi with M = E - e sin E, cos E = (1 - r/a) / e.

    Parameters
    ----------
    a_km, ecc
        semi-major axes [n, km] and eccentricities [n].
    edges_km
        radii between the shells, increasing [shells + 1, km].

    Returns
    -------
    float64 [n, shells].

    Examples
    --------
    >>> shell_shares([7000.0, 7000.0], [0.0, 0.01], [6900.0, 7000.0, 7100.0]).round(3).tolist()
    [[0.0, 1.0], [0.497, 0.503]]
    """
    result: Array = occupancy(a_km, ecc, edges_km).toarray()
    return result


def occupancy(a_km: ArrayLike, ecc: ArrayLike, edges_km: ArrayLike) -> Any:
    """:func:`shell_shares` as a sparse matrix (scipy CSR), which has a few entries a row."""
    a, e, edges = np.asarray(a_km, np.float64), np.asarray(ecc, np.float64), edges_of(edges_km)
    shells, n = len(edges) - 1, len(a)
    first = np.searchsorted(edges, a * (1.0 - e), side="right") - 1
    last = np.searchsorted(edges, a * (1.0 + e), side="right") - 1
    inside = (last >= 0) & (first < shells)
    first, last = np.clip(first, 0, shells - 1), np.clip(last, 0, shells - 1)
    count = np.where(inside, last - first + 1, 0)
    ends = np.cumsum(count)
    row = np.repeat(np.arange(n), count)
    column = np.arange(ends[-1] if n else 0) - np.repeat(ends - count, count) + np.repeat(first, count)
    lower = _passed(edges[column], a[row], e[row])
    # the upper edge of a shell is the lower one of the next, except for the last of a row
    upper = np.empty_like(lower)
    upper[:-1] = lower[1:]
    final = ends[count > 0] - 1
    rows = np.flatnonzero(count)
    upper[final] = _passed(edges[last[rows] + 1], a[rows], e[rows])
    return sparse.csr_array((upper - lower, column, np.append(0, ends)), shape=(n, shells))


def _passed(radius: Array, a: Array, e: Array) -> Array:
    """Share of half a revolution, from the perigee up, that lies below a radius; circles count where they are."""
    eccentric = e > _CIRCULAR
    cosine = np.where(eccentric, (1.0 - radius / a) / np.where(eccentric, e, 1.0), np.where(radius > a, -1.0, 1.0))
    cosine = np.clip(cosine, -1.0, 1.0)
    result: Array = (np.arccos(cosine) - e * np.sqrt(1.0 - cosine**2)) / np.pi
    return result


def shell_volumes(edges_km: ArrayLike) -> Array:
    """Volume of each spherical shell [shells, km^3].

    Examples
    --------
    >>> shell_volumes([6900.0, 7000.0, 7100.0]).round(-7).tolist()
    [60700000000.0, 62460000000.0]
    """
    result: Array = 4.0 / 3.0 * np.pi * np.diff(edges_of(edges_km) ** 3)
    return result


def thin(edges: Array, thickness_km: float) -> tuple[Array, NDArray[np.int64]]:
    """Radii between shells no thicker than this, and the shell of the given ones that each is a part of."""
    parts = np.maximum(np.ceil(np.diff(edges) / thickness_km - 1e-9).astype(np.int64), 1)
    shell = np.repeat(np.arange(len(parts)), parts)
    within = np.arange(len(shell)) - np.repeat(np.cumsum(parts) - parts, parts)
    lower = edges[shell] + within * (np.diff(edges) / parts)[shell]
    return np.append(lower, edges[-1]), shell


def edges_of(edges_km: ArrayLike) -> Array:
    """Radii between shells as an array; :class:`InputError` where they do not increase."""
    edges: Array = np.asarray(edges_km, np.float64)
    if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0.0).all():
        raise InputError("edges_km must be radii in increasing order, two or more")
    return edges
