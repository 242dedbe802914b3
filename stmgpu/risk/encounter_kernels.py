"""Geometry of encounters by ``kernels/encounter.cu``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import erfcinv

from stmgpu.backend import device_entry
from stmgpu.backend.tables import table

if TYPE_CHECKING:
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
CLIPPED, NOT_POSITIVE, NO_SPEED, NO_MISS = _TABLE.integers("ENCOUNTER_FLAG_", "CLIPPED NOT_POSITIVE NO_SPEED NO_MISS")
CLIP, SMALLEST, NO_MISS_RADII = (_TABLE.number(f"ENCOUNTER_{name}") for name in ("CLIP", "SMALLEST", "NO_MISS_RADII"))
LEVEL = float(erfcinv(1e-16))
"""Argument of erfc at the level of Coppola's bounds, that of NASA's CARA."""

_TOGETHER = 1 << 18
_LOWER = np.tril_indices(3)


@device_entry
def geometry(
    state_1: Floats,
    covariance_1: Floats,
    state_2: Floats,
    covariance_2: Floats,
    radius_m: Floats,
    *,
    backend: Backend,
) -> tuple[Floats, Flags]:
    """Rows of ``encounter.h`` and flags of encounters.

    Parameters
    ----------
    state_1, state_2 : float64, shape (6, n)
        Inertial positions [km] and velocities [km/s].
    covariance_1, covariance_2 : float64, shape (n, 3, 3)
        Covariances of position in each object's own RTN axes [m^2]; the lower triangles are used.
    radius_m : float64, shape (n,)
        Combined hard-body radii.
    backend : Backend
        Backend that runs kernels.

    Returns
    -------
    rows : float64, shape (ENCOUNTER_ROWS, n)
    flags : int32, shape (n,)
    """
    n = len(radius_m)
    rows, flags = np.empty((ROWS, n)), np.empty(n, np.int32)
    lower = [np.ascontiguousarray(c[:, _LOWER[0], _LOWER[1]].T) for c in (covariance_1, covariance_2)]
    for start in range(0, n, _TOGETHER):
        part = np.arange(start, min(start + _TOGETHER, n))
        padded = np.resize(part, -(-len(part) // PAD) * PAD)
        tables = [backend.put(x[..., padded]) for x in (state_1, lower[0], state_2, lower[1], radius_m)]
        size = len(padded)
        found, bits = backend.empty((ROWS, size)), backend.empty(size, np.int32)
        backend.launch("encounter_plane", size, size, LEVEL, *tables, found, bits)
        rows[:, part] = backend.get(found)[:, : len(part)]
        flags[part] = backend.get(bits)[: len(part)]
    return rows, flags
