"""Atmosphere, solar activity and CO2: what acts on objects from outside."""

from stmgpu.debris.environment.atmosphere import Exponential, Jb2008, Nrlmsis
from stmgpu.debris.environment.co2 import Co2Scaling
from stmgpu.debris.environment.co2_pathways import Co2Pathway
from stmgpu.debris.environment.environment import Environment, sun_direction
from stmgpu.debris.environment.lifetime import Lifetime
from stmgpu.debris.environment.solar import Recorded, Sinusoid

__all__ = [
    "Co2Pathway",
    "Co2Scaling",
    "Environment",
    "Exponential",
    "Jb2008",
    "Lifetime",
    "Nrlmsis",
    "Recorded",
    "Sinusoid",
    "sun_direction",
]
