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
    "used",
    "write_coverage",
]
