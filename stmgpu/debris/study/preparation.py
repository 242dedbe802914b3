"""Preparation of a study: populations and environments are loaded, and everything that can be wrong is told at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stmgpu.debris.environment.environment import Environment
from stmgpu.debris.evolution.launches import Launches
from stmgpu.debris.evolution.loop import time_span
from stmgpu.debris.population.population import Population, divided
from stmgpu.debris.population.sources import load_population
from stmgpu.debris.study.event_checks import check_events
from stmgpu.debris.study.histories import with_fitted_ballistic
from stmgpu.debris.study.scenario_errors import joined
from stmgpu.debris.study.warnings import doubtful_settings, orbits_not_covered
from stmgpu.errors import InputError
from stmgpu.typing import is_whole

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stmgpu.debris.scenario import Scenario, Study
    from stmgpu.debris.specs import EnvironmentSpec, PopulationSpec, PropagationSpec

MAX_YEARS, MAX_RUNS = 1000.0, 1_000_000
"""Largest number of years, and of runs of a scenario."""


@dataclass(frozen=True)
class InitialState:
    """Initial populations and environments of a study.

    Attributes
    ----------
    year : float
        First year.
    populations, environments : list of Population or list of Environment
        Those of each scenario, in their order; scenarios with the same settings share them.
    notes : list of str
        Sources (:func:`source_notes`) and settings without effect
        (:func:`stmgpu.debris.study.warnings.doubtful_settings`).
    """

    year: float
    populations: list[Population]
    environments: list[Environment]
    notes: list[str]


def prepare(study: Study, *, seed: int, population: Population | None = None) -> InitialState:
    """Load the initial populations and environments of a study, so that errors are raised before anything is computed.

    Parameters
    ----------
    study : Study
        Scenarios.
    seed : int
        Seed of the study.
    population : Population, optional
        Initial population of all scenarios, instead of their own.

    Raises
    ------
    InputError
        A file that is missing or damaged, an environment that does not cover the years, launches that repeat nothing,
        impossible events, populations of different epochs, or one larger than ``max_objects``.
    """
    without_effect: list[str] = []
    faults: list[str] = []
    populations: dict[PopulationKey, Population] = {}
    environments: dict[EnvironmentSpec, Environment] = {}
    begins: dict[float, str] = {}
    for scenario in study.scenarios:
        key = population_key(scenario)
        if key not in populations:
            populations[key] = initial_population(scenario) if population is None else population
        initial = populations[key]
        begins.setdefault(initial.epoch_year, scenario.name)
        if len(begins) > 1:
            epochs = ", ".join(f"{name!r} in {year:.3f}" for year, name in begins.items())
            raise InputError(
                f"the populations of the scenarios begin in different years ({epochs}); compare "
                "populations of one epoch, or evolve them into separate stores"
            )
        if scenario.environment not in environments:
            environments[scenario.environment] = Environment.build(
                scenario.environment, *time_span(initial, study.years)
            )
        for check in (_check_size, check_events, _check_launches):
            try:
                check(scenario, initial, study.years, seed)
            except InputError as error:
                faults.append(str(error))
        without_effect += doubtful_settings(scenario, initial, study.years)
    if faults:
        raise InputError(joined(faults))
    (year,) = begins
    return InitialState(
        year,
        [populations[population_key(s)] for s in study.scenarios],
        [environments[s.environment] for s in study.scenarios],
        [*source_notes(populations.values(), environments.values()), *without_effect],
    )


def _check_size(scenario: Scenario, population: Population, years: float, seed: int) -> None:  # noqa: ARG001
    """Raise InputError where the initial population is larger than the scenario allows."""
    rows = len(divided(population, scenario.max_objects))
    if rows > scenario.max_objects:
        raise InputError(
            f"scenario {scenario.name!r} begins with {rows:,} objects, more than max_objects = "
            f"{scenario.max_objects:,}, above which its runs are cut off; raise max_objects, or use "
            "a smaller population"
        )


def _check_launches(scenario: Scenario, population: Population, years: float, seed: int) -> None:  # noqa: ARG001
    """Raise InputError for launches that are impossible with the population, or below the altitude of decay."""
    Launches(scenario.launches, population, disposal=scenario.disposal, seed=seed, run_number=0)
    for shell in scenario.launches.constellations:
        lowest, decay = shell.altitudes_km[0], scenario.propagation.decay_km
        if lowest <= decay:
            raise InputError(
                f"scenario {scenario.name!r}: constellation {shell.name!r} has planes at {lowest:g} km, below "
                f"propagation.decay_km = {decay:g}; raise its altitude_km"
            )


def source_notes(populations: Iterable[Population], environments: Iterable[Environment] = ()) -> list[str]:
    """List the sources of populations, what was filled in or left out, and the environments, without repetitions."""
    notes: list[str] = []
    for population in populations:
        source = population.source
        told = [*population.notes, *orbits_not_covered(population)]
        notes += [note if note.startswith(source) else f"{source}: {note}" for note in told] or [source]
    for environment in environments:
        notes += environment.notes
    return list(dict.fromkeys(notes))


def check_study(study: Study, seed: int) -> None:
    """Raise InputError for a study that cannot be run."""
    if not (np.isfinite(study.years) and 1.0 <= study.years <= MAX_YEARS):
        raise InputError(
            f"years = {study.years:g} is out of range, since whole years are recorded; choose 1 to {MAX_YEARS:g}"
        )
    if not 1 <= study.runs <= MAX_RUNS:
        raise InputError(f"runs = {study.runs} is out of range; choose 1 to {MAX_RUNS:,}")
    if not is_whole(seed) or not 0 <= seed < 1 << 63:
        raise InputError(f"seed = {seed} is out of range; choose a whole number from 0 to 2^63 - 1")
    names = [s.name for s in study.scenarios]
    if not names:
        raise InputError("the study has no scenarios; give at least one")
    if len(set(names)) < len(names):
        raise InputError(f"the names of scenarios repeat ({', '.join(names)}); give each its own name")
    for s in study.scenarios[1:]:
        if s.output != study.scenarios[0].output:
            raise InputError(
                f"scenario {s.name!r} has an [output] of its own; all scenarios share one result, so set it in the base"
            )


class PopulationKey(NamedTuple):
    """Settings that the initial population of a scenario depends on; those of drag only where they are fitted."""

    population: PopulationSpec
    mission_years: float
    environment: EnvironmentSpec | None = None
    propagation: PropagationSpec | None = None


def population_key(scenario: Scenario) -> PopulationKey:
    """Return the settings that the initial population of a scenario depends on."""
    spec, life = scenario.population, scenario.disposal.mission_years
    if spec.ballistic == "table":
        return PopulationKey(spec, life)
    return PopulationKey(spec, life, scenario.environment, scenario.propagation)


def initial_population(scenario: Scenario) -> Population:
    """Load the initial population of a scenario; values its source lacks are drawn with the seed of its settings."""
    population = load_population(scenario.population, mission_years=scenario.disposal.mission_years)
    return population if scenario.population.ballistic == "table" else with_fitted_ballistic(population, scenario)
