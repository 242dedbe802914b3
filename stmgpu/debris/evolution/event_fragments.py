"""Fragments of a scheduled event that are read from a table instead of drawn from the breakup model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.debris import streams
from stmgpu.debris.breakup import Breakup
from stmgpu.debris.evolution.breakups import NUMBER_BITS
from stmgpu.debris.population.from_table import read_table
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from stmgpu.debris.breakup import Body
    from stmgpu.debris.population.population import Population
    from stmgpu.debris.scenario import Scenario
    from stmgpu.debris.specs import EventSpec


@dataclass(frozen=True)
class EventFragments:
    """Fragments of one event, with their orbits at its date.

    Attributes
    ----------
    population : Population
        The fragments, not shorter than the shortest that the scenario follows.
    """

    population: Population

    @staticmethod
    def read(event: EventSpec, scenario: Scenario, seed: int) -> EventFragments:
        """Read the table of an event; angles and sizes that it lacks are drawn once for all runs.

        Raises
        ------
        InputError
            a file that is no table of a population, or one without a fragment that is followed.
        """
        if event.fragments is None:
            raise InputError("the event names no table of fragments")
        rng = streams.generator(seed, 0, streams.SCHEDULED, round(event.year * 1e6), *event.ids)
        population = read_table(event.fragments, rng, year=event.year)
        population = population[population.length_m >= scenario.breakups.min_length_m]
        if not 0 < len(population) < 1 << NUMBER_BITS:
            raise InputError(
                f"{event.fragments} holds {len(population):,} fragments of at least breakups.min_length_m = "
                f"{scenario.breakups.min_length_m:g} m; 1 to {(1 << NUMBER_BITS) - 1:,} are possible"
            )
        return EventFragments(population)

    @property
    def mass_kg(self) -> float:
        """Mass of all fragments [kg]."""
        return float((self.population.weight * self.population.mass_kg).sum())

    def breakup(self, bodies: list[Body]) -> Breakup:
        """Return the fragments as a breakup of some bodies; the mass that the table lacks counts as too small."""
        p, n = self.population, len(self.population)
        mass = sum(body.mass_kg for body in bodies)
        return Breakup(
            length_m=p.length_m,
            area_m2=p.area_to_mass * p.mass_kg,
            area_to_mass=p.area_to_mass,
            mass_kg=p.mass_kg * p.weight,
            delta_v_km_s=np.zeros((n, 3)),
            parent=np.zeros(n, np.int8),
            remnant=np.zeros(n, np.bool_),
            catastrophic=True,
            energy_j_g=np.nan,
            mass_in_kg=mass,
            mass_below_kg=mass - self.mass_kg,
            momentum_drawn=0.0,
            momentum_residual=0.0,
        )
