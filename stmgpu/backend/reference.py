"""The reference backend: NumPy and the ``sgp4`` package instead of kernels. Slow, plain, the truth in the tests."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np

from stmgpu.backend.host import HostArrays
from stmgpu.errors import BackendError


class ReferenceBackend(HostArrays):
    """Host arrays and no kernels: whoever needs a kernel offers a NumPy twin for this backend."""

    name = "reference"
    runs_kernels = False
    threads = 1
    batch_bytes = 0

    @property
    def device(self) -> str:
        """What the arithmetic runs on, for provenance."""
        return f"{platform.processor() or platform.machine()}, NumPy {np.__version__}"

    def launch(self, kernel: str, items: int, *args: Any) -> None:
        """Never: there are no kernels here; always raises :class:`BackendError`."""
        raise BackendError(
            f"the reference backend cannot run kernel {kernel!r}: it uses NumPy and the sgp4 package "
            "instead; choose backend 'cpu' or 'cuda' to run kernels"
        )
