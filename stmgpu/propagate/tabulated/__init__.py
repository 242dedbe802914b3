"""Propagation by interpolation in tables of states."""

from stmgpu.propagate.tabulated.tabulated import BEYOND_S, TabulatedPropagator

__all__ = ["BEYOND_S", "TabulatedPropagator"]
