"""The population of a long-term study: one row for each object, as NumPy columns.

Angles rad, distances km, masses kg, sizes m, area-to-mass ratios m^2/kg, dates in decimal years (UTC, Julian years of
365.25 days from 2000-01-01T12:00).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.catalog.trajectories.segments import SYNTHETIC_ID
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from stmgpu.typing import Bools, Floats, Ints, Strings


class Kind(IntEnum):
    """Object classes, in the order of the dimension ``class`` of every result."""

    ACTIVE = 0
    DERELICT = 1
    ROCKET_BODY = 2
    MISSION_RELATED = 3
    EXPLOSION_FRAGMENT = 4
    COLLISION_FRAGMENT = 5
    UNATTRIBUTED = 6


CLASS_NAMES = (
    "active payload",
    "derelict payload",
    "rocket body",
    "mission-related object",
    "explosion fragment",
    "collision fragment",
    "unattributed debris",
)
"""Names of the classes; 'unattributed' are catalogued fragments of unknown cause, and unknown objects."""

CONSTELLATION_NAMES = ("Starlink", "OneWeb", "Kuiper", "Qianfan", "Guowang")
"""Large constellations; the column ``constellation`` of a population holds the index."""

FIRST_OTHER_CONSTELLATION = 100
"""Number of the first constellation with another name in a population; its names follow this order."""

FILLED_MASS, FILLED_RADIUS, FILLED_AREA, FILLED_DATE = 1, 2, 4, 8
"""Bits of ``filled``: values that the source does not state and that were filled in by class."""


@dataclass(frozen=True)
class Population:
    """Objects at one epoch; every column has the same length n.

    Attributes
    ----------
    epoch_year : float
        Decimal year (UTC) of the elements.
    norad_id : ndarray of int64
        int64, 0 where there is none.
    kind : ndarray of int8
        int8, a :class:`Kind`.
    a_km, ecc, inc_rad, raan_rad, argp_rad, mean_rad : ndarray of float64
        Mean Keplerian elements; the axis is Brouwer's (:mod:`stmgpu.debris.population.mean_axis`).
    mass_kg, radius_m : ndarray of float64
        Mass, and radius of the circle that collides (sum of two of them: combined hard-body radius).
    area_to_mass : ndarray of float64
        cross-section for drag and radiation pressure over mass [m^2/kg].
    length_m : ndarray of float64
        Characteristic length L_c of the breakup model [m].
    launch_year, mission_end_year : ndarray of float64
        Decimal years; infinity where no mission ends.
    controlled : ndarray of int8
        int8, 1 for objects that avoid others: active ones, which keep their orbit too.
    constellation : ndarray of int32
        int32, -1 for none.
    owner : ndarray of str
        Text, '' where unknown.
    weight : ndarray of float64
        Number of objects that a row represents, 1 except for expected fragments.
    filled : ndarray of int8
        int8, bits FILLED_*.
    ballistic_m2_kg : ndarray of float64
        C_d A/m with which the object decays, as it is; NaN: that of the scenario, with its spread.
    explodes_year : ndarray of float64
        Decimal year of an explosion that is due, infinity for never; NaN: drawn from the rates of the scenario.
    avoidance : ndarray of float64
        Factor on the probability of collisions with intact objects, from 0 to 1.
    cause : ndarray of int64
        Number of the breakup that made a fragment, negative: it happened before the epoch; 0 where not known.
    born_year : ndarray of float64
        Decimal year from which the object exists; NaN: the epoch.
    constellation_names : tuple of str
        Names of the constellations numbered from FIRST_OTHER_CONSTELLATION on.
    source, notes : str or tuple
        Name of the source, and a line for everything that was filled in or left out.
    """

    epoch_year: float
    norad_id: Ints
    kind: NDArray[np.int8]
    a_km: Floats
    ecc: Floats
    inc_rad: Floats
    raan_rad: Floats
    argp_rad: Floats
    mean_rad: Floats
    mass_kg: Floats
    radius_m: Floats
    area_to_mass: Floats
    length_m: Floats
    launch_year: Floats
    mission_end_year: Floats
    controlled: NDArray[np.int8]
    constellation: NDArray[np.int32]
    owner: Strings
    weight: Floats
    filled: NDArray[np.int8]
    ballistic_m2_kg: Floats = field(default_factory=lambda: np.zeros(0))
    explodes_year: Floats = field(default_factory=lambda: np.zeros(0))
    avoidance: Floats = field(default_factory=lambda: np.zeros(0))
    cause: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    born_year: Floats = field(default_factory=lambda: np.zeros(0))
    constellation_names: tuple[str, ...] = ()
    source: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.norad_id)
        for name, values in history(n).items():
            if not len(getattr(self, name)):
                object.__setattr__(self, name, values)
        for name in columns():
            column = getattr(self, name)
            if column.shape != (n,):
                raise InputError(f"population: column {name} has shape {column.shape}, expected ({n},)")
        for name in ("a_km", "mass_kg", "radius_m", "area_to_mass", "length_m", "weight"):
            column = getattr(self, name)
            bad = ~(np.isfinite(column) & (column > 0.0))
            if bad.any():
                k = int(np.flatnonzero(bad)[0])
                raise InputError(
                    f"population: {name} of row {k} (NORAD id {self.norad_id[k]}) is {column[k]}; it must "
                    "be positive: fill it in by class (`population.filling`) or leave the object out"
                )
        bad = ~((self.ecc >= 0.0) & (self.ecc < 1.0))
        if bad.any():
            k = int(np.flatnonzero(bad)[0])
            raise InputError(f"population: eccentricity of row {k} is {self.ecc[k]}; 0 <= e < 1 is allowed")

    def __len__(self) -> int:
        return len(self.norad_id)

    def __getitem__(self, which: slice | Ints | Bools) -> Population:
        """Rows by mask, slice or indices."""
        taken: dict[str, Any] = {name: getattr(self, name)[which] for name in columns()}
        return dataclasses.replace(self, **taken)

    def ids(self) -> Ints:
        """NORAD ids [n]; objects without one are numbered from 900,000,001 by their row."""
        return np.where(self.norad_id > 0, self.norad_id, SYNTHETIC_ID + np.arange(len(self)))

    def drag_m2_kg(self, drag_coefficient: float) -> Floats:
        """Ballistic coefficient C_d A/m of every object [m^2/kg]: as stated, or from its area over mass."""
        stated = np.isfinite(self.ballistic_m2_kg)
        return np.where(stated, self.ballistic_m2_kg, drag_coefficient * self.area_to_mass)

    def constellation_name(self, number: int) -> str:
        """Name of a constellation by its number, '' where it has none.

        Examples
        --------
        >>> from stmgpu.debris.population.synthetic import synthetic_population
        >>> synthetic_population(10, 0).constellation_name(1)
        'OneWeb'
        """
        if 0 <= number < len(CONSTELLATION_NAMES):
            return CONSTELLATION_NAMES[number]
        other = number - FIRST_OTHER_CONSTELLATION
        return self.constellation_names[other] if 0 <= other < len(self.constellation_names) else ""

    def constellation_number(self, name: str) -> int:
        """Number of a constellation by its name, -1 where the population has none of that name.

        Examples
        --------
        >>> from stmgpu.debris.population.synthetic import synthetic_population
        >>> synthetic_population(10, 0).constellation_number("starlink")
        0
        """
        known = [known.lower() for known in CONSTELLATION_NAMES]
        if name.lower() in known:
            return known.index(name.lower())
        if name in self.constellation_names:
            return FIRST_OTHER_CONSTELLATION + self.constellation_names.index(name)
        return -1

    @staticmethod
    def concatenate(parts: Iterable[Population]) -> Population:
        """Concatenate populations; the epoch is that of the first."""
        parts = list(parts)
        joined: dict[str, Any] = {name: np.concatenate([getattr(p, name) for p in parts]) for name in columns()}
        notes = tuple(note for part in parts for note in part.notes)
        return dataclasses.replace(parts[0], **joined, notes=notes)


def divided(population: Population, most: int) -> Population:
    """Divide rows that represent several intact objects into a row for each, and one for a remaining part.

    Each object then ends its mission, explodes or is removed independently.

    Raises
    ------
    InputError
        the population would have more than ``most`` rows.
    """
    parts = np.where(population.kind <= Kind.MISSION_RELATED, np.ceil(population.weight - 1e-9), 1.0)
    if (parts == 1.0).all():
        return population
    if not parts.sum() <= most:
        raise InputError(
            f"{population.source}: the weights of intact objects make {parts.sum():.3g} rows; at most "
            f"{most} are allowed (max_objects)"
        )
    row = np.repeat(np.arange(len(population)), parts.astype(np.int64))
    part = np.arange(len(row)) - np.searchsorted(row, row)
    weight = population.weight[row] - part
    alone = parts[row] == 1.0
    return dataclasses.replace(population[row], weight=np.where(alone, population.weight[row], np.minimum(weight, 1.0)))


def history(n: int) -> dict[str, Any]:
    """Columns of n objects of which nothing is known but their present state, by name."""
    return {
        "ballistic_m2_kg": np.full(n, np.nan), "explodes_year": np.full(n, np.nan), "avoidance": np.ones(n),
        "cause": np.zeros(n, np.int64), "born_year": np.full(n, np.nan),
    }  # fmt: skip


def columns() -> list[str]:
    """Names of the columns of a :class:`Population`."""
    return [
        f.name for f in fields(Population) if f.name not in ("epoch_year", "constellation_names", "source", "notes")
    ]
