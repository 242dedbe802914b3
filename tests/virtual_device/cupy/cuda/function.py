"""``cupy.cuda.function``."""

from __future__ import annotations

from .._modules import Module

__all__ = ["Module"]
