"""Atmosphere, solar activity and CO2: what acts on objects from outside."""

from stmgpu.debris.environment.environment import Co2Scaling, Environment, Floats, sun_direction

__all__ = ["Co2Scaling", "Environment", "Floats", "sun_direction"]
