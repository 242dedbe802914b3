"""Whether ``cuda`` is the virtual device, for tests that do less of the same there."""

from __future__ import annotations

import sys


def is_virtual() -> bool:
    """Whether CuPy, as a test finds it, is the stand-in of ``tests/virtual_device``."""
    return hasattr(sys.modules.get("cupy"), "virtual")
