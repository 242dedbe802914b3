"""What only the virtual device has: settings, counts and faults."""

from __future__ import annotations

from ._modules import write_coverage
from ._state import (
    Counts,
    Faults,
    NotOnADeviceError,
    Settings,
    changed,
    counted,
    counts,
    fault,
    faults,
    settings,
    start_thread,
    used,
)

__all__ = [
    "Counts",
    "Faults",
    "NotOnADeviceError",
    "Settings",
    "changed",
    "counted",
    "counts",
    "fault",
    "faults",
    "settings",
    "start_thread",
    "used",
    "write_coverage",
]
