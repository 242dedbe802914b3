"""``cupy.cuda.compiler``."""

from __future__ import annotations

from .._modules import CompileException, compile_using_nvrtc

__all__ = ["CompileException", "compile_using_nvrtc"]
