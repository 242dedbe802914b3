"""``cupy.cuda.driver``, an attribute and no module that can be imported."""

from __future__ import annotations

from ._state import CUDADriverError

__all__ = ["CUDADriverError"]
