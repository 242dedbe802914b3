"""Compile kernel files with NVRTC, without a GPU or a driver, and keep the machine code on disk.

Used to prove in the tests that every kernel compiles for every supported GPU, to read registers and spills, and to
spare the cuda backend the compilation: machine code made on a login node serves the compute nodes.

Environment: ``STMGPU_CACHE_DIR`` moves the cache.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stmgpu.backend.source import flatten, kernel_files
from stmgpu.errors import BackendError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

ARCHITECTURES = (75, 80, 90, 100, 120)
"""GPU generations that every kernel is compiled for in the tests: Turing, Ampere, Hopper and both Blackwells."""

OPTIONS = ("--std=c++17", "-fmad=false", "-ftz=false", "-prec-div=true", "-prec-sqrt=true", "-diag-suppress=177")
"""No contraction and IEEE division and root, so that a GPU returns the same bytes as a CPU; no warnings for helpers of
a header that a kernel does not use."""

_REPORT = ("-Xptxas", "-v")  # registers and spills in the log; changes no code
_ENTRY = re.compile(
    r"Compiling entry function '(?P<kernel>\w+)'.*?(?P<stack>\d+) bytes stack frame, "
    r"(?P<stores>\d+) bytes spill stores, (?P<loads>\d+) bytes spill loads.*?Used (?P<registers>\d+) registers",
    re.S,
)
_LOG = logging.getLogger(__name__)


class CacheError(BackendError):
    """The kernel cache cannot be written."""


@dataclass(frozen=True)
class Usage:
    """Resources of one kernel on a GPU: registers per thread and bytes of local memory."""

    kernel: str
    registers: int
    stack_bytes: int
    spill_store_bytes: int
    spill_load_bytes: int


@dataclass(frozen=True)
class Compiled:
    """Machine code of one kernel file for one architecture, the compiler's log and each kernel's usage."""

    name: str
    arch: int
    cubin: bytes
    log: str
    usage: tuple[Usage, ...]


def cache_dir() -> Path:
    """Folder of recomputable files: ``STMGPU_CACHE_DIR``, else the platform's cache folder."""
    if chosen := os.environ.get("STMGPU_CACHE_DIR"):
        return Path(chosen)
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "stmgpu"


def version() -> tuple[int, int]:
    """NVRTC's version as (major, minor); :class:`BackendError` where the bindings or the library are missing."""
    major, minor = _checked(_bindings().nvrtcVersion(), "nvrtcVersion")
    return int(major), int(minor)


def check(arch: int, driver: int | None = None) -> None:
    """Raise :class:`BackendError` unless NVRTC compiles for a GPU, and for its driver.

    Parameters
    ----------
    arch : int
        Compute capability times ten.
    driver : int, optional
        Major version of CUDA that the driver knows. It loads no machine code of a newer compiler, nor its PTX.
    """
    name = f"NVRTC {'.'.join(map(str, version()))}"
    if driver is not None and version()[0] > driver:
        raise BackendError(
            f"the NVIDIA driver knows CUDA {driver} and cannot load what {name} compiles; pip install 'stmgpu[cuda12]' "
            "into a new environment, or update the driver (580 or newer for 'stmgpu[cuda13]')"
        )
    known = _checked(_bindings().nvrtcGetSupportedArchs(), "nvrtcGetSupportedArchs")
    if arch not in known:
        raise BackendError(
            f"{name} cannot compile for sm_{arch}; it knows {', '.join(f'sm_{a}' for a in known)}. For an older GPU "
            "pip install 'stmgpu[cuda12]' into a new environment, for a newer one update nvidia-cuda-nvrtc"
        )


def compile_text(text: str, name: str, arch: int, options: tuple[str, ...] = OPTIONS) -> Compiled:
    """Compile kernel source without includes.

    Parameters
    ----------
    text : str
        CUDA C++ source, flattened.
    name : str
        Its name in messages.
    arch : int
        Compute capability times ten, for example 90 for sm_90.
    options : tuple of str
        Other options than those of the cuda backend.

    Raises
    ------
    BackendError
        NVRTC is missing, does not know ``arch``, or reports an error; the message carries its log.
    """
    check(arch)
    nvrtc = _bindings()
    with _compiled(text, name, (*options, *_REPORT, f"-arch=sm_{arch}")) as (program, log):
        cubin = bytearray(_checked(nvrtc.nvrtcGetCUBINSize(program), "nvrtcGetCUBINSize"))
        _checked(nvrtc.nvrtcGetCUBIN(program, cubin), "nvrtcGetCUBIN")
    usage = tuple(
        Usage(m["kernel"], int(m["registers"]), int(m["stack"]), int(m["stores"]), int(m["loads"]))
        for m in _ENTRY.finditer(log)
    )
    return Compiled(name, arch, bytes(cubin), log, usage)


def compile_ptx(text: str, name: str, arch: int, options: tuple[str, ...] = OPTIONS) -> str:
    """PTX of kernel source without includes, as NVRTC hands it to its assembler; see :func:`compile_text`."""
    nvrtc = _bindings()
    with _compiled(text, name, (*options, f"-arch=compute_{arch}")) as (program, _):
        ptx = bytearray(_checked(nvrtc.nvrtcGetPTXSize(program), "nvrtcGetPTXSize"))
        _checked(nvrtc.nvrtcGetPTX(program, ptx), "nvrtcGetPTX")
    return ptx.rstrip(b"\0").decode()


