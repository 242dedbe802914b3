"""Evolution of the debris population over decades, and the effect of its removal.

The names that a study needs. They are loaded when they are first used, so that importing the package is cheap.

>>> from stmgpu import debris
>>> study = debris.Study(scenarios=(debris.Scenario(), debris.Scenario(name="risk")), years=50)
>>> debris.statistics.required_runs(cv=0.17, half_width=0.05)
45
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stmgpu.debris import breakup, environment, policy, population, specs, statistics
    from stmgpu.debris.policy.policies import (
        CsiRemoval,
        FootprintRemoval,
        FragmentRemoval,
        ListRemoval,
        MassRemoval,
        PersistentRiskRemoval,
        RandomRemoval,
        RiskRemoval,
        Sweep,
    )
    from stmgpu.debris.policy.ranking import Lower, Only, RankedRemoval
    from stmgpu.debris.policy.view import Campaign, RemovalPolicy, Selection, View
    from stmgpu.debris.population.population import Kind, Population
    from stmgpu.debris.population.sources import load_population
    from stmgpu.debris.scenario import Scenario, Study
    from stmgpu.debris.study.evolve import evolve
    from stmgpu.debris.study.final_population import final_population
    from stmgpu.debris.study.preparation import initial_population
    from stmgpu.debris.study.scenario_file import read_study, shipped_scenarios

_MODULES = ("breakup", "environment", "policy", "population", "specs", "statistics")
_POLICIES, _RANKING, _VIEW = "policy.policies", "policy.ranking", "policy.view"
_HOME = {
    "Campaign": _VIEW,
    "CsiRemoval": _POLICIES,
    "FootprintRemoval": _POLICIES,
    "FragmentRemoval": _POLICIES,
    "Kind": "population.population",
    "ListRemoval": _POLICIES,
    "Lower": _RANKING,
    "MassRemoval": _POLICIES,
    "Only": _RANKING,
    "PersistentRiskRemoval": _POLICIES,
    "Population": "population.population",
    "RandomRemoval": _POLICIES,
    "RankedRemoval": _RANKING,
    "RemovalPolicy": _VIEW,
    "RiskRemoval": _POLICIES,
    "Scenario": "scenario",
    "Selection": _VIEW,
    "Study": "scenario",
    "Sweep": _POLICIES,
    "View": _VIEW,
    "evolve": "study.evolve",
    "final_population": "study.final_population",
    "initial_population": "study.preparation",
    "load_population": "population.sources",
    "read_study": "study.scenario_file",
    "shipped_scenarios": "study.scenario_file",
}

__all__ = [
    "Campaign",
    "CsiRemoval",
    "FootprintRemoval",
    "FragmentRemoval",
    "Kind",
    "ListRemoval",
    "Lower",
    "MassRemoval",
    "Only",
    "PersistentRiskRemoval",
    "Population",
    "RandomRemoval",
    "RankedRemoval",
    "RemovalPolicy",
    "RiskRemoval",
    "Scenario",
    "Selection",
    "Study",
    "Sweep",
    "View",
    "breakup",
    "environment",
    "evolve",
    "final_population",
    "initial_population",
    "load_population",
    "policy",
    "population",
    "read_study",
    "shipped_scenarios",
    "specs",
    "statistics",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
