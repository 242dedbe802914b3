"""Altitude shells: their edges, their volumes, and the share of its period that an object spends in each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from stmgpu.constants import EARTH
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.typing import Floats, Ints

SHELL_EDGES_KM = np.arange(200.0, 2000.1, 50.0)
"""Altitudes of the edges of the shells of every result [km]."""

SHELL_RADII_KM = SHELL_EDGES_KM + EARTH.radius_km
"""Radii of these edges [km]."""

WIDE_SHELL_RADII_KM = EARTH.radius_km + np.arange(150.0, 2050.1, 50.0)
"""Radii of the edges of shells with one more below and above [km]."""

_CIRCULAR = 1e-9


def fine_shell_radii_km(parts: int) -> Floats:
    """Radii of the edges of shells that divide every shell of a result into this number of parts [km]."""
    shells = len(SHELL_EDGES_KM) - 1
    radii: Floats = EARTH.radius_km + np.linspace(SHELL_EDGES_KM[0], SHELL_EDGES_KM[-1], parts * shells + 1)
    return radii


def shell_of(altitude_km: Floats) -> Ints:
    """Index of the shell of each altitude, -1 outside of all shells.

    Examples
    --------
    >>> shell_of(np.array([199.0, 200.0, 849.0, 2000.0])).tolist()
    [-1, 0, 12, -1]
    """
    shell = np.searchsorted(SHELL_EDGES_KM, altitude_km, side="right") - 1
    return np.where(shell < len(SHELL_EDGES_KM) - 1, shell, -1)


def shell_shares(a_km: ArrayLike, ecc: ArrayLike, edges_km: ArrayLike) -> Floats:
    """Share of its period that an object spends in each radial shell.

    The share of the shell from r_1 to r_2 is [M(r_2) - M(r_1)] / pi with M = E - e sin E, cos E = (1 - r/a) / e. Summed
    over objects it is their effective number in the shell.

    Parameters
    ----------
    a_km, ecc : array_like, shape (n,)
        semi-major axes [km] and eccentricities.
    edges_km : array_like, shape (shells + 1,)
        radii of the edges of the shells, in increasing order [km].

    Returns
    -------
    ndarray of float64, shape (n, shells)

    Examples
    --------
    >>> shell_shares([7000.0, 7000.0], [0.0, 0.01], [6900.0, 7000.0, 7100.0]).round(3).tolist()
    [[0.0, 1.0], [0.497, 0.503]]
    """
    shares: Floats = sparse_shell_shares(a_km, ecc, edges_km).toarray()
    return shares


def sparse_shell_shares(a_km: ArrayLike, ecc: ArrayLike, edges_km: ArrayLike) -> sparse.csr_array:
    """:func:`shell_shares` as a sparse matrix: most orbits cross only a few shells."""
    a, e, edges = np.asarray(a_km, np.float64), np.asarray(ecc, np.float64), checked_edges(edges_km)
    shells, n = len(edges) - 1, len(a)
    first = np.searchsorted(edges, a * (1.0 - e), side="right") - 1
    last = np.searchsorted(edges, a * (1.0 + e), side="right") - 1
    inside = (last >= 0) & (first < shells)
    first, last = np.clip(first, 0, shells - 1), np.clip(last, 0, shells - 1)
    count = np.where(inside, last - first + 1, 0)
    ends = np.cumsum(count)
    row = np.repeat(np.arange(n), count)
    column = np.arange(ends[-1] if n else 0) - np.repeat(ends - count, count) + np.repeat(first, count)
    lower = _share_below(edges[column], a[row], e[row])
    # the upper edge of a shell is the lower one of the next, except for the last of a row
    upper = np.empty_like(lower)
    upper[:-1] = lower[1:]
    final = ends[count > 0] - 1
    rows = np.flatnonzero(count)
    upper[final] = _share_below(edges[last[rows] + 1], a[rows], e[rows])
    return sparse.csr_array((upper - lower, column, np.append(0, ends)), shape=(n, shells))


def _share_below(radius_km: Floats, a_km: Floats, ecc: Floats) -> Floats:
    """Share of the half revolution from perigee to apogee below a radius; 0 or 1 for circular orbits."""
    eccentric = ecc > _CIRCULAR
    cosine = np.where(
        eccentric, (1.0 - radius_km / a_km) / np.where(eccentric, ecc, 1.0), np.where(radius_km > a_km, -1.0, 1.0)
    )
    cosine = np.clip(cosine, -1.0, 1.0)
    share: Floats = (np.arccos(cosine) - ecc * np.sqrt(1.0 - cosine**2)) / np.pi
    return share


def shell_volumes(edges_km: ArrayLike) -> Floats:
    """Volume of each spherical shell [km^3].

    Examples
    --------
    >>> shell_volumes([6900.0, 7000.0, 7100.0]).round(-7).tolist()
    [60700000000.0, 62460000000.0]
    """
    volumes: Floats = 4.0 / 3.0 * np.pi * np.diff(checked_edges(edges_km) ** 3)
    return volumes


def divide_shells(edges_km: Floats, thickness_km: float) -> tuple[Floats, Ints]:
    """Divide shells into shells no thicker than ``thickness_km``.

    Returns
    -------
    ndarray of float64
        radii of the edges of the thin shells [km].
    ndarray of int64
        index of the shell that each thin one is a part of.
    """
    parts = np.maximum(np.ceil(np.diff(edges_km) / thickness_km - 1e-9).astype(np.int64), 1)
    shell = np.repeat(np.arange(len(parts)), parts)
    within = np.arange(len(shell)) - np.repeat(np.cumsum(parts) - parts, parts)
    lower = edges_km[shell] + within * (np.diff(edges_km) / parts)[shell]
    return np.append(lower, edges_km[-1]), shell


def checked_edges(edges_km: ArrayLike) -> Floats:
    """Edges of shells as an array.

    Raises
    ------
    InputError
        fewer than two edges, or edges that do not increase.
    """
    edges: Floats = np.asarray(edges_km, np.float64)
    if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0.0).all():
        raise InputError(f"edges_km must be two or more radii in increasing order, got an array of shape {edges.shape}")
    return edges
