"""Populations of objects, and the sources they are read or made from."""

from stmgpu.debris.population.cascade import read_cascade
from stmgpu.debris.population.from_catalog import read_gp
from stmgpu.debris.population.from_table import read_table
from stmgpu.debris.population.mocat import read_mocat
from stmgpu.debris.population.population import (
    CLASS_NAMES,
    CONSTELLATION_NAMES,
    FILLED_AREA,
    FILLED_DATE,
    FILLED_MASS,
    FILLED_RADIUS,
    Kind,
    Population,
    columns,
    divided,
)
from stmgpu.debris.population.sources import load_population
from stmgpu.debris.population.synthetic import synthetic_population
from stmgpu.debris.population.to_table import format_table, write_table

__all__ = [
    "CLASS_NAMES",
    "CONSTELLATION_NAMES",
    "FILLED_AREA",
    "FILLED_DATE",
    "FILLED_MASS",
    "FILLED_RADIUS",
    "Kind",
    "Population",
    "columns",
    "divided",
    "format_table",
    "load_population",
    "read_cascade",
    "read_gp",
    "read_mocat",
    "read_table",
    "synthetic_population",
    "write_table",
]
