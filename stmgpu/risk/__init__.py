"""Collision probability of encounters, as a library on arrays."""

from stmgpu.risk.encounter import Encounters, encounter_geometry, encounter_probability
from stmgpu.risk.maximum import frisbee_probability, maximum_probability
from stmgpu.risk.messages import MessageRisk, message_risks
from stmgpu.risk.pc import plane_probability
from stmgpu.risk.radii import Radii, RadiusRule, radius_rule
from stmgpu.risk.socrates import socrates_table

__all__ = [
    "Encounters",
    "MessageRisk",
    "Radii",
    "RadiusRule",
    "encounter_geometry",
    "encounter_probability",
    "frisbee_probability",
    "maximum_probability",
    "message_risks",
    "plane_probability",
    "radius_rule",
    "socrates_table",
]
