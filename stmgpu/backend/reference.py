"""Reference backend: NumPy and the ``sgp4`` package instead of kernels; slow and simple, the truth in the tests."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend.host import HostArrays
from stmgpu.errors import BackendError

if TYPE_CHECKING:
    from stmgpu.typing import BackendArray


class ReferenceBackend(HostArrays):
    """Host arrays without kernels; callers compute with the NumPy twin of each kernel."""

    name = "reference"
    runs_kernels = False
    threads = 1
    batch_bytes = 0

    @property
    def device(self) -> str:
        """Processor and NumPy version, for provenance."""
        return f"{platform.processor() or platform.machine()}, NumPy {np.__version__}"

    def launch(self, kernel: str, items: int, *args: BackendArray | float) -> None:
        """Raise :class:`BackendError`: this backend runs no kernels."""
        raise BackendError(
            f"the reference backend cannot run kernel {kernel!r}: it uses NumPy and the sgp4 package "
            "instead; choose backend 'cpu' or 'cuda' to run kernels"
        )
