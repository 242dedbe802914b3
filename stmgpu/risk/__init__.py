"""Collision probability of encounters, as a library on arrays."""

from stmgpu.risk.encounter import Encounters, encounter_geometry, encounter_probability
from stmgpu.risk.maximum import maximum_probability
from stmgpu.risk.pc import plane_probability

__all__ = ["Encounters", "encounter_geometry", "encounter_probability", "maximum_probability", "plane_probability"]
