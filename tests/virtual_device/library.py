"""Kernels as the virtual device runs them: NVRTC's PTX, translated to C++, compiled and loaded.

What was compiled is kept under ``build/virtual_device`` of the checkout, named by the digest of all that it depends on.
Processes that want the same library at the same time wait for the one that makes it.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from cuda.pathfinder import load_nvidia_dynamic_lib
from virtual_device import lockstep, ptx, races, translate

from stmgpu.backend import nvrtc
from stmgpu.backend.signature import signatures
from stmgpu.backend.source import flatten, kernel_files

FOLDER = Path(__file__).resolve().parents[2] / "build" / "virtual_device"

_FORMS: dict[str, Callable[[dict[str, ptx.Kernel]], str]] = {
    "threads": translate.thread_source,
    "lockstep": lockstep.warp_source,
    "races": races.noting_source,
}
_SOURCES = {
    "threads": (ptx, translate),
    "lockstep": (ptx, translate, lockstep),
    "races": (ptx, translate, races),
}
_LEVEL = {"lockstep": "-O0"}  # loops over lanes take g++ four times as long to optimise
_FLAGS = ("-std=c++20", "-g0", "-w", "-fPIC", "-shared", "-ffp-contract=off", "-fno-strict-aliasing")
_SANITIZE = ("-fsanitize=address", "-fno-omit-frame-pointer")
_UNCHECKED = 2**64 - 1


class DeviceFault(RuntimeError):
    """A thread of a kernel did what a GPU would stop at, or not even notice."""


class Launch(ctypes.Structure):
    """The argument of a compiled kernel; see ``PRELUDE`` of :mod:`virtual_device.translate`."""

    _fields_ = (
        ("words", ctypes.c_void_p),
        ("bytes", ctypes.c_void_p),
        ("grid", ctypes.c_uint64),
        ("block", ctypes.c_uint64),
        ("order", ctypes.c_uint64),
        ("instruction", ctypes.c_int64),
        ("thread", ctypes.c_int64),
        ("address", ctypes.c_uint64),
    )


class Sample(ctypes.Structure):
    """Which warps to run in lockstep, and where to count; see :mod:`virtual_device.lockstep`."""

    _fields_ = (
        ("first", ctypes.c_uint64),
        ("every", ctypes.c_uint64),
        *((name, ctypes.c_void_p) for name in ("executed", "lanes", "requests", "sectors")),
    )


class Library:
    """The kernels of one source text.

    Parameters
    ----------
    code : str
        CUDA C++ without includes.
    options : tuple of str
        Options of NVRTC, without the architecture.
    arch : int
        Compute capability times ten for which PTX is written.
    form : {'threads', 'races', 'lockstep'}
        One thread after the other (:meth:`launch`), the same with notes of races (:mod:`virtual_device.races`), or the
        32 of a warp in lockstep (:meth:`count`).
    sanitize : bool
        Compile with AddressSanitizer; the process must have been started with :func:`sanitized_environment`.

    Attributes
    ----------
    kernels : dict of str to Kernel
        Kernels by name.
    """

    def __init__(
        self, code: str, options: tuple[str, ...], *, arch: int = 90, form: str = "threads", sanitize: bool = False
    ) -> None:
        self._load(ptx_of(code, options, arch), form, sanitize=sanitize)

    @classmethod
    def of_ptx(cls, text: str, form: str = "threads") -> Library:
        """Library of the kernels of a text of PTX."""
        library = cls.__new__(cls)
        library._load(text, form, sanitize=False)
        return library

    def _load(self, text: str, form: str, *, sanitize: bool) -> None:
        self.ptx, self.form = text, form
        self.kernels = _parsed(text)
        self.handle = ctypes.CDLL(str(compiled(text, form, sanitize=sanitize)))

    def launch(
        self,
        kernel: str,
        grid: int,
        block: int,
        words: Sequence[int],
        order: int = 0,
        extents: Sequence[int | None] | None = None,
    ) -> None:
        """Run all threads of a launch.

        Parameters
        ----------
        kernel : str
            Name of the kernel.
        grid, block : int
            Blocks, and threads in each.
        words : sequence of int
            An argument each: the address of an array, or the bits of a number.
        order : int
            0 runs threads as numbered, 1 in reversed order, and every other number in a permutation of its own.
        extents : sequence of (int or None), optional
            Bytes of each array, None for a number; without it nothing is checked but alignment.

        Raises
        ------
        DeviceFault
            An access outside of the arrays or not aligned, a whole number divided by zero; arrays that lie over each
            other and are written.
        """
        if self.form == "lockstep":
            raise ValueError(f"a library of the form {self.form!r} runs no threads one by one")
        request, _keep = self.request(kernel, grid, block, words, order, extents)
        getattr(self.handle, kernel)(ctypes.byref(request))
        self.judge(kernel, request, words, extents)

    def request(
        self,
        kernel: str,
        grid: int,
        block: int,
        words: Sequence[int],
        order: int,
        extents: Sequence[int | None] | None,
    ) -> tuple[Launch, tuple[Any, ...]]:
        """Argument of a compiled kernel, and what must live as long as it."""
        expected = len(self.kernels[kernel].parameters)
        if len(words) != expected or (extents is not None and len(extents) != expected):
            raise TypeError(f"{kernel} takes {expected} arguments, got {len(words)}")
        if not (0 < grid < 2**31 and 0 < block <= 1024):
            raise ValueError(f"{kernel}: a grid of {grid} blocks of {block} threads cannot be launched")
        values = (ctypes.c_uint64 * expected)(*words)
        sizes = (ctypes.c_uint64 * expected)(
            *([_UNCHECKED] * expected if extents is None else [extent or 0 for extent in extents])
        )
        if extents is not None:
            self._check_apart(kernel, words, extents)
        request = Launch(ctypes.addressof(values), ctypes.addressof(sizes), grid, block, order, -1)
        return request, (values, sizes)

    def _check_apart(self, kernel: str, words: Sequence[int], extents: Sequence[int | None]) -> None:
        """Kernels promise the compiler that no array that they write lies over another one (``__restrict__``)."""
        written = _written(self.ptx, kernel)
        arrays = [
            (k, word, word + extent) for k, (word, extent) in enumerate(zip(words, extents, strict=True)) if extent
        ]
        for first, begin, end in arrays:
            if first not in written:
                continue
            for other, start, stop in arrays:
                if other != first and start < end and begin < stop:
                    names = (_argument_name(kernel, number) for number in sorted((first, other)))
                    raise DeviceFault(f"{kernel}: {' and '.join(names)} lie over each other")

    def judge(self, kernel: str, request: Launch, words: Sequence[int], extents: Sequence[int | None] | None) -> None:
        """Raise :class:`DeviceFault` if a launch ended at one."""
        if request.instruction < 0:
            return
        block, thread = divmod(request.thread, request.block)
        instruction = self.kernels[kernel].instructions[request.instruction]
        text = f"{kernel}, thread {thread} of block {block}: {instruction} "
        if instruction.parts[0] in ("div", "rem"):
            raise DeviceFault(text + "divides by zero")
        at = instruction.operands[0 if instruction.parts[0] == "st" else 1]
        names = ptx.origins(self.kernels[kernel])[ptx.address(at)[0]]
        if names == {ptx.LOCAL}:
            raise DeviceFault(text + "leaves the thread's local memory or is not aligned")
        places = []
        for number, parameter in enumerate(self.kernels[kernel].parameters):
            if parameter in names:
                size = "an unknown number of" if extents is None else extents[number]
                offset = request.address - words[number]
                places.append(f"byte {offset} of {_argument_name(kernel, number)}, which has {size} bytes")
        raise DeviceFault(f"{text}reaches {' or '.join(places)}, or is not aligned")

    def count(
        self,
        kernel: str,
        grid: int,
        block: int,
        words: Sequence[int],
        *,
        first: int = 0,
        every: int = 1,
        extents: Sequence[int | None] | None = None,
    ) -> lockstep.Counts:
        """Run warps ``first``, ``first + every``, ... of a launch in lockstep; needs the form 'lockstep'.

        Parameters and errors are those of :meth:`launch`.

        Returns
        -------
        Counts
            What the warps did.
        """
        if self.form != "lockstep":
            raise ValueError(f"a library of the form {self.form!r} does not count")
        code = self.kernels[kernel]
        blocks = np.zeros((2, len(code.blocks)), np.uint64)
        accesses = np.zeros((2, len(code.instructions)), np.uint64)
        sample = Sample(first, every, *(row.ctypes.data for row in (*blocks, *accesses)))
        request, _keep = self.request(kernel, grid, block, words, 0, extents)
        getattr(self.handle, kernel)(ctypes.byref(request), ctypes.byref(sample))
        self.judge(kernel, request, words, extents)
        warps = len(range(first, grid * -(-block // lockstep.WARP), every))
        return lockstep.Counts(code, warps, *blocks, *accesses)

    def covered(self, kernel: str) -> np.ndarray:
        """Whether each block of a kernel was run in this process."""
        blocks = self.kernels[kernel].blocks
        marks = list((ctypes.c_ubyte * len(blocks)).in_dll(self.handle, f"{kernel}_covered"))
        without = ptx.implied(self.kernels[kernel])

        def ran(block: int) -> bool:
            return any(map(ran, blocks[block].successors)) if without[block] else bool(marks[block])

        return np.array([ran(block) for block in range(len(blocks))])


def ptx_of(code: str, options: tuple[str, ...], arch: int = 90) -> str:
    """PTX that NVRTC makes of a source text, kept on disk."""
    key = _digest(code, options, arch, nvrtc.version())
    path = FOLDER / f"{key}.ptx"
    with _made_once(path) as part:
        if part is not None:
            part.write_text(nvrtc.compile_ptx(code, "kernel.cu", arch, options), encoding="utf-8")
    return path.read_text(encoding="utf-8")


def compiled(text: str, form: str = "threads", *, sanitize: bool = False) -> Path:
    """Shared library of the kernels of a PTX module, made if it is not there yet."""
    flags = (*_FLAGS, _LEVEL.get(form, "-O1"), *(_SANITIZE if sanitize else ()))
    path = FOLDER / f"{_digest(text, form, flags, _translators(form), _compiler())}.so"
    with _made_once(path) as part:
        if part is not None:
            source = _FORMS[form](_parsed(text))
            command = ["g++", *flags, "-x", "c++", "-", "-o", str(part)]
            done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"g++ refuses the translated kernels:\n{done.stderr[:4000]}")
    return path


def prepare(files: Sequence[Path] | None = None, *, arch: int = 90, form: str = "threads", workers: int = 2) -> None:
    """Compile kernel files, several at a time; default all of the product with its own options."""

    def one(file: Path) -> None:
        compiled(ptx_of(flatten(file), nvrtc.OPTIONS, arch), form)

    chosen = kernel_files() if files is None else list(files)
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(one, sorted(chosen, key=lambda file: -file.stat().st_size)))


@cache
def product(file: Path, *, arch: int = 90, form: str = "threads") -> Library:
    """Library of one of the product's kernel files, with the product's options."""
    return Library(flatten(file), nvrtc.OPTIONS, arch=arch, form=form)


def sanitized_environment() -> dict[str, str]:
    """Environment in which a process can load libraries that were compiled with ``sanitize``.

    AddressSanitizer opens libraries itself, so that NVRTC's own path to its parts does not count.
    """
    asked = ["g++", "-print-file-name=libasan.so", "-print-file-name=libstdc++.so"]  # it must find what throws
    preload = [
        subprocess.run([asked[0], name], capture_output=True, text=True, check=True).stdout.strip()
        for name in asked[1:]
    ]
    folder = Path(str(load_nvidia_dynamic_lib("nvrtc").abs_path)).parent
    paths = os.pathsep.join([str(folder), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])])
    options = f"detect_leaks=0:suppressions={Path(__file__).with_name('sanitizer_exceptions.txt')}"
    settings = {"LD_PRELOAD": " ".join(preload), "LD_LIBRARY_PATH": paths, "ASAN_OPTIONS": options}
    return {**os.environ, **settings}


def _argument_name(kernel: str, number: int) -> str:
    known = signatures().get(kernel)
    if known is None or number >= len(known.parameters):
        return f"argument {number}"
    return f"the argument {known.parameters[number].name}"


@cache
def _written(text: str, kernel: str) -> frozenset[int]:
    """Numbers of the arguments through which a kernel writes."""
    code = _parsed(text)[kernel]
    origins, numbers = ptx.origins(code), list(code.parameters)
    stores = [i for i in code.instructions if i.parts[0] in ("st", "atom") and "global" in i.parts]
    places = (ptx.address(i.operands[0 if i.parts[0] == "st" else 1])[0] for i in stores)
    return frozenset(numbers.index(name) for place in places for name in origins[place])


@cache
def _parsed(text: str) -> dict[str, ptx.Kernel]:
    return ptx.parse(text)


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


@cache
def _translators(form: str) -> str:
    return _digest(*(Path(module.__file__ or "").read_text(encoding="utf-8") for module in _SOURCES[form]))


@cache
def _compiler() -> str:
    return subprocess.run(["g++", "--version"], capture_output=True, text=True, check=True).stdout


@contextmanager
def _made_once(path: Path) -> Iterator[Path | None]:
    """Yield a name to write to, renamed to ``path`` at the end; None where another process has made the file."""
    if path.is_file():
        yield None
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(path.suffix + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # released by the kernel if the process dies
        if path.is_file():
            yield None
            return
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            part = Path(folder) / path.name
            yield part
            part.replace(path)
