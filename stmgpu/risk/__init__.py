"""Collision probability of encounters, as a library on arrays; modules are imported when they are used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stmgpu.risk.assessment import assess
    from stmgpu.risk.covariance import Covariances, CovarianceSource, covariance_source
    from stmgpu.risk.curved import CurvedEncounters, curved_probability
    from stmgpu.risk.dwell import Dwell, dwell_probability
    from stmgpu.risk.encounter import Encounters, encounter_geometry, encounter_probability
    from stmgpu.risk.maximum import frisbee_probability, maximum_probability
    from stmgpu.risk.message_building import MessageObjects, conjunction_messages
    from stmgpu.risk.messages import MessageRisk, message_risks
    from stmgpu.risk.montecarlo import MonteCarlo, binomial_limits, monte_carlo, straight_monte_carlo
    from stmgpu.risk.nc3d import EncounterEntries, encounter_entries
    from stmgpu.risk.pc import plane_probability
    from stmgpu.risk.radii import Radii, RadiusRule, radius_rule
    from stmgpu.risk.sampled_messages import message_samples
    from stmgpu.risk.socrates import socrates_table

_HOME = {
    "CovarianceSource": "covariance",
    "Covariances": "covariance",
    "CurvedEncounters": "curved",
    "Dwell": "dwell",
    "EncounterEntries": "nc3d",
    "Encounters": "encounter",
    "MessageObjects": "message_building",
    "MessageRisk": "messages",
    "MonteCarlo": "montecarlo",
    "Radii": "radii",
    "RadiusRule": "radii",
    "assess": "assessment",
    "binomial_limits": "montecarlo",
    "covariance_source": "covariance",
    "conjunction_messages": "message_building",
    "curved_probability": "curved",
    "dwell_probability": "dwell",
    "encounter_entries": "nc3d",
    "encounter_geometry": "encounter",
    "encounter_probability": "encounter",
    "frisbee_probability": "maximum",
    "maximum_probability": "maximum",
    "message_risks": "messages",
    "message_samples": "sampled_messages",
    "monte_carlo": "montecarlo",
    "plane_probability": "pc",
    "radius_rule": "radii",
    "socrates_table": "socrates",
    "straight_monte_carlo": "montecarlo",
}

__all__ = [
    "CovarianceSource",
    "Covariances",
    "CurvedEncounters",
    "Dwell",
    "EncounterEntries",
    "Encounters",
    "MessageObjects",
    "MessageRisk",
    "MonteCarlo",
    "Radii",
    "RadiusRule",
    "assess",
    "binomial_limits",
    "conjunction_messages",
    "covariance_source",
    "curved_probability",
    "dwell_probability",
    "encounter_entries",
    "encounter_geometry",
    "encounter_probability",
    "frisbee_probability",
    "maximum_probability",
    "message_risks",
    "message_samples",
    "monte_carlo",
    "plane_probability",
    "radius_rule",
    "socrates_table",
    "straight_monte_carlo",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
