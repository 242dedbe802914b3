"""Backends: one kernel source, three ways to run it (see ``kernels/include/portable.h``)."""

from __future__ import annotations

import inspect
import logging
import sys
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, Protocol, TypeVar, cast, get_args

from stmgpu.choices import BackendName as BackendName  # defined there for the command line
from stmgpu.errors import BackendError, InputError
from stmgpu.typing import is_whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import ModuleType

    from numpy.typing import ArrayLike, DTypeLike

    from stmgpu.typing import BackendArray

P = ParamSpec("P")
R = TypeVar("R")
_log = logging.getLogger(__name__)

BACKENDS: tuple[BackendName, ...] = get_args(BackendName)


class Backend(Protocol):
    """A device, its arrays and its kernels.

    Arrays are NumPy arrays on the host backends and CuPy arrays on ``cuda``. Code that depends on the device asks for
    one of the capabilities below and never for the name, so that a further backend is written in this package alone.

    Attributes
    ----------
    name : str
        for messages and provenance.
    runs_kernels : bool
        whether :meth:`launch` works; where it does not, callers compute with the NumPy twin of the kernel.
    rows_share_cache : bool
        whether the rows of a batch pass through one cache, a few after the other, so that short working arrays are
        best used again (CPU); otherwise all rows run at once and each needs its own (GPU).
    threads : int
        host threads that share a launch.
    batch_bytes : int
        working set of a batch that suits the memory: a core's cache, or a share of the GPU's memory; 0 for the smallest
        batch.
    array_chunk : int
        elements of an array expression that are best evaluated at once.
    xp : module
        NumPy or CuPy. Asking for it makes the backend's device the current one of the thread, so nobody keeps it.

    Memory. :meth:`memory_bytes` is what arrays may still take, by which callers plan how much they do at once;
    :meth:`release` gives back what no array uses. Where a plan turns out too large, :class:`DeviceMemoryError` is
    raised within :meth:`on_device`, and the caller goes on with less (:func:`stmgpu.backend.parts.in_parts`).
    """

    name: str
    runs_kernels: bool
    rows_share_cache: bool
    threads: int

    @property
    def batch_bytes(self) -> int: ...
    @property
    def array_chunk(self) -> int: ...
    @property
    def xp(self) -> ModuleType: ...
    @property
    def device(self) -> str: ...
    def empty(self, shape: int | tuple[int, ...], dtype: DTypeLike = ...) -> BackendArray: ...
    def zeros(self, shape: int | tuple[int, ...], dtype: DTypeLike = ...) -> BackendArray: ...
    def put(self, array: ArrayLike, dtype: DTypeLike | None = None) -> BackendArray: ...
    def get(self, array: BackendArray) -> BackendArray: ...
    def launch(self, kernel: str, items: int, *args: BackendArray | float) -> None: ...
    def on_device(self) -> AbstractContextManager[None]: ...
    def memory_bytes(self) -> int: ...
    def release(self) -> None: ...


def device_entry(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function or method that others call to work on a backend.

    It runs in :meth:`Backend.on_device`: on the backend's own GPU in whichever thread, and a fault of the GPU becomes
    an error of stmgpu. The backend is the argument ``backend``, or else the attribute of that name of the object.
    """
    parameters = list(inspect.signature(function).parameters)
    place = parameters.index("backend") if "backend" in parameters else None

    @wraps(function)
    def entry(*args: P.args, **kwargs: P.kwargs) -> R:
        if place is None:
            backend = cast("Any", args[0]).backend
        else:
            backend = cast("Backend", kwargs["backend"] if "backend" in kwargs else args[place])
        with backend.on_device():
            return function(*args, **kwargs)

    return entry


def get_backend(name: str = "auto", threads: int | None = None, *, own_gpu: bool = False) -> Backend:
    """Create a backend.

    Parameters
    ----------
    name : str
        one of :data:`BACKENDS`; ``auto`` takes the first that works of cuda, cpu and reference.
    threads : int, optional
        threads of the cpu backend; default all cores that this process may use.
    own_gpu : bool
        take a GPU that no other worker of this machine has taken (:mod:`stmgpu.backend.claims`), not the first one.

    Raises
    ------
    InputError
        unknown name, or a number of threads that is not positive.
    BackendError
        the named backend cannot run on this machine; the message says what is missing.

    Examples
    --------
    >>> get_backend("reference").runs_kernels
    False
    """
    _check(name, threads)
    if name != "auto":
        return _create(cast("BackendName", name), threads, own_gpu=own_gpu)
    try:
        return _create("cuda", threads, own_gpu=own_gpu)
    except BackendError as error:
        _log.debug("no cuda backend: %s", error)
    try:
        return _create("cpu", threads, own_gpu=own_gpu)
    except BackendError as error:
        _log.warning("falling back to the slow reference backend: %s", error)
    return _create("reference", threads, own_gpu=own_gpu)


def gpus_of(name: str) -> int:
    """Count the GPUs that a backend of this name can use on this machine."""
    if name not in ("auto", "cuda"):
        return 0
    from stmgpu.backend.cuda import devices

    try:
        return len(devices())
    except BackendError:
        return 0


def gpu_memory_bytes(name: str) -> int:
    """Memory of the smallest GPU that a backend of this name can use on this machine; without one more than any."""
    if not gpus_of(name):
        return sys.maxsize
    from stmgpu.backend.cuda import memory_sizes

    return min(memory_sizes())


class Choice(NamedTuple):
    """A backend that was chosen but not created: its name and device, and whether it runs kernels."""

    name: BackendName
    device: str
    runs_kernels: bool


def choose(name: str = "auto", threads: int | None = None) -> Choice:
    """Tell which backend :func:`get_backend` returns, without a context on a GPU that a worker may need for itself.

    Raises
    ------
    InputError, BackendError
        As for :func:`get_backend`.

    Examples
    --------
    >>> choose("reference").runs_kernels
    False
    """
    _check(name, threads)
    if gpus_of(name):
        from stmgpu.backend.cuda import devices

        return Choice("cuda", devices()[0], runs_kernels=True)
    backend = get_backend(name, threads)
    return Choice(cast("BackendName", backend.name), backend.device, backend.runs_kernels)


def _check(name: str, threads: int | None) -> None:
    if name not in BACKENDS:
        raise InputError(f"backend {name!r} is unknown; choose one of {', '.join(BACKENDS)}")
    if threads is not None and (not is_whole(threads) or threads < 1):
        raise InputError(f"threads must be a whole number of 1 or more, got {threads!r}")


def _create(name: BackendName, threads: int | None, *, own_gpu: bool) -> Backend:
    if name == "cuda":
        from stmgpu.backend.claims import claim
        from stmgpu.backend.cuda import CudaBackend, identities

        return CudaBackend(claim(identities()) if own_gpu else 0)
    if name == "cpu":
        from stmgpu.backend.cpu import CpuBackend

        return CpuBackend(threads)
    from stmgpu.backend.reference import ReferenceBackend

    return ReferenceBackend()
