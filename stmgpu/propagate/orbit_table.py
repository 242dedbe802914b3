"""Table of mean elements for evolution over decades: rows, modes of slots, arrays.

Rows and modes are those of ``kernels/include/orbit_table.h``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend.tables import table
from stmgpu.errors import CapacityError, InputError

if TYPE_CHECKING:
    from stmgpu.backend import Backend
    from stmgpu.typing import BackendArray

_HEADER = table("orbit_table.h")

A_KM, ECC, INC, RAAN, ARGP, MEAN, BALLISTIC, SRP, RADIUS, WEIGHT, ROWS = _HEADER.integers(
    "ORBIT_", "A_KM ECC INC RAAN ARGP MEAN BALLISTIC SRP RADIUS_KM WEIGHT ROWS"
)
"""Rows of :attr:`SecularState.orbit`, and their number."""

FREE, KEPT, ABSENT = _HEADER.integers("MODE_", "FREE KEPT ABSENT")
"""Values of :attr:`SecularState.mode`."""

PAD = 16
"""Kernels run over a multiple of this number of slots."""


class SecularState:
    """Objects of one or several runs in a backend's memory.

    Parameters
    ----------
    backend : Backend
        Whose memory.
    capacity : int
        Slots to begin with, rounded up to a multiple of 16.

    Attributes
    ----------
    orbit : array
        float64 [10][capacity]: a [km], eccentricity, inclination, node, argument of perigee, mean anomaly [rad],
        C_d A/m, C_r A/m [m^2/kg], collision radius [km], weight.
    uid : array
        int64 [capacity], unique within its run.
    run : array
        int32 [capacity], index of the object's run in this batch.
    mode : array
        int8 [capacity]: FREE, KEPT (a, e, i stay; the angles turn by J2) or ABSENT (no object here).
    gone : array
        int8 [capacity]: 1 where the perigee fell below the decay altitude in the last step.
    n : int
        slots in use, at most ``capacity``.
    """

    def __init__(self, backend: Backend, capacity: int) -> None:
        if capacity < 1:
            raise InputError(f"a state needs a capacity of at least 1 object, got {capacity}")
        self.backend = backend
        self.capacity = 0
        self.n = 0
        self.orbit: BackendArray = backend.zeros((ROWS, 0))
        self.uid: BackendArray = backend.zeros(0, np.int64)
        self.run: BackendArray = backend.zeros(0, np.int32)
        self.mode: BackendArray = backend.zeros(0, np.int8)
        self.gone: BackendArray = backend.zeros(0, np.int8)
        self._resize(capacity)

    def grow(self, capacity: int) -> None:
        """Grow to ``capacity`` slots, or to twice the present number if that is more; the content stays."""
        if capacity > self.capacity:
            self._resize(max(capacity, 2 * self.capacity))

    def _resize(self, capacity: int) -> None:
        capacity = -(-capacity // PAD) * PAD
        if capacity > np.iinfo(np.int32).max:
            raise CapacityError(f"{capacity:,} objects in one batch are too many; evolve fewer runs at a time")
        kept = self.capacity
        for name in ("orbit", "uid", "run", "mode", "gone"):
            old = getattr(self, name)
            new = self.backend.zeros((*old.shape[:-1], capacity), old.dtype)
            new[..., :kept] = old
            setattr(self, name, new)
        self.mode[kept:] = ABSENT
        self.capacity = capacity
