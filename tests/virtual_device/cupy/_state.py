"""What the virtual devices are set to, what they hold, what was counted, and the faults that tests put in."""

from __future__ import annotations

import gc
import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass
class Settings:
    """Properties of the virtual devices; each is read from ``STMGPU_VIRTUAL_<NAME>`` at the start."""

    devices: int = 1
    order: int = 0
    """Of threads: 0 as numbered, 1 reversed, else the seed of a permutation."""
    fill: int = 0xA5
    """Byte of memory that nobody has written."""
    driver: int = 13090
    """CUDA version of the driver, as ``driverGetVersion`` gives it."""
    memory: int = 141 << 30
    """Bytes of each device."""
    arch: int = 90
    machine: int = 0
    """Number of the machine that the devices are in; part of their UUIDs."""
    sanitize: int = 0
    """Whether kernels are compiled with the AddressSanitizer."""

    @classmethod
    def of_environment(cls) -> Settings:
        """The defaults, changed by the environment."""
        given = {f.name: os.environ.get(f"STMGPU_VIRTUAL_{f.name.upper()}") for f in fields(cls)}
        return cls(**{name: int(text, 0) for name, text in given.items() if text})


settings = Settings.of_environment()
lock = threading.RLock()


@contextmanager
def changed(**values: int) -> Iterator[None]:
    """Other settings for the length of a block."""
    before = {name: getattr(settings, name) for name in values}
    try:
        for name, value in values.items():
            setattr(settings, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(settings, name, value)


# ------------------------------------------------------------------------------------------------ what was counted
@dataclass
class Counts:
    """What a GPU would have been asked to do."""

    launches: Counter[str] = field(default_factory=Counter)
    """Of the product's kernels, by name."""
    elementwise: int = 0
    """Launches of CuPy's elementwise kernels, copies on the device among them."""
    reductions: int = 0
    scans: int = 0
    sorts: int = 0
    waits: int = 0
    """Calls that return only when the device has done all its work."""
    uploads: int = 0
    upload_bytes: int = 0
    downloads: int = 0
    download_bytes: int = 0
    allocations: int = 0
    allocated_bytes: int = 0
    peak_bytes: int = 0
    """Most memory in use at a time, on all devices together."""
    cupy_kernels: Counter[str] = field(default_factory=Counter)
    """CuPy's own kernels by operation and types: each is compiled once for a user and a version of CuPy."""

    def add(self, name: str, number: int = 1) -> None:
        """Count ``number`` more of a kind."""
        setattr(self, name, getattr(self, name) + number)


counts = Counts()
_open: list[Counts] = [counts]


def count(name: str, number: int = 1) -> None:
    """Count ``number`` more of a kind, in everything that counts now."""
    with lock:
        for one in _open:
            one.add(name, number)


def count_kernel(kind: str, name: str, types: str = "", number: int = 1) -> None:
    """Count launches of one of CuPy's own kernels."""
    with lock:
        for one in _open:
            one.add(kind, number)
            one.cupy_kernels[f"{name} {types}".strip()] += number


def count_launch(kernel: str) -> None:
    """Count a launch of one of the product's kernels."""
    with lock:
        for one in _open:
            one.launches[kernel] += 1


@contextmanager
def counted() -> Iterator[Counts]:
    """What is counted within a block, of all threads."""
    inside = Counts()
    with lock:
        _open.append(inside)
    try:
        yield inside
    finally:
        with lock:
            _open[:] = [one for one in _open if one is not inside]


# ------------------------------------------------------------------------------------------------ faults
@dataclass
class Faults:
    """Faults that tests put in: each strikes once and is then gone, but a broken device stays broken."""

    allocation: int = 0
    """The n-th allocation from now on finds no memory."""
    launch: str = ""
    """The next launch of this kernel is refused by the driver."""
    kernel: str = ""
    """The next launch of this kernel makes an illegal access, which the next call that waits reports."""
    load: str = ""
    """The next module with this text in its path or code cannot be loaded."""
    broken: set[int] = field(default_factory=set)
    """Devices on which a kernel made an illegal access: every call fails until the process ends."""


faults = Faults()


@contextmanager
def fault(**values: Any) -> Iterator[Faults]:
    """Faults for the length of a block; devices are whole again after it."""
    try:
        for name, value in values.items():
            if not hasattr(faults, name):
                raise TypeError(f"there is no fault {name!r}")
            setattr(faults, name, value)
        yield faults
    finally:
        for f in fields(Faults):
            setattr(faults, f.name, set() if f.name == "broken" else "" if isinstance(f.default, str) else 0)


# ------------------------------------------------------------------------------------------------ errors
class CUDARuntimeError(RuntimeError):
    """An error of the CUDA runtime."""

    _NAMES = {  # noqa: RUF012
        100: ("cudaErrorNoDevice", "no CUDA-capable device is detected"),
        101: ("cudaErrorInvalidDevice", "invalid device ordinal"),
        400: ("cudaErrorInvalidResourceHandle", "invalid resource handle"),
        700: ("cudaErrorIllegalAddress", "an illegal memory access was encountered"),
    }

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__("{}: {}".format(*self._NAMES[status]))


class CUDADriverError(RuntimeError):
    """An error of the CUDA driver."""

    _NAMES = {  # noqa: RUF012
        1: ("CUDA_ERROR_INVALID_VALUE", "invalid argument"),
        200: ("CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"),
        209: ("CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"),
        301: ("CUDA_ERROR_FILE_NOT_FOUND", "file not found"),
        400: ("CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"),
        500: ("CUDA_ERROR_NOT_FOUND", "named symbol not found"),
        700: ("CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"),
        701: ("CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"),
    }

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__("{}: {}".format(*self._NAMES[status]))


class OutOfMemoryError(MemoryError):
    """The device's memory is full."""

    def __init__(self, size: int, total: int, limit: int = 0) -> None:
        self._size, self._total, self._limit = size, total, limit
        text = f"Out of memory allocating {size:,} bytes (allocated so far: {total:,} bytes"
        super().__init__(text + (f", limit set to: {limit:,} bytes)." if limit else ")."))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._size, self._total, self._limit)


