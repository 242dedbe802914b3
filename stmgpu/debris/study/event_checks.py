"""What is wrong with the scheduled events of a scenario, as far as it can be known before a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.debris.breakup.size_law import is_catastrophic
from stmgpu.debris.evolution.event_fragments import EventFragments
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stmgpu.debris.population.population import Population
    from stmgpu.debris.scenario import Scenario
    from stmgpu.debris.specs import EventSpec


def check_events(scenario: Scenario, population: Population, years: float, seed: int) -> None:
    """Check the scheduled events of a scenario against its population and years.

    Raises
    ------
    InputError
        A date outside the study, an object that is not in the population or that an earlier event destroyed, fragments
        that weigh more than what broke up, or a table of fragments that cannot be used; all faults at once.
    """
    faults = list(_faults(scenario, population, years, seed))
    if faults:
        raise InputError(f"scenario {scenario.name!r}: {'; '.join(faults)}")


def _faults(scenario: Scenario, population: Population, years: float, seed: int) -> Iterator[str]:
    """Yield a clause for each fault."""
    begin, end = population.epoch_year, population.epoch_year + years
    # of several rows of one object the first one breaks up
    known, first = np.unique(population.norad_id, return_index=True)
    mass = dict(zip(known.tolist(), population.mass_kg[first].tolist(), strict=True))
    mass.pop(0, None)
    destroyed: dict[int, int] = {}
    for number, event in sorted(enumerate(scenario.events, 1), key=lambda item: (item[1].year, item[0])):
        name = f"event {number}"
        if not begin <= event.year <= end:
            yield f"{name}: year {event.year:g} is outside the study, {begin:.2f} to {end:.2f}"
        absent = [norad for norad in event.ids if norad not in mass]
        for norad in absent:
            without = "" if mass else ", whose objects have no NORAD ids"
            yield f"{name}: object {norad} is not in the population ({population.source}{without})"
        for norad in event.ids:
            if norad in destroyed:
                yield f"{name}: object {norad} was broken up by event {destroyed[norad]} before"
        if not absent:
            masses = [mass[norad] for norad in event.ids]
            yield from _fragment_faults(name, event, scenario, seed, sum(masses) + (event.projectile_kg or 0.0))
            if _destroys(event, masses):
                destroyed |= dict.fromkeys(event.ids, number)


def _fragment_faults(name: str, event: EventSpec, scenario: Scenario, seed: int, mass_kg: float) -> Iterator[str]:
    """Yield what is wrong with the table of fragments of an event whose bodies have a mass."""
    if event.fragments is None:
        return
    try:
        fragments = EventFragments.read(event, scenario, seed)
    except InputError as error:
        yield f"{name}: {error}"
        return
    if fragments.mass_kg > mass_kg * (1.0 + 1e-9):
        yield (
            f"{name}: the fragments in {event.fragments} weigh {fragments.mass_kg:,.1f} kg, more than the "
            f"{mass_kg:,.1f} kg that break up; correct mass_kg or area_to_mass in the table"
        )


def _destroys(event: EventSpec, masses_kg: list[float]) -> bool:
    """Whether an event certainly destroys its objects; the speed of two on their own orbits is known only then."""
    if event.type == "explosion" or event.fragments is not None:
        return True
    if event.speed_km_s is None:
        return False
    second = masses_kg[-1] if event.projectile_kg is None else event.projectile_kg
    return bool(is_catastrophic(masses_kg[0], second, event.speed_km_s))
