"""Modules and kernels: NVRTC's PTX, executed on the host."""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import struct
import threading
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from virtual_device import library

from . import _state
from ._array import ndarray
from ._state import CUDADriverError, NotOnADeviceError, check_device, current, faults, settings


class CompileException(Exception):
    """NVRTC reports an error."""

    def __init__(self, msg: str, source: str, name: str, options: tuple[str, ...], backend: str = "nvrtc") -> None:
        self._msg, self.source, self.name, self.options, self.backend = msg, source, name, options, backend
        super().__init__()

    def __str__(self) -> str:
        return self._msg

    def get_message(self) -> str:
        """NVRTC's log."""
        return str(self)


def compile_using_nvrtc(
    source: str,
    options: tuple[str, ...] = (),
    arch: str | None = None,
    filename: str = "kern.cu",
    name_expressions: None = None,
    log_stream: None = None,
    cache_in_memory: bool = False,
    jitify: None = None,
    method: None = None,
) -> tuple[bytes, None]:
    """Machine code of a source for the current device, with these options and no others."""
    if name_expressions is not None or log_stream is not None or jitify is not None or method is not None:
        raise NotImplementedError("the virtual device compiles one source by NVRTC")
    return _nvrtc(source, (*options, f"-arch=sm_{arch or settings.arch}"), filename), None


def _nvrtc(source: str, options: tuple[str, ...], filename: str) -> bytes:
    from cuda.bindings import nvrtc

    error, program = nvrtc.nvrtcCreateProgram(source.encode(), filename.encode(), 0, [], [])
    if int(error):
        raise CompileException(error.name, source, filename, options)
    try:
        status = nvrtc.nvrtcCompileProgram(program, len(options), [o.encode() for o in options])[0]
        if int(status):
            log = bytearray(nvrtc.nvrtcGetProgramLogSize(program)[1])
            nvrtc.nvrtcGetProgramLog(program, log)
            raise CompileException(log.rstrip(b"\0").decode(errors="replace"), source, filename, options)
        cubin = bytearray(nvrtc.nvrtcGetCUBINSize(program)[1])
        nvrtc.nvrtcGetCUBIN(program, cubin)
    finally:
        nvrtc.nvrtcDestroyProgram(program)
    return bytes(cubin)


class _Cubin:
    """Machine code as the driver sees it: whether it is whole, its architecture, its kernels and their resources."""

    _HEADER, _SECTION = struct.Struct("<16sHHIQQQIHHHHHH"), struct.Struct("<IIQQQQIIQQ")
    _REGISTERS, _FRAME = 0x2F, 0x11  # attributes of .nv.info

    def __init__(self, data: bytes) -> None:
        try:
            self._read(data)
        except (struct.error, ValueError, IndexError) as error:
            raise CUDADriverError(200) from error
        if self.arch // 10 != settings.arch // 10 or self.arch > settings.arch:
            raise CUDADriverError(209)

    def _read(self, data: bytes) -> None:
        magic, _, machine, _, _, programs, table, flags, _, length, parts, size, number, names_at = (
            self._HEADER.unpack_from(data)
        )
        if magic[:4] != b"\x7fELF" or machine != 190 or size != self._SECTION.size or not number:
            raise ValueError("no machine code of CUDA")
        if programs + length * parts > len(data):
            raise ValueError("cut off")
        self.arch = flags >> 8 & 0xFF
        sections = [self._SECTION.unpack_from(data, table + k * size) for k in range(number)]
        if any(at + length > len(data) for _, kind, _, _, at, length, *_ in sections if kind != 8):
            raise ValueError("cut off")
        contents = [data[at : at + length] for _, _, _, _, at, length, *_ in sections]

        def text(table: bytes, at: int) -> str:
            return table[at : table.index(b"\0", at)].decode("ascii")

        named = {text(contents[names_at], s[0]): c for s, c in zip(sections, contents, strict=True)}
        self.kernels = {
            name.removeprefix(".text."): {"num_regs": 0, "local_size_bytes": 0}
            for name in named
            if name.startswith(".text.")
        }
        symbols = [
            text(named[".strtab"], struct.unpack_from("<I", named[".symtab"], at)[0])
            for at in range(0, len(named[".symtab"]), 24)
        ]
        info, at = named[".nv.info"], 0
        while at < len(info):
            form, attribute, value = struct.unpack_from("<BBH", info, at)
            if form == 4 and attribute in (self._REGISTERS, self._FRAME):
                symbol, number = struct.unpack_from("<II", info, at + 4)
                if symbols[symbol] in self.kernels:
                    key = "num_regs" if attribute == self._REGISTERS else "local_size_bytes"
                    self.kernels[symbols[symbol]][key] = number
            at += 4 + (value if form == 4 else 0)


