"""Warnings about scenario settings that have no effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stmgpu.debris.policy.policies import ListRemoval
from stmgpu.debris.specs import SolarSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stmgpu.debris.population.population import Population
    from stmgpu.debris.scenario import Scenario

MAX_LISTED = 5
"""Number of missing ids that a warning lists."""


def settings_without_effect(scenario: Scenario, population: Population, years: float) -> list[str]:
    """List the settings of a scenario that never apply, or that match no object.

    Parameters
    ----------
    scenario : Scenario
        Settings.
    population : Population
        Initial population; its epoch is the first year.
    years : float
        Length of the runs.

    Returns
    -------
    list of str
        One warning each, prefixed with the name of the scenario.
    """
    begin, end = population.epoch_year, population.epoch_year + years
    run = f"the run, {begin:.2f} to {end:.2f}"
    warnings = [*_removal(scenario, population, years, run), *_launches(scenario, begin, end, run), *_solar(scenario)]
    return [f"{scenario.name}: {note}" for note in warnings]


def _removal(scenario: Scenario, population: Population, years: float, run: str) -> Iterator[str]:
    acting = [population.epoch_year + k for k in range(int(years + 1e-9))]
    present = set(population.norad_id.tolist())
    for number, policy in enumerate(scenario.removal, 1):
        name = f"policy {number}, {policy.rank!r}"
        if not any(policy.in_force(year) for year in acting):
            yield f"{name}, is never in force in the years of {run}"
        if isinstance(policy, ListRemoval):
            absent = [i for i in policy.ids if i not in present]
            if absent:
                more = ", ..." if len(absent) > MAX_LISTED else ""
                yield (
                    f"{name}: {len(absent):,} of {len(policy.ids):,} ids are not in the population "
                    f"({', '.join(map(str, absent[:MAX_LISTED]))}{more})"
                )


def _launches(scenario: Scenario, begin: float, end: float, run: str) -> Iterator[str]:
    spec = scenario.launches
    if spec.model != "none" and spec.until_year <= begin:
        yield f"launches: until_year {spec.until_year:g} is before {run}: nothing is launched from the window"
    for shell in spec.constellations:
        if shell.from_year >= end or shell.until_year <= begin:
            yield f"constellation {shell.name!r}: from {shell.from_year:g} until {shell.until_year:g} is outside {run}"


def _solar(scenario: Scenario) -> Iterator[str]:
    spec = scenario.environment
    if spec.density != "nrlmsis" and spec.co2_pathway is None and spec.solar != SolarSpec():
        yield f"environment.solar is not used: density = {spec.density!r} uses no solar activity"
