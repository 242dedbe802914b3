"""Geometry of encounters with NumPy's linear algebra: the slow twin of ``kernels/encounter.cu``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.constants import EARTH
from stmgpu.risk import encounter_kernels as rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from stmgpu.typing import Floats

    Flags = npt.NDArray[np.int32]


def geometry(tables: Sequence[Floats]) -> tuple[Floats, Flags]:
    """Rows and flags of encounters; arguments as for :func:`stmgpu.risk.encounter_kernels.geometry`."""
    n = len(tables[0])
    found, flags = np.full((rows.ROWS, n), np.nan), np.zeros(n, np.int32)
    for k in range(n):
        r1, v1, c1, r2, v2, c2, radius = (x[k] for x in tables)
        found[:, k], flags[k] = _one(r1, v1, c1, r2, v2, c2, float(radius))
        if not (_symmetric(c1) and _symmetric(c2)):
            flags[k] |= rows.ASYMMETRIC
    return found, flags


def _symmetric(covariance: Floats) -> bool:
    sigmas = np.sqrt(np.abs(np.diag(covariance)))
    return not (np.abs(covariance - covariance.T) > rows.SYMMETRY * np.outer(sigmas, sigmas)).any()


def _one(  # noqa: PLR0917  # the fields of two objects, in one order everywhere
    r1: Floats, v1: Floats, c1: Floats, r2: Floats, v2: Floats, c2: Floats, radius: float
) -> tuple[Floats, int]:
    row, flag = np.full(rows.ROWS, np.nan), 0
    own = ((_axes(r1, v1), c1), (_axes(r2, v2), c2))
    r, v = 1e3 * (r1 - r2), 1e3 * (v1 - v2)
    speed = float(np.linalg.norm(v))
    shift = -float(r @ v) / speed**2 if speed > 0.0 else 0.0
    row[rows.PERIOD] = min(period_s(r1, v1), period_s(r2, v2))
    r, r1, r2 = r + v * shift, r1 + v1 * shift, r2 + v2 * shift
    row[rows.MISS], row[rows.SPEED], row[rows.SHIFT] = np.linalg.norm(r), speed, shift
    row[rows.ANGLE] = np.arctan2(np.linalg.norm(np.cross(v1, v2)), v1 @ v2)
    if not speed > 0.0:
        return row, rows.NO_SPEED
    least = max(rows.SMALLEST * 1e3 * float(np.linalg.norm(r1)), rows.NO_MISS_RADII * radius)
    if row[rows.MISS] < least:
        aside = np.cross(r1 + r2, v)
        r, flag = least * aside / np.linalg.norm(aside), flag | rows.NO_MISS
        row[rows.MISS] = least
    y = v / speed
    z = np.cross(r, v)
    z = z / np.linalg.norm(z)
    plane = np.array([np.cross(y, z), z])
    _, vectors = np.linalg.eigh(_project(own, plane, plane))
    axes = vectors.T @ plane
    values = np.diag(_project(own, axes, axes))  # the smaller one of a needle is more accurate than eigh's
    if not (values > 0.0).any():
        return row, flag | rows.NOT_POSITIVE
    limit = (rows.CLIP * radius) ** 2
    if (values < limit).any():
        flag |= rows.CLIPPED
        values = np.maximum(values, limit)
    miss = axes @ r
    w = _project(own, axes, y[np.newaxis])[:, 0]
    b = w / values
    spread = np.sqrt(max(0.0, 2.0 * float(_project(own, y[np.newaxis], y[np.newaxis])[0, 0] - b @ w)))
    row[rows.MISS_MINOR], row[rows.MISS_MAJOR] = np.abs(miss)
    row[rows.SIGMA_MINOR], row[rows.SIGMA_MAJOR] = np.sqrt(values)
    row[rows.START] = (b @ miss - rows.LEVEL * spread - radius * np.sqrt(1.0 + b @ b)) / speed
    row[rows.STOP] = (b @ miss + rows.LEVEL * spread + radius * np.sqrt(b @ b)) / speed
    return row, flag


def _project(own: tuple[tuple[Floats, Floats], ...], a: Floats, b: Floats) -> Floats:
    """Combined covariance between the directions in the rows of two matrices."""
    return sum(((a @ axes) @ c @ (b @ axes).T for axes, c in own), np.zeros((len(a), len(b))))


def _axes(r: Floats, v: Floats) -> Floats:
    """Columns R, T, N of an object's own frame."""
    radial, normal = r / np.linalg.norm(r), np.cross(r, v)
    normal = normal / np.linalg.norm(normal)
    return np.stack([radial, np.cross(normal, radial), normal], axis=1)


def period_s(r: Floats, v: Floats) -> float:
    """Period of the Kepler orbit of a position [km] and velocity [km/s], infinite on a hyperbola [s]."""
    inverse = 2.0 / np.linalg.norm(r) - v @ v / EARTH.mu_km3_s2
    return float(2.0 * np.pi / np.sqrt(EARTH.mu_km3_s2 * inverse**3)) if inverse > 0.0 else np.inf