class RawModule:
    """Kernels of a source, or of machine code that the product compiled; loaded on first use, as in CuPy.

    Parameters
    ----------
    code : str, optional
        source; CuPy appends ``-ftz=true`` to the options.
    path : str, optional
        file of machine code. It cannot be run here: its kernels are looked up, and the PTX of the product's source with
        the product's options is run in its place.
    options : tuple of str
    backend : {'nvrtc'}
    """

    def __init__(
        self,
        code: str | None = None,
        *,
        path: str | None = None,
        options: tuple[str, ...] = (),
        backend: str = "nvrtc",
        enable_cooperative_groups: bool = False,
        name_expressions: None = None,
    ) -> None:
        if (code is None) == (path is None):
            raise TypeError("Exactly one of `code` and `path` keyword arguments must be given.")
        if not (path is None or isinstance(path, str)) or not (code is None or isinstance(code, str)):
            raise TypeError("code and path must be str")
        if backend != "nvrtc" or enable_cooperative_groups or name_expressions is not None:
            raise NotImplementedError("the virtual device compiles by NVRTC, kernels of C linkage")
        self.code, self.file_path, self.options, self.backend = code, path, options, backend
        self._loaded: dict[int, Module] = {}
        self._lock = threading.Lock()

    def compile(self, log_stream: None = None) -> None:
        """Compile and load, which otherwise happens at the first kernel."""
        self.module  # noqa: B018

    @property
    def module(self) -> Module:
        """The module in the memory of the current device."""
        check_device(current())
        with self._lock:
            if current() not in self._loaded:
                self._loaded[current()] = self._load()
            return self._loaded[current()]

    def _load(self) -> Module:
        module = Module()
        if self.file_path is not None:
            module.load_file(self.file_path)
        else:
            options = (*self._options(), "-ftz=true")
            if faults.load and faults.load in str(self.code):
                faults.load = ""
                raise CUDADriverError(200)
            module._source(str(self.code), options)
        return module

    def _options(self) -> tuple[str, ...]:
        if not isinstance(self.options, tuple):
            raise TypeError(
                f"can only concatenate {type(self.options).__name__} (not 'tuple') to it: options is a tuple"
            )
        return self.options

    def get_function(self, name: str) -> RawKernel:
        """One kernel, of the current device."""
        return RawKernel(self, name)


class Module:
    """Loaded kernels on the device that was current."""

    def __init__(self) -> None:
        self._library: Any = None
        self._attributes: dict[str, dict[str, int]] = {}

    def load_file(self, filename: str) -> None:
        """Load machine code from a file."""
        if not Path(filename).is_file():
            raise CUDADriverError(301)
        if faults.load and faults.load in filename:
            faults.load = ""
            raise CUDADriverError(200)
        self.load(Path(filename).read_bytes())

    def load(self, cubin: bytes) -> None:
        """Load machine code; what runs in its place is the PTX of the product's file with these kernels."""
        from stmgpu.backend import nvrtc
        from stmgpu.backend.signature import signatures
        from stmgpu.backend.source import flatten

        self._attributes = _Cubin(cubin).kernels
        files = {signatures()[name].file for name in self._attributes if name in signatures()}
        if len(files) != 1 or {s.name for s in signatures().values() if s.file in files} != set(self._attributes):
            raise NotOnADeviceError(f"machine code of {', '.join(self._attributes)}: no file of the product has these")
        self._library = _library(flatten(files.pop()), nvrtc.OPTIONS)

    def _source(self, code: str, options: tuple[str, ...]) -> None:
        self._attributes = _Cubin(_nvrtc(code, (*options, f"-arch=sm_{settings.arch}"), "kern.cu")).kernels
        self._library = _library(code, options)


