"""Scenario and study: everything that the runs of a debris study depend on.

The tables of a scenario are defined in :mod:`stmgpu.debris.specs`; :mod:`stmgpu.debris.study.scenario_file` reads both
from TOML.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from stmgpu.debris.policy.policies import Policy
from stmgpu.debris.spec_types import Positive, Strict
from stmgpu.debris.specs import (
    BreakupSpec,
    CollisionSpec,
    DisposalSpec,
    EnvironmentSpec,
    EventSpec,
    ExplosionSpec,
    LaunchSpec,
    OutputSpec,
    PopulationSpec,
    PropagationSpec,
)


class Scenario(Strict):
    """Everything that a run depends on, except its seed and run number."""

    name: Annotated[str, Field(min_length=1, max_length=200)] = "base"
    population: PopulationSpec = PopulationSpec()
    environment: EnvironmentSpec = EnvironmentSpec()
    propagation: PropagationSpec = PropagationSpec()
    collisions: CollisionSpec = CollisionSpec()
    breakups: BreakupSpec = BreakupSpec()
    launches: LaunchSpec = LaunchSpec()
    explosions: ExplosionSpec = ExplosionSpec()
    disposal: DisposalSpec = DisposalSpec()
    removal: tuple[Policy, ...] = ()
    events: tuple[EventSpec, ...] = ()
    output: OutputSpec = OutputSpec()
    max_objects: Annotated[int, Field(strict=True, ge=100, le=50_000_000)] = 2_000_000

    @model_validator(mode="after")
    def _sun_of_the_past(self) -> Scenario:
        air = self.environment
        if self.population.ballistic == "fitted" and air.density == "nrlmsis" and air.solar.space_weather is None:
            raise ValueError(
                "population.ballistic = 'fitted' needs the Sun as it was observed between the dates of the histories; "
                "set environment.solar.model to 'repeat' or 'bootstrap', with space_weather"
            )
        return self


class Study(Strict):
    """Scenarios to compare, with the default length and number of their runs."""

    scenarios: tuple[Scenario, ...]
    years: Positive = 100.0
    runs: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 20
