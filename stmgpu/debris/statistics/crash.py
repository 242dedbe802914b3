"""The CRASH clock of a population: days to a collision if nobody manoeuvres, with its parts.

Thiele, Heiland, Boley and Lawler (2025, arXiv:2512.09643) define it as the inverse of the rate of collisions without
manoeuvres, from densities by altitude, cross-sections by kind of object and relative speeds. They give 164 days for
2018 and 5.5 days for June 2025. Here the rate is that of mean field (:mod:`stmgpu.debris.collisions.mean_field`), which
has the speed of every pair of inclinations. Rates of a union of groups are those of the groups and of their pairs, so
that the parts follow from the rates of unions, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.constants import EARTH
from stmgpu.debris.collisions.mean_field import MeanField, mean_field
from stmgpu.debris.population.population import Kind
from stmgpu.debris.shells import WIDE_SHELL_RADII_KM
from stmgpu.errors import InputError
from stmgpu.time import YEAR_DAYS

if TYPE_CHECKING:
    from stmgpu.backend import Backend
    from stmgpu.debris.population.population import Population
    from stmgpu.typing import Bools, Floats

GROUPS = {"satellites": Kind.DERELICT, "rocket bodies": Kind.ROCKET_BODY, "debris": Kind.UNATTRIBUTED}
"""Kinds of objects, each with the last of its classes."""

OTHER_THICKNESSES_KM = (1.0, 5.0, 10.0)
"""Thicknesses of shells for which a clock is given besides its own [km]."""

PUBLISHED = {2018.0: 164.0, 2025.45: 5.5}
"""Days that Thiele et al. (2025) give, by decimal year."""


@dataclass(frozen=True)
class Radii:
    """Radii of the circles that collide [m]; pairs collide within the sum of theirs.

    Attributes
    ----------
    satellite_m : float
        Two satellites of 4.89 m have the cross-section of 300 m^2 of Thiele et al. (2025).
    stage_m, debris_m : float
        Rocket bodies, and all else: our assumptions, the stage of 3 m in radius and the smallest fragment that is
        catalogued reliably.
    """

    satellite_m: float = 4.89
    stage_m: float = 3.0
    debris_m: float = 0.13

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0.0 < value <= 1000.0:
                raise InputError(f"{name} = {value} is out of range; choose a radius above 0, up to 1000 m")

    def of(self, population: Population) -> Floats:
        """Radius of every object [m]."""
        radius: Floats = np.array([self.satellite_m, self.stage_m, self.debris_m])[_group(population)]
        return radius


@dataclass(frozen=True)
class CrashClock:
    """The CRASH clock of a population.

    Attributes
    ----------
    year : float
        Decimal year of the population.
    rate : float
        Collisions per year between 150 and 2,050 km without manoeuvres.
    objects : dict of str to int
        Objects by kind that pass below 2,050 km.
    parts : dict of tuple to float
        Collisions per year of each pair of kinds.
    edges_km : ndarray of float64
        Altitudes of the edges of the shells [shells + 1].
    by_shell : ndarray of float64
        Collisions per year in each shell [shells].
    by_thickness : dict of float to float
        Collisions per year with shells of other thicknesses [km]: the layers of constellations are 1 to 2 km thick in
        mean elements, and how far they are smeared decides about the rate.
    """

    year: float
    rate: float
    objects: dict[str, int]
    parts: dict[tuple[str, str], float]
    edges_km: Floats
    by_shell: Floats
    by_thickness: dict[float, float]

    @property
    def days(self) -> float:
        """Days to an expected collision."""
        return YEAR_DAYS / self.rate if self.rate > 0.0 else np.inf

    @property
    def probability_of_a_day(self) -> float:
        """Probability of a collision within 24 hours."""
        return float(-np.expm1(-self.rate / YEAR_DAYS))


def population_crash_clock(
    population: Population,
    radii: Radii | None = None,
    *,
    thickness_km: float = 1.0,
    backend: Backend | None = None,
) -> CrashClock:
    """Compute the CRASH clock of a population and its parts.

    Parameters
    ----------
    population : Population
        Objects; their orbits are taken with nodes, perigees and anomalies at random, and none avoids another.
    radii : Radii, optional
        Radii by kind of object; default those of the objects themselves.
    thickness_km : float
        Thickness of the shells in which objects are spread evenly; layers of constellations are a few km thick.
    backend : Backend, optional
        Runs the kernels; default NumPy.

    Returns
    -------
    CrashClock

    Raises
    ------
    InputError
        A thickness that is not between 0.1 and 50 km.

    Examples
    --------
    >>> from stmgpu.debris.population.synthetic import synthetic_population
    >>> clock = population_crash_clock(synthetic_population(500, 1, constellations=False), Radii(), thickness_km=10.0)
    >>> clock.days > 1000.0, abs(sum(clock.parts.values()) / clock.rate - 1.0) < 1e-9
    (True, True)
    """
    if not 0.1 <= thickness_km <= 50.0:
        raise InputError(f"thickness_km = {thickness_km} is out of range; choose 0.1 to 50")
    radius = population.radius_m if radii is None else radii.of(population)
    group = _group(population)

    def rates(chosen: Bools, thickness: float = thickness_km) -> MeanField:
        p = population[chosen]
        return mean_field(
            p.a_km,
            p.ecc,
            p.inc_rad,
            radius[chosen],
            p.mass_kg,
            weight=p.weight,
            edges_km=WIDE_SHELL_RADII_KM,
            thickness_km=thickness,
            backend=backend,
        )

    names = list(GROUPS)
    all_of_them = np.ones(len(population), np.bool_)
    everything = rates(all_of_them)
    alone = [rates(group == k).total for k in range(len(names))]
    parts = {(name, name): alone[k] for k, name in enumerate(names)}
    for k, first in enumerate(names):
        for j, second in enumerate(names[k + 1 :], k + 1):
            together = rates((group == k) | (group == j)).total
            parts[first, second] = max(together - alone[k] - alone[j], 0.0)
    low = population.a_km * (1.0 - population.ecc) < WIDE_SHELL_RADII_KM[-1]
    return CrashClock(
        year=population.epoch_year,
        rate=everything.total,
        objects={name: int(np.sum(population.weight[(group == k) & low])) for k, name in enumerate(names)},
        parts=parts,
        edges_km=everything.edges_km - EARTH.radius_km,
        by_shell=everything.shell_catastrophic + everything.shell_cratering,
        by_thickness={thickness: rates(all_of_them, thickness).total for thickness in OTHER_THICKNESSES_KM},
    )


def _group(population: Population) -> Any:
    """Number of the kind of every object."""
    return np.searchsorted([int(last) for last in GROUPS.values()], population.kind)
