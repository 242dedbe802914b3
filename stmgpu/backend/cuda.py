"""CUDA backend: the same kernel files, compiled at run time for the GPU of the machine, launched through CuPy.

Every thread of a launch runs the scalar form of a kernel (``LANES == 1``) over a grid-stride loop. Machine code is
taken from the cache of :mod:`stmgpu.backend.nvrtc` where its bindings are installed and fit the driver; otherwise CuPy
compiles the flattened text and keeps it in its own cache.
"""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.backend import nvrtc
from stmgpu.backend.signature import Signature, signature
from stmgpu.backend.source import flatten
from stmgpu.errors import BackendError, CapacityError, KernelContractError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from numpy.typing import ArrayLike, DTypeLike

    from stmgpu.typing import BackendArray

BLOCK = 128
"""Threads a block."""

_MAX_BLOCKS = 2**31 - 1
_LOG = logging.getLogger(__name__)


def devices() -> list[str]:
    """Describe each GPU in a line: name, architecture, memory; :class:`BackendError` without a usable GPU."""
    cupy = _cupy()
    return [_describe(cupy, number) for number in range(_count(cupy))]


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
        CuPy, a driver or the GPU is missing; the message says which and what to do.
    """

    name = "cuda"
    runs_kernels = True
    rows_share_cache = False
    threads = 1
    batch_bytes = 1 << 30
    array_chunk = 1 << 20

    def __init__(self, device: int = 0) -> None:
        self.xp: ModuleType = _cupy()
        count = _count(self.xp)
        if not 0 <= device < count:
            raise BackendError(f"there is no GPU {device}; this machine has {count}, numbered from 0")
        self._device = self.xp.cuda.Device(device)
        self.arch = int(self._device.compute_capability)
        self._modules: dict[Path, Any] = {}
        self._functions: dict[str, tuple[Any, Signature]] = {}

    @property
    def device(self) -> str:
        """Name, architecture and memory of the GPU, for provenance."""
        return _describe(self.xp, self._device.id)

    def empty(self, shape: int | tuple[int, ...], dtype: DTypeLike = np.float64) -> BackendArray:
        """Uninitialised array in the GPU's memory."""
        with self._on_device():
            array: BackendArray = self.xp.empty(shape, dtype)
            return array

    def zeros(self, shape: int | tuple[int, ...], dtype: DTypeLike = np.float64) -> BackendArray:
        """Zeroed array in the GPU's memory."""
        with self._on_device():
            array: BackendArray = self.xp.zeros(shape, dtype)
            return array

    def put(self, array: ArrayLike, dtype: DTypeLike | None = None) -> BackendArray:
        """A host array as a contiguous array in the GPU's memory."""
        with self._on_device():
            copy: BackendArray = self.xp.ascontiguousarray(self.xp.asarray(array, dtype))
            return copy

    def get(self, array: BackendArray) -> BackendArray:
        """An array of the GPU as a host array; waits until the kernels that fill it have run."""
        with self._on_device():
            copy: BackendArray = self.xp.asnumpy(array)
            return copy

    def launch(self, kernel: str, items: int, *args: BackendArray | float) -> None:
        """Run a kernel over ``items`` lanes; arguments are checked against the contract in its source."""
        if kernel not in self._functions:
            contract = signature(kernel)
            self._functions[kernel] = (self._module(contract.file).get_function(kernel), contract)
        function, contract = self._functions[kernel]
        contract.check(args)
        converted = []
        for parameter, value in zip(contract.parameters, args, strict=True):
            if not parameter.is_array:
                converted.append(parameter.dtype.type(value))  # a NumPy scalar keeps its width on the way to the GPU
                continue
            if not isinstance(value, self.xp.ndarray):
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
        with self._on_device():
            function((blocks,), (BLOCK,), tuple(converted))

    def usage(self, kernel: str) -> dict[str, int]:
        """Registers a thread and local bytes a thread of a kernel, as the driver reports them."""
        with self._on_device():
            attributes = self._module(signature(kernel).file).get_function(kernel).attributes
        return {"registers": int(attributes["num_regs"]), "local_bytes": int(attributes["local_size_bytes"])}

    def _module(self, file: Path) -> Any:
        if file not in self._modules:
            with self._on_device():
                module = self._load(file)
            self._modules[file] = module
        return self._modules[file]

    def _load(self, file: Path) -> Any:
        """Compiled kernel file: cached machine code of NVRTC if its bindings work, else compiled by CuPy."""
        driver_major = self.xp.cuda.runtime.driverGetVersion() // 1000
        try:
            if nvrtc.version()[0] <= driver_major:  # an older driver cannot load a newer compiler's machine code
                return self.xp.RawModule(path=str(nvrtc.cached_cubin(file, self.arch)))
        except BackendError as error:
            _LOG.debug("CuPy compiles %s itself: %s", file.name, error)
        module = self.xp.RawModule(code=flatten(file), options=nvrtc.OPTIONS, backend="nvrtc")
        try:
            module.compile()
        except self.xp.cuda.compiler.CompileException as error:
            raise BackendError(f"{file.name} does not compile for sm_{self.arch}: {error}") from error
        return module

    @contextmanager
    def _on_device(self) -> Iterator[None]:
        """Make this GPU the current one and convert CUDA's errors to those of stmgpu."""
        try:
            with self._device:
                yield
        except self.xp.cuda.memory.OutOfMemoryError as error:
            free, total = self._device.mem_info
            raise CapacityError(
                f"the GPU's memory is full ({free / 2**30:.1f} of {total / 2**30:.1f} GiB free): "
                f"{error}; screen a shorter window, free the GPU, or use the cpu backend"
            ) from error
        except (self.xp.cuda.runtime.CUDARuntimeError, self.xp.cuda.driver.CUDADriverError) as error:
            raise BackendError(
                f"the GPU reported {error}; see nvidia-smi, and rerun with the cpu backend to find out "
                "whether the hardware or the program is to blame"
            ) from error


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


def _describe(cupy: ModuleType, number: int) -> str:
    properties = cupy.cuda.runtime.getDeviceProperties(number)
    name = properties["name"].decode() if isinstance(properties["name"], bytes) else properties["name"]
    return (
        f"{name}, sm_{properties['major']}{properties['minor']}, "
        f"{properties['totalGlobalMem'] / 2**30:.0f} GiB, {properties['multiProcessorCount']} multiprocessors"
    )
