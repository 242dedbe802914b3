"""CUDA backend: the same kernel files, compiled at run time for the GPU of the machine, launched through CuPy.

Every thread of a launch runs the scalar form of a kernel (``LANES == 1``) over a grid-stride loop. Machine code comes
from :mod:`stmgpu.backend.nvrtc` alone: CuPy appends ``-ftz=true`` to whatever it compiles, which breaks the promise of
equal bytes.

**The current GPU** belongs to a thread, and CuPy works on nothing else. Every access to :attr:`CudaBackend.xp` and
every method of the backend therefore makes its GPU the current one of the calling thread, so that a process can use
several GPUs, and threads need no preparation. Entries (:func:`stmgpu.backend.device_entry`) restore the caller's.
"""

from __future__ import annotations

import gc
import logging
import os
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any
from weakref import finalize

import numpy as np

from stmgpu.backend import nvrtc
from stmgpu.backend.signature import Signature, signature
from stmgpu.errors import BackendError, DeviceMemoryError, KernelContractError, StmgpuError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from numpy.typing import ArrayLike, DTypeLike

    from stmgpu.typing import BackendArray

BLOCK = 128
"""Threads a block."""

_MAX_BLOCKS = 2**31 - 1
_OUT_OF_MEMORY = 2  # cudaErrorMemoryAllocation and CUDA_ERROR_OUT_OF_MEMORY
_RESERVE = 16  # the share of the memory that is left for CuPy's own arrays and for what does not fit into gaps
_MOST_BATCH = 8 << 30  # for larger arrays CuPy compiles other kernels, and its indices have 64 bits
_LEAST_CHUNK, _MOST_CHUNK, _BYTES_PER_ELEMENT = 1 << 10, 1 << 20, 2048
_LOG = logging.getLogger(__name__)


def devices() -> list[str]:
    """Describe each GPU in a line: name, architecture, memory; :class:`BackendError` without a usable GPU."""
    cupy = _cupy()
    count = _count(cupy)
    _checked_arch(cupy, 0)
    return [_describe(cupy, number) for number in range(count)]


def memory_sizes() -> list[int]:
    """Memory of each GPU [bytes]; :class:`BackendError` without a usable GPU."""
    cupy = _cupy()
    properties = cupy.cuda.runtime.getDeviceProperties
    return [int(properties(number)["totalGlobalMem"]) for number in range(_count(cupy))]


def identities() -> list[str]:
    """Identity of each GPU, the same in all processes of a machine; :class:`BackendError` without a usable GPU."""
    cupy = _cupy()
    runtime = cupy.cuda.runtime
    return [  # instances of one GPU (MIG) share the bus
        f"{runtime.deviceGetPCIBusId(number)}-{runtime.getDeviceProperties(number)['uuid'].hex()}"
        for number in range(_count(cupy))
    ]


