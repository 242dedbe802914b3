"""Devices, errors and the compiler under CuPy's names."""

from __future__ import annotations

from .. import _driver as driver
from .._state import Device
from . import compiler, function, memory, runtime

__all__ = ["Device", "compiler", "driver", "function", "memory", "runtime"]
