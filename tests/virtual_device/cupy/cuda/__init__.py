"""Devices, errors and the compiler under CuPy's names."""

from __future__ import annotations

from .._state import Device
from . import compiler, driver, memory, runtime

__all__ = ["Device", "compiler", "driver", "memory", "runtime"]