class CudaBackend:
    """Kernels on one NVIDIA GPU.

    Parameters
    ----------
    device : int
        Number of the GPU as CUDA counts them; default 0. ``CUDA_VISIBLE_DEVICES`` chooses among several.

    Raises
    ------
    BackendError
        CuPy, a compiler for this GPU and driver, a driver or the GPU is missing; the message says which and what to do.
    """

    name = "cuda"
    runs_kernels = True
    rows_share_cache = False
    threads = 1

    def __init__(self, device: int = 0) -> None:
        self._cupy = _cupy()
        count = _count(self._cupy)
        if not 0 <= device < count:
            raise BackendError(f"there is no GPU {device}; this machine has {count}, numbered from 0")
        self._device = self._cupy.cuda.Device(device)
        self._modules: dict[Path, Any] = {}
        self._functions: dict[str, tuple[Any, Signature]] = {}
        self._scratch: Path | None = None
        with self._current():
            self.arch = _checked_arch(self._cupy, device)

    @property
    def xp(self) -> ModuleType:
        """CuPy, after making this GPU the current one of the thread; ask for it anew wherever arrays are worked on."""
        with self._current():
            return self._cupy

    @property
    def device(self) -> str:
        """Name, architecture and memory of the GPU, for provenance."""
        with self._current():
            return _describe(self._cupy, self._device.id)

    def memory_bytes(self) -> int:
        """Memory that arrays can still take: what is free, in CuPy's pool as well, without a sixteenth in reserve."""
        with self.on_device():
            free, total = self._device.mem_info
            free += self._cupy.get_default_memory_pool().free_bytes()
        return max(int(free) - int(total) // _RESERVE, 0)

    @property
    def batch_bytes(self) -> int:
        """Half of the memory that is left, and so little that no array of a batch has more than 2 GiB."""
        return min(self.memory_bytes() // 2, _MOST_BATCH)

    @property
    def array_chunk(self) -> int:
        """Elements of an expression, of which there is room for a quarter of the memory with its temporary arrays."""
        return max(_LEAST_CHUNK, min(_MOST_CHUNK, self.memory_bytes() // 4 // _BYTES_PER_ELEMENT))

    def release(self) -> None:
        """Give the memory that no array uses back to the GPU, also that of arrays in cycles of references."""
        gc.collect()
        with self.on_device():
            self._cupy.get_default_memory_pool().free_all_blocks()

    def empty(self, shape: int | tuple[int, ...], dtype: DTypeLike = np.float64) -> BackendArray:
        """Uninitialised array in the GPU's memory."""
        with self._current():
            array: BackendArray = self._cupy.empty(shape, dtype)
            return array

    def zeros(self, shape: int | tuple[int, ...], dtype: DTypeLike = np.float64) -> BackendArray:
        """Zeroed array in the GPU's memory."""
        with self._current():
            array: BackendArray = self._cupy.zeros(shape, dtype)
            return array

    def put(self, array: ArrayLike, dtype: DTypeLike | None = None) -> BackendArray:
        """A host array as a contiguous array in the GPU's memory."""
        with self._current():
            copy: BackendArray = self._cupy.ascontiguousarray(self._cupy.asarray(array, dtype))
            return copy

    def get(self, array: BackendArray) -> BackendArray:
        """An array of the GPU as a host array; waits until the kernels that fill it have run."""
        with self._current():
            copy: BackendArray = self._cupy.asnumpy(array)
            return copy

    def launch(self, kernel: str, items: int, *args: BackendArray | float) -> None:
        """Run a kernel over ``items`` lanes; arguments are checked against the contract in its source."""
        if kernel not in self._functions:
            contract = signature(kernel)
            self._functions[kernel] = (self._function(contract), contract)
        function, contract = self._functions[kernel]
        contract.check(args)
        converted = []
        for parameter, value in zip(contract.parameters, args, strict=True):
            if not parameter.is_array:
                converted.append(parameter.dtype.type(value))  # a NumPy scalar keeps its width on the way to the GPU
                continue
            if not isinstance(value, self._cupy.ndarray):
                raise KernelContractError(
                    f"{kernel}({parameter.name}) must be an array in the GPU's memory, got "
                    f"{type(value).__name__}; use put()"
                )
            if value.device.id != self._device.id:
                raise KernelContractError(
                    f"{kernel}({parameter.name}) lies on GPU {value.device.id}, the backend "
                    f"runs on GPU {self._device.id}"
                )
            converted.append(value)
        if items <= 0:
            return
        blocks = min(-(-items // BLOCK), _MAX_BLOCKS)
        with self._current():
            function((blocks,), (BLOCK,), tuple(converted))

    def usage(self, kernel: str) -> dict[str, int]:
        """Registers a thread and local bytes a thread of a kernel, as the driver reports them."""
        function = self._function(signature(kernel))
        with self._current():
            attributes = function.attributes
        return {"registers": int(attributes["num_regs"]), "local_bytes": int(attributes["local_size_bytes"])}

    @contextmanager
    def on_device(self) -> Iterator[None]:
        """Work on this GPU within the block, with CUDA's errors as those of stmgpu; restore the caller's GPU after it.

        Kernels run asynchronously and CuPy's own functions are not translated one by one: a fault shows up wherever the
        host waits next. Entries run in this block, so that it reaches nobody as CuPy's exception.
        """
        with self._errors(), self._cupy.cuda.Device(self._device.id):
            yield

    def _function(self, contract: Signature) -> Any:
        """A kernel in the memory of this GPU; loading it elsewhere would create a context there."""
        with self._current():
            if contract.file not in self._modules:
                self._modules[contract.file] = self._load(contract.file)
            return self._modules[contract.file].get_function(contract.name)

    def _load(self, file: Path) -> Any:
        path = self._cubin(file)
        module = self._cupy.RawModule(path=str(path))
        try:
            module.compile()  # loads: CuPy would do so at the first launch
        except (self._cupy.cuda.driver.CUDADriverError, self._cupy.cuda.runtime.CUDARuntimeError) as error:
            version = ".".join(map(str, nvrtc.version()))
            raise BackendError(
                f"the driver cannot load {file.name}, compiled by NVRTC {version} for sm_{self.arch}: {error}; delete "
                f"{path}, and if that does not help update the NVIDIA driver or use the cpu backend"
            ) from error
        return module

    def _cubin(self, file: Path) -> Path:
        """Machine code in the cache, or else, if that cannot be written, in a folder of this process."""
        try:
            return nvrtc.cached_cubin(file, self.arch)
        except nvrtc.CacheError as error:
            if self._scratch is None:
                _LOG.warning("every process compiles its kernels anew: %s", error)
                self._scratch = Path(mkdtemp(prefix="stmgpu-"))
                finalize(self, rmtree, self._scratch, ignore_errors=True)
            return nvrtc.cached_cubin(file, self.arch, self._scratch)

    @contextmanager
    def _current(self) -> Iterator[None]:
        """Make this GPU the current one of the thread, and leave it so."""
        with self._errors():
            self._device.use()
            yield

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Convert the errors of CUDA, CuPy and Thrust to those of stmgpu."""
        try:
            yield
        except StmgpuError:
            raise
        except (MemoryError, RuntimeError, self._cupy.cuda.compiler.CompileException) as error:
            converted = self._converted(error)
            if converted is None:
                raise
            raise converted from error

    def _converted(self, error: Exception) -> StmgpuError | None:
        """The error of stmgpu for one that comes from the GPU; None for others."""
        cuda, text = self._cupy.cuda, str(error)
        failed = isinstance(error, (cuda.runtime.CUDARuntimeError, cuda.driver.CUDADriverError))
        full = isinstance(error, cuda.memory.OutOfMemoryError) or "bad_alloc" in text  # the latter from Thrust
        if full or (failed and getattr(error, "status", 0) == _OUT_OF_MEMORY):
            return DeviceMemoryError(
                f"the GPU's memory is full{self._room()}: {text}; give it fewer objects or runs at a time, end what "
                "else uses it, or use the cpu backend"
            )
        if isinstance(error, cuda.compiler.CompileException):
            return BackendError(
                f"CuPy cannot compile one of its own kernels: {text}; reinstall it with its compiler: "
                "pip install --force-reinstall 'stmgpu[cuda13]' (or 'stmgpu[cuda12]')"
            )
        # what Thrust and CuPy's loader of libraries report is a plain RuntimeError
        if failed or (type(error) is RuntimeError and ("cuda" in text.lower() or "cupy" in text.lower())):
            return BackendError(
                f"the GPU reported {text}, for the last call or an earlier launch; start a new process, since nothing "
                "works on a GPU after a fault, see nvidia-smi, and rerun with the cpu backend to find out whether the "
                "hardware or the program is to blame"
            )
        return None

    def _room(self) -> str:
        try:
            free, total = self._device.mem_info
        except RuntimeError:
            return ""
        return f" ({free / 2**20:,.0f} of {total / 2**20:,.0f} MiB free)"


def cupy_cache() -> Path | None:
    """Folder in which CuPy keeps the kernels that it compiles; None where it keeps none."""
    if os.environ.get("CUPY_CACHE_IN_MEMORY") == "1":
        return None
    chosen = os.environ.get("CUPY_CACHE_DIR")
    return Path.home() / ".cupy" / "kernel_cache" if chosen is None else Path(chosen)


def _cupy() -> ModuleType:
    if chosen := os.environ.get("STMGPU_CACHE_DIR"):  # one setting moves both caches; CuPy reads its own when imported
        os.environ.setdefault("CUPY_CACHE_DIR", str(Path(chosen) / "cupy"))
    try:
        import cupy
    except OSError as error:
        raise BackendError(
            f"CuPy cannot be imported: {error}. It makes the folder of its kernels when it is imported; set "
            "CUPY_CACHE_DIR, or STMGPU_CACHE_DIR, to a folder that can be written"
        ) from error
    except ImportError as error:
        raise BackendError(
            f"the cuda backend needs CuPy, which cannot be imported ({error}); "
            "pip install 'stmgpu[cuda13]' (NVIDIA driver 580 or newer) or 'stmgpu[cuda12]' "
            "(driver 525 or newer)"
        ) from error
    module: ModuleType = cupy
    return module


def _count(cupy: ModuleType) -> int:
    try:
        count = int(cupy.cuda.runtime.getDeviceCount())
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise BackendError(
            f"CuPy {cupy.__version__} finds no usable GPU: {error}; check with nvidia-smi that "
            "there is an NVIDIA GPU and a driver, and that the CuPy package fits the driver "
            "(cupy-cuda13x: 580 or newer, cupy-cuda12x: 525 or newer)"
        ) from error
    if count == 0:
        raise BackendError("CUDA sees no GPU; check that CUDA_VISIBLE_DEVICES is not empty")
    return count


def _checked_arch(cupy: ModuleType, number: int) -> int:
    """Architecture of a GPU, for which kernels can be compiled and loaded; makes no context on it."""
    arch = int(cupy.cuda.Device(number).compute_capability)
    nvrtc.check(arch, cupy.cuda.runtime.driverGetVersion() // 1000)
    return arch


def _describe(cupy: ModuleType, number: int) -> str:
    properties = cupy.cuda.runtime.getDeviceProperties(number)
    name = properties["name"].decode() if isinstance(properties["name"], bytes) else properties["name"]
    return (
        f"{name}, sm_{properties['major']}{properties['minor']}, "
        f"{properties['totalGlobalMem'] / 2**30:.0f} GiB, {properties['multiProcessorCount']} multiprocessors"
    )