def _library(code: str, options: tuple[str, ...]) -> library.Library:
    key = (code, options, settings.arch, settings.sanitize)
    with _state.lock:
        if key not in _libraries:
            _libraries[key] = library.Library(code, options, arch=settings.arch, sanitize=bool(settings.sanitize))
        return _libraries[key]


_libraries: dict[tuple[Any, ...], library.Library] = {}


def write_coverage(folder: Path) -> None:
    """Write which blocks of which kernels this process has run, a file for each library."""
    folder.mkdir(parents=True, exist_ok=True)
    for used in _libraries.values():
        blocks = {name: np.flatnonzero(used.covered(name)).tolist() for name in used.kernels}
        name = hashlib.sha256(used.ptx.encode()).hexdigest()[:32]
        (folder / f"{name}.{os.getpid()}.json").write_text(json.dumps(blocks), encoding="utf-8")


if _folder := os.environ.get("STMGPU_VIRTUAL_COVERAGE"):
    atexit.register(write_coverage, Path(_folder))


class RawKernel:
    """A kernel; it belongs to the device that was current when it was asked for."""

    def __init__(self, module: RawModule, name: str) -> None:
        self.name, self._device = name, current()
        loaded = module.module
        if name not in loaded._attributes:
            raise CUDADriverError(500)
        self._library, self._attributes = loaded._library, loaded._attributes[name]
        self._kinds = list(self._library.kernels[name].parameters.values())

    @cached_property
    def attributes(self) -> dict[str, int]:
        """Registers and local bytes of a thread, from the machine code."""
        return dict(self._attributes)

    def __call__(self, grid: tuple[int, ...], block: tuple[int, ...], args: tuple[Any, ...]) -> None:
        """Launch; arrays are passed by address, numbers in their own width, and nothing of it is checked by CUDA."""
        check_device(current())
        if current() != self._device:
            raise CUDADriverError(400)
        if faults.launch == self.name:
            faults.launch = ""
            raise CUDADriverError(701)
        if not (len(grid) == len(block) == 1 and 0 < grid[0] < 2**31 and 0 < block[0] <= 1024):
            raise CUDADriverError(1)
        if len(args) != len(self._kinds):
            raise NotOnADeviceError(f"{self.name} takes {len(self._kinds)} arguments, got {len(args)}")
        words, extents = zip(*map(self._word, range(len(args)), args), strict=True) if args else ((), ())
        _state.count_launch(self.name)
        if faults.kernel == self.name:
            faults.kernel = ""
            faults.broken.add(current())
            return
        try:
            self._library.launch(self.name, grid[0], block[0], words, settings.order, extents)
        except library.DeviceFault as error:
            raise NotOnADeviceError(str(error)) from error

    def _word(self, number: int, value: Any) -> tuple[int, int | None]:
        """The 64 bits that a thread reads as an argument, and the bytes of an array."""
        width = int(self._kinds[number].lstrip(".bsuf")) // 8
        if isinstance(value, ndarray):
            if value._block.device != current():
                raise NotOnADeviceError(
                    f"{self.name}: argument {number} lies on device {value._block.device}, not on {current()}"
                )
            data, extent = value._host.ctypes.data.to_bytes(8, "little"), value.nbytes
        elif isinstance(value, (np.generic, int, float)):  # Python's numbers have 8 bytes, bool has one
            scalar = value if isinstance(value, np.generic) else np.asarray(value)[()]
            data, extent = scalar.tobytes(), None
        else:
            raise TypeError(f"Unsupported type {type(value)}")
        if len(data) != width:
            raise NotOnADeviceError(f"{self.name}: argument {number} has {len(data)} bytes, the kernel reads {width}")
        return int.from_bytes(data, "little"), extent
