"""The reference backend: NumPy and the ``sgp4`` package instead of kernels. Slow, plain, the truth in the tests."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np

from stmgpu.errors import BackendError


class ReferenceBackend:
    """Host arrays and no kernels: whoever needs a kernel offers a NumPy twin for this backend."""

    name = "reference"
    xp: Any = np

    @property
    def device(self) -> str:
        """What the arithmetic runs on, for provenance."""
        return f"{platform.processor() or platform.machine()}, NumPy {np.__version__}"

    def empty(self, shape: int | tuple[int, ...], dtype: Any = np.float64) -> np.ndarray:
        """Uninitialised array."""
        return np.empty(shape, dtype)

    def zeros(self, shape: int | tuple[int, ...], dtype: Any = np.float64) -> np.ndarray:
        """Zeroed array."""
        return np.zeros(shape, dtype)

    def put(self, array: Any, dtype: Any = None) -> np.ndarray:
        """A host array as a contiguous array."""
        return np.ascontiguousarray(array, dtype)

    def get(self, array: np.ndarray) -> np.ndarray:
        """An array of the backend as a host array."""
        return array

    def launch(self, kernel: str, items: int, *args: Any) -> None:
        """Never: there are no kernels here; always raises :class:`BackendError`."""
        raise BackendError(f"the reference backend cannot run kernel {kernel!r}: it uses NumPy and the sgp4 package "
                           "instead; choose backend 'cpu' or 'cuda' to run kernels")