def compile_file(file: Path, arch: int) -> Compiled:
    """Compile one kernel file with its headers; see :func:`compile_text`."""
    return compile_text(flatten(file), file.name, arch)


def cached_cubin(file: Path, arch: int, folder: Path | None = None) -> Path:
    """Path of a kernel file's machine code in the cache, compiled if it is not there yet.

    The name holds the digest of everything that changes the code (flattened source, options, architecture and NVRTC's
    version) and that of the code itself, so that a damaged file is noticed and compiled anew. The file is renamed into
    place when complete, so processes that compile the same kernel at the same time do not disturb each other.

    Parameters
    ----------
    file : Path
        Kernel file.
    arch : int
        Compute capability times ten.
    folder : Path, optional
        Folder for the file, default that of the cache.

    Raises
    ------
    BackendError
        as for :func:`compile_text`.
    CacheError
        the cache cannot be written.
    """
    text = flatten(file)
    key = hashlib.sha256(repr((text, OPTIONS, arch, version())).encode()).hexdigest()
    folder = cache_dir() / "cubin" if folder is None else folder
    stem = f"{file.stem}_sm{arch}_{key[:32]}"
    try:
        for path in sorted(folder.glob(f"{stem}_*.cubin")):
            if _is_sound(path):
                return path
            path.unlink()
            _LOG.info("deleted %s, which is damaged", path)
        compiled = compile_text(text, file.name, arch, OPTIONS)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{stem}_{_digest(compiled.cubin)}.cubin"
        with tempfile.NamedTemporaryFile(dir=folder, prefix=path.name, suffix=".part", delete=False) as part:
            try:
                part.write(compiled.cubin)
                part.close()
                Path(part.name).replace(path)
            except BaseException:
                Path(part.name).unlink()
                raise
    except OSError as error:
        raise CacheError(
            f"cannot write the kernel cache {folder}: {error}; make it writable or set "
            "STMGPU_CACHE_DIR to a folder that is"
        ) from error
    _LOG.info("compiled %s for sm_%d with NVRTC %d.%d", file.name, arch, *version())
    return path


def _digest(cubin: bytes) -> str:
    return hashlib.sha256(cubin).hexdigest()[:32]


def _is_sound(path: Path) -> bool:
    """Whether a file can be read and holds what its name says."""
    try:
        return path.stem.endswith(_digest(path.read_bytes()))
    except OSError:
        return False


def compile_all(archs: list[str]) -> list[Path]:
    """Compile every kernel file for some architectures into the cache; needs no GPU.

    Parameters
    ----------
    archs : list of str
        Such as 'sm_90' or '90'.

    Returns
    -------
    the files of machine code, in the cache.

    Raises
    ------
    InputError
        something that is no architecture.
    BackendError
        as for :func:`cached_cubin`.
    """
    numbers = []
    for arch in archs:
        digits = arch.removeprefix("sm_")
        if not (digits.isdecimal() and 2 <= len(digits) <= 3):
            raise InputError(f"{arch!r} is not a GPU architecture; use a name such as sm_90")
        numbers.append(int(digits))
    return [cached_cubin(file, number) for number in numbers for file in kernel_files()]


@contextmanager
def _compiled(text: str, name: str, options: tuple[str, ...]) -> Iterator[tuple[Any, str]]:
    """Compile a program, with the log; the last option names the architecture."""
    nvrtc = _bindings()
    encoded = [o.encode() for o in options]
    program = _checked(nvrtc.nvrtcCreateProgram(text.encode(), name.encode(), 0, [], []), "nvrtcCreateProgram")
    try:
        status = nvrtc.nvrtcCompileProgram(program, len(encoded), encoded)[0]
        size = _checked(nvrtc.nvrtcGetProgramLogSize(program), "nvrtcGetProgramLogSize")
        buffer = bytearray(size)
        _checked(nvrtc.nvrtcGetProgramLog(program, buffer), "nvrtcGetProgramLog")
        log = buffer.rstrip(b"\0 \n").decode(errors="replace")
        if int(status) != 0:
            raise BackendError(f"{name} does not compile for {options[-1].removeprefix('-arch=')}:\n{log}")
        yield program, log
    finally:
        nvrtc.nvrtcDestroyProgram(program)


def _bindings() -> Any:
    try:
        from cuda.bindings import nvrtc

        nvrtc.nvrtcVersion()  # loads the library
    except (ImportError, RuntimeError) as error:
        raise BackendError(
            f"the NVRTC bindings cannot be used: {error}; pip install cuda-bindings nvidia-cuda-nvrtc"
        ) from error
    return nvrtc


def _checked(answer: tuple[Any, ...], call: str) -> Any:
    if int(answer[0]) != 0:
        raise BackendError(f"{call} failed: {answer[0].name}")
    if len(answer) == 1:
        return None
    return answer[1] if len(answer) == 2 else answer[1:]
