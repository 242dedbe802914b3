"""CPU backend: kernels compiled by the C++ compiler at install time, one library per instruction set.

All libraries give the same bytes; the widest one that the processor can run is chosen, or the one named by the
environment variable ``STMGPU_ISA``.
"""

from __future__ import annotations

import ctypes
import os
import platform
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.backend import source
from stmgpu.backend.host import HostArrays
from stmgpu.backend.signature import DTYPES, Signature, signature
from stmgpu.errors import BackendError

if TYPE_CHECKING:
    from stmgpu.typing import BackendArray

_CTYPES = {
    DTYPES["double"]: ctypes.c_double,
    DTYPES["float"]: ctypes.c_float,
    DTYPES["i64"]: ctypes.c_int64,
    DTYPES["i32"]: ctypes.c_int32,
    DTYPES["i8"]: ctypes.c_int8,
}

# widest first; each with the processor flags it needs (as Linux names them), see the x86-64 psABI's levels
_LEVELS = {
    "x86-64-v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx2", "fma", "bmi2"},
    "x86-64-v3": {"avx2", "fma", "bmi1", "bmi2", "f16c", "movbe"},
    "x86-64-v2": {"sse4_2", "ssse3", "popcnt"},
    "native": set(),
    "scalar": set(),
}


def native_dir() -> Path:
    """Folder that holds the compiled libraries (it may be missing)."""
    return Path(__file__).resolve().parent.parent / "_native"


def built_levels() -> list[str]:
    """Instruction-set levels for which a library was compiled, widest first."""
    return [level for level in _LEVELS if _library_path(level).is_file()]


def usable_levels() -> list[str]:
    """Compiled levels that this processor can run, widest first."""
    flags = _processor_flags()
    return [level for level in built_levels() if _LEVELS[level] <= flags]


def _library_path(level: str) -> Path:
    return native_dir() / f"libstmgpu_{level.replace('-', '_')}.so"


@cache
def _processor_flags() -> frozenset[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    for line in lines:
        if line.startswith(("flags", "Features")):
            return frozenset(line.split(":", 1)[1].split())
    return frozenset()


@cache
def _load(level: str) -> ctypes.CDLL:
    path = _library_path(level)
    # threads that spin at barriers starve each other where cores are shared (a day took 2 to 3 times as long at load 4)
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise BackendError(f"cannot load {path.name}: {error}; reinstall stmgpu with a C++ compiler") from error
    library.stmgpu_digest.restype = ctypes.c_char_p
    built = library.stmgpu_digest().decode()
    if built != source.digest():
        raise BackendError(
            f"{path.name} was compiled from other kernel sources ({built[:12]}, now "
            f"{source.digest()[:12]}); run `make build` or reinstall stmgpu"
        )
    return library


class CpuBackend(HostArrays):
    """Kernels on CPU cores.

    Parameters
    ----------
    threads : int, optional
        OpenMP threads; default all cores this process may use.
    isa : str, optional
        instruction-set level, default the widest usable one.
    """

    name = "cpu"
    runs_kernels = True
    batch_bytes = 10 << 20

    def __init__(self, threads: int | None = None, isa: str | None = None) -> None:
        usable = usable_levels()
        if not usable:
            raise BackendError(
                "no compiled kernels: stmgpu was installed without a C++ compiler; install g++ and "
                "reinstall, or use the reference backend"
            )
        isa = isa or os.environ.get("STMGPU_ISA") or usable[0]
        if isa not in usable:
            raise BackendError(f"instruction set {isa!r} is not available here; usable: {', '.join(usable)}")
        self.isa = isa
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self.threads = cores if threads is None else threads
        self._library = _load(isa)
        self._functions: dict[str, tuple[Any, Signature]] = {}

    @property
    def device(self) -> str:
        """Processor, instruction set and threads, for provenance."""
        return f"{platform.processor() or platform.machine()}, {self.isa}, {self.threads} threads"

    def launch(self, kernel: str, items: int, *args: BackendArray | float) -> None:
        """Run a kernel over ``items`` lanes; arguments are checked against the contract in its source."""
        if kernel not in self._functions:
            contract = signature(kernel)
            function = getattr(self._library, kernel)
            function.restype = None
            function.argtypes = [ctypes.c_void_p if p.is_array else _CTYPES[p.dtype] for p in contract.parameters]
            self._functions[kernel] = (function, contract)
        function, contract = self._functions[kernel]
        contract.check(args)
        self._library.stmgpu_set_threads(self.threads)
        # the address as the interface of arrays gives it, at half the cost of a.ctypes.data
        function(*[a.__array_interface__["data"][0] if isinstance(a, np.ndarray) else a for a in args])
