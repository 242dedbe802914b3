"""Propagation: SGP4/SDP4 in batches, and the ephemerides of whole catalogues.

The package can be called: ``stmgpu.propagate(catalog, ...)`` is :func:`stmgpu.propagate.ephemeris.propagate`.
"""

from stmgpu.callable_package import make_callable
from stmgpu.propagate.ephemeris import propagate

__all__ = ["propagate"]

make_callable(__name__, propagate)
