"""The objects of a run as a population, with which another study can start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.debris.evolution.constellations import FIRST_CONSTELLATION
from stmgpu.debris.population.population import FIRST_OTHER_CONSTELLATION, Population
from stmgpu.propagate import orbit_table

if TYPE_CHECKING:
    from stmgpu.debris.evolution.members import Members
    from stmgpu.debris.scenario import Scenario
    from stmgpu.typing import Ints

_HOST = (
    "norad_id",
    "kind",
    "mass_kg",
    "radius_m",
    "area_to_mass",
    "length_m",
    "launch_year",
    "controlled",
    "weight",
    "avoidance",
)


def present_population(
    members: Members, run: int, *, year: float, scenario: Scenario, initial: Population
) -> Population:
    """Objects of a run at one time, sorted by uid, with all that their future depends on.

    Parameters
    ----------
    members : Members
        Objects of a batch.
    run : int
        Run in the batch.
    year : float
        Decimal year of their elements.
    scenario : Scenario
        Names the constellations that it built.
    initial : Population
        Names the others.

    Returns
    -------
    Population
        Numbers of breakups are negative: they happened before this epoch. ``filled`` is not kept.
    """
    m = members
    slots = m.slots()
    slots = slots[(m.run[slots] == run) & (m.weight[slots] > 0.0)]
    slots = slots[np.argsort(m.uid[slots])]
    orbit = m.orbits(slots)
    columns: dict[str, Any] = {name: getattr(m, name)[slots] for name in _HOST}
    number, names = _renumbered(m.constellation[slots], scenario, initial)
    return Population(
        epoch_year=year,
        **columns,
        a_km=orbit[orbit_table.A_KM],
        ecc=orbit[orbit_table.ECC],
        inc_rad=orbit[orbit_table.INC],
        raan_rad=orbit[orbit_table.RAAN],
        argp_rad=orbit[orbit_table.ARGP],
        mean_rad=orbit[orbit_table.MEAN],
        mission_end_year=m.mission_end[slots],
        constellation=number,
        owner=np.array(m.owners, np.str_)[m.owner[slots]],
        filled=np.zeros(len(slots), np.int8),
        ballistic_m2_kg=orbit[orbit_table.BALLISTIC],
        explodes_year=m.explodes[slots],
        cause=-np.abs(m.cause[slots]),
        born_year=m.born[slots],
        constellation_names=names,
        source=f"scenario {scenario.name} in {year:.2f}",
    )


def _renumbered(number: Ints, scenario: Scenario, initial: Population) -> tuple[Any, tuple[str, ...]]:
    """Numbers of constellations as a population has them, and the names that these stand for."""
    names = initial.constellation_names
    renumbered = np.array(number, np.int32)
    for index, spec in enumerate(scenario.launches.constellations):
        mine = number == FIRST_CONSTELLATION + index
        if initial.constellation_number(spec.name) < 0 and spec.name not in names:
            names = (*names, spec.name)
            renumbered[mine] = FIRST_OTHER_CONSTELLATION + len(names) - 1
    return renumbered, names
