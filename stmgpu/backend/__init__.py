"""Backends: one kernel source, three ways to run it (see ``kernels/include/portable.h``)."""

from __future__ import annotations

import logging
from typing import Any, Protocol

from stmgpu.errors import BackendError, InputError

_log = logging.getLogger(__name__)

BACKENDS = ("auto", "cpu", "cuda", "reference")


class Backend(Protocol):
    """What every backend offers; arrays are NumPy arrays on the host backends and CuPy arrays on ``cuda``."""

    name: str

    @property
    def xp(self) -> Any: ...
    @property
    def device(self) -> str: ...
    def empty(self, shape: int | tuple[int, ...], dtype: Any = ...) -> Any: ...
    def zeros(self, shape: int | tuple[int, ...], dtype: Any = ...) -> Any: ...
    def put(self, array: Any, dtype: Any = None) -> Any: ...
    def get(self, array: Any) -> Any: ...
    def launch(self, kernel: str, items: int, *args: Any) -> None: ...


def get_backend(name: str = "auto", threads: int | None = None) -> Backend:
    """The backend of that name; ``auto`` takes cuda where it works, else cpu, else reference.

    Raises
    ------
    InputError
        unknown name.
    BackendError
        the named backend cannot run here; the message says what is missing.
    """
    if name not in BACKENDS:
        raise InputError(f"backend {name!r} is unknown; choose one of {', '.join(BACKENDS)}")
    if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
        raise InputError(f"threads must be a whole number of 1 or more, got {threads!r}")
    if name == "cuda":
        from stmgpu.backend.cuda import CudaBackend

        return CudaBackend()
    if name == "cpu":
        from stmgpu.backend.cpu import CpuBackend

        return CpuBackend(threads)
    if name == "reference":
        from stmgpu.backend.reference import ReferenceBackend

        return ReferenceBackend()
    for candidate in ("cuda", "cpu"):
        try:
            return get_backend(candidate, threads)
        except BackendError as error:
            if candidate == "cpu":
                _log.warning("falling back to the slow reference backend: %s", error)
    return get_backend("reference")
