"""``cupy.cuda.driver``."""

from __future__ import annotations

from .._state import CUDADriverError

__all__ = ["CUDADriverError"]
