"""Arrays of the host backends: NumPy, without copies."""

from __future__ import annotations

from typing import Any

import numpy as np


class HostArrays:
    """Array operations of a backend on the host."""

    xp: Any = np
    rows_share_cache = True
    array_chunk = 1 << 15

    def empty(self, shape: int | tuple[int, ...], dtype: Any = np.float64) -> np.ndarray:
        """Uninitialised array."""
        return np.empty(shape, dtype)

    def zeros(self, shape: int | tuple[int, ...], dtype: Any = np.float64) -> np.ndarray:
        """Zeroed array."""
        return np.zeros(shape, dtype)

    def put(self, array: Any, dtype: Any = None) -> np.ndarray:
        """A host array as a contiguous array of the backend."""
        return np.ascontiguousarray(array, dtype)

    def get(self, array: np.ndarray) -> np.ndarray:
        """An array of the backend as a host array."""
        return array
