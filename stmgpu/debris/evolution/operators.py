"""What encounters mean for the operators of satellites: losses, manoeuvres, and both by constellation.

Manoeuvres. An encounter of Cube stands for the rate v pi (R_1 + R_2)^2 / V of collisions; passages within a distance D
follow from the same density and speed, D^2 / (R_1 + R_2)^2 times as often. Operators avoid the share of them that they
avoid of collisions. So the expected manoeuvres are the avoided collisions times D^2 / (R_1 + R_2)^2. D is
``output.manoeuvre_km``, by default 1 km, the distance of the close approaches that Thiele et al. (2025,
arXiv:2512.09643) count. Operators decide by collision probability, so their box depends on the accuracy of their
orbits; for Starlink 37 to 44 manoeuvres a satellite and year are quoted from its operator's reports of 2025. Pairs
that are both steered and of one constellation hold their places: they are left out, since anomalies are random here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.debris.evolution.census import UNITS
from stmgpu.debris.evolution.constellations import FIRST_CONSTELLATION
from stmgpu.debris.population.population import CONSTELLATION_NAMES, FIRST_OTHER_CONSTELLATION, Kind
from stmgpu.debris.shells import shell_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stmgpu.debris.collisions.encounters import Encounters
    from stmgpu.debris.evolution.ledger import Ledger
    from stmgpu.debris.evolution.members import Members
    from stmgpu.debris.population.population import Population
    from stmgpu.debris.scenario import Scenario
    from stmgpu.typing import Floats, Ints


class Fleets:
    """The constellations of a run: those of the initial population, then those that the scenario adds.

    Parameters
    ----------
    names : tuple of str
        Names in the order of the result.
    numbers : tuple of int
        Numbers in the column ``constellation`` of objects, one for each name.
    """

    def __init__(self, names: tuple[str, ...], numbers: tuple[int, ...]) -> None:
        self.names, self.numbers = names, np.array(numbers, np.int64)
        self._order = np.argsort(self.numbers)

    @staticmethod
    def of(scenario: Scenario, population: Population) -> Fleets:
        """Constellations of a scenario that starts with a population."""
        numbers = [int(k) for k in np.unique(population.constellation) if k >= 0]
        names = [population.constellation_name(k) or f"constellation {k}" for k in numbers]
        for index, spec in enumerate(scenario.launches.constellations):
            known = population.constellation_number(spec.name)
            number = known if known >= 0 else FIRST_CONSTELLATION + index
            if number not in numbers:
                numbers.append(number)
                name = CONSTELLATION_NAMES[known] if 0 <= known < FIRST_OTHER_CONSTELLATION else spec.name
                names.append(name if name not in names else f"{name} ({index + 1})")
        return Fleets(tuple(names), tuple(numbers))

    def __len__(self) -> int:
        return len(self.names)

    def index(self, numbers: NDArray[np.integer]) -> Ints:
        """Place in ``names`` of each number, -1 for objects of no constellation."""
        if not len(self):
            return np.full(np.shape(numbers), -1)
        ordered = self.numbers[self._order]
        place = np.minimum(np.searchsorted(ordered, numbers), len(ordered) - 1)
        return np.where(ordered[place] == numbers, self._order[place], -1)


def count_encounters(
    ledger: Ledger,
    members: Members,
    encounters: Encounters,
    *,
    probability: Floats,
    steered: Floats,
    altitude_km: Floats,
) -> None:
    """Add the expected losses of active satellites and the expected manoeuvres of a step to the ledger.

    Parameters
    ----------
    ledger : Ledger
        Its output says what a manoeuvre avoids.
    members : Members
        Objects before the collisions of the step.
    encounters : Encounters
        The m encounters of a step.
    probability : ndarray of float64
        Expected collisions of each, shape (m,).
    steered : ndarray of float64
        Expected collisions that operators avoid, shape (m,).
    altitude_km : ndarray of float64
        Altitude of each, shape (m,).
    """
    m, run = members, encounters.run
    pair = np.stack([encounters.first, encounters.second])
    active, steers, fleet = m.kind[pair] == Kind.ACTIVE, m.controlled[pair] != 0, m.constellation[pair]
    apart = ~(steers[0] & steers[1] & (fleet[0] == fleet[1]) & (fleet[0] >= 0))
    widths_m = m.radius_m[pair].sum(axis=0)
    manoeuvres = steered * apart * (1e3 * ledger.output.manoeuvre_km / widths_m) ** 2
    ledger.add_by_shell(
        run, altitude_km, {"expected_active_losses": probability * active.sum(axis=0), "manoeuvres": manoeuvres}
    )
    if not len(ledger.fleets):
        return
    index = ledger.fleets.index(fleet)
    inside = (index >= 0) & (shell_of(altitude_km) >= 0)
    # of two that steer, each moves in half of their encounters
    share = steers / np.maximum(steers.sum(axis=0), 1)
    for side in (0, 1):
        rows = np.flatnonzero(inside[side])
        place = run[rows], index[side][rows]
        np.add.at(ledger.flows["constellation_manoeuvres"], place, (manoeuvres * share[side])[rows])
        np.add.at(ledger.flows["constellation_losses"], place, (probability * active[side])[rows])


def count_fleets(members: Members, runs: int, fleets: Fleets) -> dict[str, Floats]:
    """Count the objects that steer, and the active and derelict satellites of each constellation.

    Returns
    -------
    dict of str to ndarray
        ``population_steered``, shape (runs,), and, where there are constellations, ``constellation_active`` and
        ``constellation_derelict``, shape (runs, constellations). Sums are whole numbers of small units, so that the
        order of slots does not matter.
    """
    m, slots = members, members.slots()
    units = np.rint(m.weight[slots] * UNITS[0]).astype(np.int64)
    run, kind = m.run[slots], m.kind[slots]

    def counted(chosen: NDArray[np.bool_], shape: tuple[int, ...], *place: Ints) -> Floats:
        sums = np.zeros(shape, np.int64)
        places: list[NDArray[np.integer]] = [run, *place]
        np.add.at(sums, tuple(part[chosen] for part in places), units[chosen])
        return np.asarray(sums / UNITS[0], np.float64)

    counts = {"population_steered": counted(m.controlled[slots] != 0, (runs,))}
    if len(fleets):
        index = fleets.index(m.constellation[slots])
        for name, wanted in (("constellation_active", Kind.ACTIVE), ("constellation_derelict", Kind.DERELICT)):
            counts[name] = counted((index >= 0) & (kind == wanted), (runs, len(fleets)), index)
    return counts
