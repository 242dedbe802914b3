"""Propagation: SGP4/SDP4 in batches, and the ephemerides of whole catalogues.

The package can be called: ``stmgpu.propagate(catalog, ...)`` is :func:`stmgpu.propagate.ephemeris.propagate`.
"""

import sys
from types import ModuleType

from stmgpu.propagate.ephemeris import propagate

__all__ = ["propagate"]


class _Callable(ModuleType):
    __call__ = staticmethod(propagate)


sys.modules[__name__].__class__ = _Callable
