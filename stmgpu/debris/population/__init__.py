"""Populations of objects, and the sources they are read or made from."""

from stmgpu.debris.population.population import (
    CLASS_NAMES,
    FILLED_AREA,
    FILLED_DATE,
    FILLED_MASS,
    FILLED_RADIUS,
    Kind,
    Population,
    columns,
    divided,
)

__all__ = [
    "CLASS_NAMES",
    "FILLED_AREA",
    "FILLED_DATE",
    "FILLED_MASS",
    "FILLED_RADIUS",
    "Kind",
    "Population",
    "columns",
    "divided",
]
