"""Collision rates: Cube, mean field, and the screening engine as the truth."""

from stmgpu.debris.collisions.cube import Cube
from stmgpu.debris.collisions.deterministic import collision_rate, deterministic_collisions
from stmgpu.debris.collisions.encounters import Encounters
from stmgpu.debris.collisions.kessler import kessler_rate
from stmgpu.debris.collisions.mean_field import MeanField, mean_field
from stmgpu.debris.collisions.screening_catalog import catalog_of, fit_catalog

__all__ = [
    "Cube",
    "Encounters",
    "MeanField",
    "catalog_of",
    "collision_rate",
    "deterministic_collisions",
    "fit_catalog",
    "kessler_rate",
    "mean_field",
]
