"""Devices, events, errors and the compiler under CuPy's names."""

from __future__ import annotations

from .. import _driver as driver
from .._state import Device
from . import compiler, function, memory, runtime, stream
from .stream import Event, get_elapsed_time

__all__ = ["Device", "Event", "compiler", "driver", "function", "get_elapsed_time", "memory", "runtime", "stream"]
