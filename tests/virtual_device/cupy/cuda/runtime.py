"""``cupy.cuda.runtime``."""

from __future__ import annotations

from typing import Any

from .._state import CUDARuntimeError, Device, check_device, current, settings

__all__ = [
    "CUDARuntimeError",
    "deviceGetPCIBusId",
    "driverGetVersion",
    "getDevice",
    "getDeviceCount",
    "getDeviceProperties",
    "setDevice",
]


def getDeviceCount() -> int:
    """Number of virtual devices."""
    if not settings.devices:
        raise CUDARuntimeError(100)
    return settings.devices


def getDevice() -> int:
    """Number of the thread's current device."""
    return current()


def setDevice(device: int) -> None:
    """Make a device the thread's current one."""
    Device(device).use()


def deviceGetPCIBusId(device: int) -> str:
    """Place of a device on the bus, the same in all processes."""
    check_device(device)
    return f"0000:{device + 1:02X}:00.0"


def driverGetVersion() -> int:
    """CUDA version of the driver."""
    return settings.driver


def getDeviceProperties(device: int) -> dict[str, Any]:
    """What CUDA tells of a device, as far as it is used."""
    check_device(device)
    major, minor = divmod(settings.arch, 10)
    return {
        "name": b"virtual device",
        "major": major,
        "minor": minor,
        "totalGlobalMem": settings.memory,
        "multiProcessorCount": 132,
        "uuid": (settings.machine << 32 | device + 1).to_bytes(16, "big"),
    }