class NotOnADeviceError(AssertionError):
    """The product did what goes wrong, silently or not, on a device: no error of CuPy, so that nobody catches it."""


# ------------------------------------------------------------------------------------------------ devices and memory
class _Thread(threading.local):
    def __init__(self) -> None:
        self.device = 0  # where CUDA starts every thread
        self.entered: list[int] = []


_thread = _Thread()


def current() -> int:
    """Number of the thread's current device."""
    return _thread.device


def start_thread() -> None:
    """Give the thread the device that CUDA starts it on."""
    _thread.device = 0
    _thread.entered.clear()


def check_device(number: int) -> None:
    """Raise CUDA's error for a device that is not there or broken."""
    if not 0 <= number < settings.devices:
        raise CUDARuntimeError(101)
    if number in faults.broken:
        raise CUDARuntimeError(700)


class Device:
    """A virtual device.

    Parameters
    ----------
    device : int, optional
        its number; default the thread's current device.
    """

    def __init__(self, device: int | Device | None = None) -> None:
        self.id = current() if device is None else int(device)

    @property
    def compute_capability(self) -> str:
        """Digits of the architecture, as text."""
        check_device(self.id)
        return str(settings.arch)

    @property
    def mem_info(self) -> tuple[int, int]:
        """Free and all bytes of the device's memory; what the pool keeps is not free."""
        check_device(self.id)
        return max(settings.memory - used[self.id] - kept(self.id), 0), settings.memory

    def use(self) -> None:
        """Make this the thread's current device."""
        check_device(self.id)
        _thread.device = self.id

    def synchronize(self) -> None:
        """Wait for the device."""
        check_device(self.id)
        count("waits")

    def __int__(self) -> int:
        return self.id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<CUDA Device {self.id}>"

    def __enter__(self) -> Device:
        _thread.entered.append(_thread.device)
        if _thread.device != self.id:
            check_device(self.id)
        _thread.device = self.id
        return self

    def __exit__(self, *_: object) -> None:
        _thread.device = _thread.entered.pop()


used: Counter[int] = Counter()
"""Bytes in use of each device."""
_taken: Counter[int] = Counter()
"""Bytes that the pool has taken from each device, in use or not."""
_UNIT = 512  # CuPy's pool gives out whole units


def kept(device: int) -> int:
    """Bytes of a device that the pool keeps for arrays to come."""
    return max(min(_taken[device], settings.memory) - used[device], 0)


class Block:
    """Memory on the current device, given back when nothing refers to it any more."""

    __slots__ = ("device", "size")

    def __init__(self, size: int) -> None:
        self.device, self.size = current(), 0
        check_device(self.device)
        whole = -(-size // _UNIT) * _UNIT
        with lock:
            if faults.allocation:
                faults.allocation -= 1
                if not faults.allocation:
                    raise OutOfMemoryError(whole, used[self.device])
        if used[self.device] + whole > settings.memory:
            gc.collect()  # as CuPy does before it gives up
        with lock:
            if used[self.device] + whole > settings.memory:
                raise OutOfMemoryError(whole, used[self.device])
            used[self.device] += whole
            _taken[self.device] = max(_taken[self.device], used[self.device])
            self.size = whole
            for one in _open:
                one.peak_bytes = max(one.peak_bytes, used.total())
        if size:
            count("allocations")
            count("allocated_bytes", whole)

    def __del__(self) -> None:
        if self.size:
            with lock:
                used[self.device] -= self.size


class Pool:
    """The default memory pool, of all devices: it keeps what arrays no longer use, and never in pieces too small."""

    def free_bytes(self) -> int:
        """Bytes that the pool keeps on the current device."""
        check_device(current())
        return kept(current())

    def total_bytes(self) -> int:
        """Bytes that the pool has taken from the current device."""
        return self.used_bytes() + self.free_bytes()

    def used_bytes(self) -> int:
        """Bytes of the current device that arrays use."""
        check_device(current())
        return used[current()]

    def free_all_blocks(self) -> None:
        """Give the blocks that no array uses back to the current device."""
        check_device(current())
        with lock:
            _taken[current()] = used[current()]


pool = Pool()


def get_default_memory_pool() -> Pool:
    """The pool that all arrays are made from."""
    return pool


def wait() -> None:
    """Wait for the current device, which is when a fault in a kernel becomes known."""
    check_device(current())
    count("waits")
