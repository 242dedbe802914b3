"""Notes on a study: doubtful settings, orbits that the model does not cover, collisions within fleets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stmgpu.constants import EARTH
from stmgpu.debris.policy.policies import ListRemoval
from stmgpu.debris.shells import SHELL_EDGES_KM
from stmgpu.debris.specs import SolarSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stmgpu.debris.population.population import Population
    from stmgpu.debris.scenario import Scenario

MAX_LISTED = 5
"""Number of missing ids that a warning lists."""

ECCENTRIC, HIGH_KM = 0.1, 10_000.0
"""Eccentricity and altitude of apogee above which Moon and Sun, which the model leaves out, matter.

The rates of node and perigee by the Moon and the Sun over those by J2 grow with a^5; they are equal near the
geostationary radius and 1 % at 10,000 km (D. King-Hele 1987, chapter 2; V. Chobotov 2002, Orbital Mechanics, chapter
10). Perigees of eccentric orbits also rise and sink by resonances.
"""

WIDE_KM = 100.0
"""Width of a constellation's planes above which its spread is asked about: two shells of a result."""

FLEET_SHARE = 0.05
"""Share of expected collisions between derelict members of one constellation from which a result names them."""


def doubtful_settings(scenario: Scenario, population: Population, years: float) -> list[str]:
    """List the settings of a scenario that never apply, match no object, or make a constellation very wide.

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


def orbits_not_covered(population: Population) -> list[str]:
    """List how many objects of a population have orbits that the model covers badly or not at all."""
    perigee, apogee = (population.a_km * (1.0 + sign * population.ecc) - EARTH.radius_km for sign in (-1.0, 1.0))
    eccentric, high = population.ecc > ECCENTRIC, apogee > HIGH_KM
    notes = []
    if (eccentric | high).any():
        notes.append(
            f"{int(eccentric.sum()):,} of {len(population):,} objects have e > {ECCENTRIC:g}, {int(high.sum()):,} an "
            f"apogee above {HIGH_KM:,.0f} km: the model leaves out the Moon and the Sun, so their lifetimes may be "
            "wrong by factors"
        )
    above = perigee > SHELL_EDGES_KM[-1]
    if above.any():
        notes.append(
            f"{int(above.sum()):,} objects have perigees above {SHELL_EDGES_KM[-1]:g} km (population.max_perigee_km "
            "allows them): neither they nor their collisions are in a shell of the result"
        )
    return notes


def collisions_within_fleets(within: float, expected: float) -> list[str]:
    """Note on the share of expected collisions between derelict members of one constellation, if it is large.

    Examples
    --------
    >>> collisions_within_fleets(0.2, 10.0)
    []
    """
    if not (expected > 0.0 and within > FLEET_SHARE * expected):
        return []
    return [
        f"{100.0 * within / expected:.0f} % of the expected collisions are between derelict members of one "
        "constellation: they depend on how its planes are spread (spread_km) and how it is disposed of"
    ]


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
        low, high = shell.altitudes_km
        if high - low > WIDE_KM:
            yield (
                f"constellation {shell.name!r}: its {shell.planes:,} planes, spread_km = {shell.spread_km:g} apart, "
                f"lie at {low:g} to {high:g} km, wider than fleets are; choose a smaller spread_km if that is not meant"
            )


def _solar(scenario: Scenario) -> Iterator[str]:
    spec = scenario.environment
    if spec.density != "nrlmsis" and spec.co2_pathway is None and spec.solar != SolarSpec():
        yield f"environment.solar is not used: density = {spec.density!r} uses no solar activity"
