"""Straightening of curved encounters by ``kernels/curved.cu``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import device_entry
from stmgpu.backend.tables import table

if TYPE_CHECKING:
    from stmgpu.backend import Backend
    from stmgpu.typing import Floats

PAD = 16
_TABLE = table("curved.h")
OBJECT_ROWS, SEARCH_ROWS = _TABLE.integers("CURVED_", "OBJECT_ROWS SEARCH_ROWS")
MISS_MAJOR, MISS_MINOR, SIGMA_MAJOR, SIGMA_MINOR, FACTOR, TIME, WIDTH, CORRECTION, ROWS = _TABLE.integers(
    "CURVED_", "MISS_MAJOR MISS_MINOR SIGMA_MAJOR SIGMA_MINOR FACTOR TIME WIDTH CORRECTION ROWS"
)
TURNS, REFINED = _TABLE.integers("CURVED_", "TURNS REFINED")
EVEN, STILL, ALIKE, STEP, CLIP = (
    _TABLE.number(f"CURVED_{name}") for name in ("EVEN", "STILL", "ALIKE", "STEP", "CLIP")
)

_TOGETHER = 4112
"""Encounters of a launch on a host: their rows stay in the cache, and do not lie a power of two apart."""

_MOST_TOGETHER = 1 << 15
_LOWER = np.tril_indices(6)


@device_entry
def straightened(
    state_1: Floats,
    covariance_1: Floats,
    state_2: Floats,
    covariance_2: Floats,
    radius_m: Floats,
    *,
    rim: bool = True,
    backend: Backend,
) -> Floats:
    """Rows of ``curved.h`` of encounters.

    Parameters
    ----------
    state_1, state_2 : float64, shape (6, n)
        Inertial positions [km] and velocities [km/s].
    covariance_1, covariance_2 : float64, shape (n, 6, 6)
        Covariances in each object's own radial, transverse and normal axes [m, m/s]; the lower triangles are used.
    radius_m : float64, shape (n,)
        Combined hard-body radii.
    rim : bool
        Whether the expansion about the centre of the disc is followed by that about its densest point.
    backend : Backend
        Backend that runs kernels.

    Returns
    -------
    float64, shape (ROWS, n)
        NaN where nothing was found.
    """
    n = len(radius_m)
    rows = np.empty((ROWS, n))
    together = _TOGETHER if backend.rows_share_cache else _MOST_TOGETHER
    for start in range(0, n, together):
        part = np.arange(start, min(start + together, n))
        padded = np.resize(part, -(-len(part) // PAD) * PAD)
        size = len(padded)
        objects = []
        for state, covariance in ((state_1, covariance_1), (state_2, covariance_2)):
            lower = np.ascontiguousarray(covariance[padded][:, _LOWER[0], _LOWER[1]].T)
            prepared = backend.empty((OBJECT_ROWS, size))
            backend.launch("curved_objects", size, size, backend.put(state[:, padded]), backend.put(lower), prepared)
            objects.append(prepared)
        radius, search = backend.put(radius_m[padded]), backend.empty((SEARCH_ROWS, size))
        backend.launch("curved_start", size, size, *objects, search)
        planes = []
        for _ in range(2 if rim else 1):
            planes.append(backend.empty((ROWS, size)))
            backend.launch("curved_overlap", size, size, *objects, search)
            backend.launch("curved_plane", size, size, *objects, radius, search, planes[-1])
        found = [backend.get(plane)[:, : len(part)] for plane in planes]
        rows[:, part] = found[-1]
        rows[CORRECTION, part] = np.where(np.isnan(found[-1][CORRECTION]), np.nan, found[0][CORRECTION])
    return rows
