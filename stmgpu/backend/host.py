"""Arrays of the host backends: NumPy, without copies."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import ModuleType

    from numpy.typing import ArrayLike, DTypeLike

    from stmgpu.typing import BackendArray


class HostArrays:
    """Array operations of a backend on the host."""

    xp: ModuleType = np
    rows_share_cache = True
    array_chunk = 1 << 15

    def memory_bytes(self) -> int:
        """Memory that arrays may take: on the host all that is asked for, since tiles are planned to fit it."""
        return sys.maxsize

    def release(self) -> None:
        """Give unused memory back; NumPy keeps none."""

    def empty(self, shape: int | tuple[int, ...], dtype: DTypeLike = np.float64) -> BackendArray:
        """Uninitialised array."""
        return np.empty(shape, dtype)

    def zeros(self, shape: int | tuple[int, ...], dtype: DTypeLike = np.float64) -> BackendArray:
        """Zeroed array."""
        return np.zeros(shape, dtype)

    def put(self, array: ArrayLike, dtype: DTypeLike | None = None) -> BackendArray:
        """A host array as a contiguous array of the backend."""
        return np.ascontiguousarray(array, dtype)

    def get(self, array: BackendArray) -> BackendArray:
        """An array of the backend as a host array."""
        return array

    def on_device(self) -> AbstractContextManager[None]:
        """Nothing: host arrays have no device."""
        return nullcontext()
