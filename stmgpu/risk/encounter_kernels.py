"""Geometry of encounters by ``kernels/encounter.cu``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import device_entry
from stmgpu.backend.tables import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stmgpu.backend import Backend
    from stmgpu.risk.encounter_reference import Flags
    from stmgpu.typing import Floats

PAD = 16
_TABLE = table("encounter.h")
MISS_MAJOR, MISS_MINOR, SIGMA_MAJOR, SIGMA_MINOR, MISS, SPEED, SHIFT, ANGLE, START, STOP, PERIOD, ROWS = (
    _TABLE.integers(
        "ENCOUNTER_", "MISS_MAJOR MISS_MINOR SIGMA_MAJOR SIGMA_MINOR MISS SPEED SHIFT ANGLE START STOP PERIOD ROWS"
    )
)
CLIPPED, NOT_POSITIVE, NO_SPEED, NO_MISS, ASYMMETRIC = _TABLE.integers(
    "ENCOUNTER_FLAG_", "CLIPPED NOT_POSITIVE NO_SPEED NO_MISS ASYMMETRIC"
)
CLIP, SMALLEST, NO_MISS_RADII, SYMMETRY = (
    _TABLE.number(f"ENCOUNTER_{name}") for name in ("CLIP", "SMALLEST", "NO_MISS_RADII", "SYMMETRY")
)
LEVEL = 5.872370090453963
"""Argument of erfc at the level of Coppola's bounds: erfcinv(1e-16), as in NASA's CARA."""

_TOGETHER = 1 << 13
"""Encounters of a launch on a host: their rows stay in the cache."""

_MOST_TOGETHER = 1 << 18


@device_entry
def geometry(tables: Sequence[Floats], *, backend: Backend) -> tuple[Floats, Flags]:
    """Rows of ``encounter.h`` and flags of encounters.

    Parameters
    ----------
    tables : sequence of float64
        Positions [km], shape (n, 3), velocities [km/s], shape (n, 3), and covariances in the object's own RTN axes
        [m^2], shape (n, 3, 3), of the first object; the same of the second; combined hard-body radii [m], shape (n,).
    backend : Backend
        Backend that runs kernels.

    Returns
    -------
    rows : float64, shape (ENCOUNTER_ROWS, n)
    flags : int32, shape (n,)
    """
    n = len(tables[0])
    rows, flags = np.empty((ROWS, n)), np.empty(n, np.int32)
    together = _TOGETHER if backend.rows_share_cache else _MOST_TOGETHER
    for start in range(0, n, together):
        part = slice(start, min(start + together, n))
        count = part.stop - start
        size = -(-count // PAD) * PAD
        some = [x[part] if size == count else x[start + np.arange(size) % count] for x in tables]
        found, bits = backend.empty((ROWS, size)), backend.empty(size, np.int32)
        backend.launch("encounter_plane", size, size, LEVEL, *(backend.put(x) for x in some), found, bits)
        rows[:, part] = backend.get(found)[:, :count]
        flags[part] = backend.get(bits)[:count]
    return rows, flags
