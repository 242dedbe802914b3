"""``cupy.cuda.memory``."""

from __future__ import annotations

from .._state import OutOfMemoryError

__all__ = ["OutOfMemoryError"]
