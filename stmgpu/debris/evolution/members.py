"""The objects of a batch of runs: orbits in the memory of the backend, all other columns on the host.

A slot is an index into all columns. It is in one of three states:

present
    it holds an object;
decayed
    its object fell below the decay altitude in the last step, and is still present until it is dropped;
absent
    it is empty, until :meth:`Members.compact` closes the gap.

An object is identified by its ``uid``, which is unique within its run and keys all of its random numbers. So neither
the order of slots nor the other runs of the batch affect an object.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.debris.population.population import Kind, Population
from stmgpu.propagate import orbit_table
from stmgpu.propagate.orbit_table import SecularState

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from stmgpu.backend import Backend
    from stmgpu.typing import Bools, Floats, Ints

_COLUMNS: dict[str, DTypeLike] = {
    "uid": np.int64,
    "run": np.int32,
    "kind": np.int8,
    "weight": np.float64,
    "mass_kg": np.float64,
    "radius_m": np.float64,
    "area_to_mass": np.float64,
    "length_m": np.float64,
    "norad_id": np.int64,
    "launch_year": np.float64,
    "mission_end": np.float64,
    "explodes": np.float64,
    "born": np.float64,
    "controlled": np.int8,
    "constellation": np.int32,
    "owner": np.int32,
    "cause": np.int64,
    "avoidance": np.float64,
    "present": np.bool_,
}
NEVER = np.inf


@dataclass(frozen=True)
class Coefficients:
    """Coefficients of drag C_d and of radiation pressure C_r, which multiply area-to-mass ratios."""

    drag: float
    reflectivity: float


class Members:
    """Columns of all objects of a batch.

    Parameters
    ----------
    backend : Backend
        Holds the orbits.
    capacity : int
        Initial number of slots.
    coefficients : Coefficients
        Drag and reflectivity.

    Attributes
    ----------
    state : SecularState
        Orbits, and the other columns that kernels read.
    n : int
        Number of slots in use.
    uid, run, kind, weight, mass_kg, ... : ndarray, shape (capacity,)
        Host columns. ``present`` is False in empty slots. ``owner`` indexes ``owners``; ``cause`` is the event that
        made a fragment, 0 for none; ``explodes`` and ``mission_end`` are decimal years, infinity for never;
        ``avoidance`` multiplies the probability of collisions with intact objects.
    """

    uid: Ints
    run: NDArray[np.int32]
    kind: NDArray[np.int8]
    weight: Floats
    mass_kg: Floats
    radius_m: Floats
    area_to_mass: Floats
    length_m: Floats
    norad_id: Ints
    launch_year: Floats
    mission_end: Floats
    explodes: Floats
    born: Floats
    controlled: NDArray[np.int8]
    constellation: NDArray[np.int32]
    owner: NDArray[np.int32]
    cause: Ints
    avoidance: Floats
    present: Bools

    def __init__(self, backend: Backend, capacity: int, coefficients: Coefficients) -> None:
        self.backend, self.coefficients = backend, coefficients
        self.state = SecularState(backend, capacity)
        self._owner_numbers: dict[str, int] = {"": 0}
        for name, dtype in _COLUMNS.items():
            setattr(self, name, np.zeros(self.state.capacity, dtype))

    @property
    def n(self) -> int:
        """Slots in use."""
        return self.state.n

    @property
    def owners(self) -> list[str]:
        """Names of owners by their number."""
        return list(self._owner_numbers)

    def slots(self) -> Ints:
        """Return the slots that hold an object, in order."""
        return np.flatnonzero(self.present[: self.n])

    def add(
        self, run: int, uid: Ints, population: Population, *, cause: Ints | None = None, born: float | None = None
    ) -> Ints:
        """Add objects to a run.

        Parameters
        ----------
        run : int
            Run in the batch.
        uid : int64, shape (n,)
            Uids, new in this run.
        population : Population
            The n objects.
        cause : int64, optional
            Event that made each of them, 0 for none; default as the population has it.
        born : float, optional
            Decimal year from which they exist; default as the population has it, or its epoch.

        Returns
        -------
        int64, shape (n,)
            Their slots. ``explodes`` is never where the population has no date; the caller schedules explosions.
        """
        count = len(population)
        slots = np.arange(self.n, self.n + count)
        if self.n + count > self.state.capacity:
            self._grow(self.n + count)
        added = slice(self.n, self.n + count)
        for name in (
            "kind",
            "weight",
            "mass_kg",
            "radius_m",
            "area_to_mass",
            "length_m",
            "norad_id",
            "launch_year",
            "controlled",
            "constellation",
        ):
            getattr(self, name)[added] = getattr(population, name)
        self.uid[added], self.run[added] = uid, run
        self.cause[added] = population.cause if cause is None else cause
        self.mission_end[added], self.avoidance[added] = population.mission_end_year, population.avoidance
        self.explodes[added] = np.where(np.isnan(population.explodes_year), NEVER, population.explodes_year)
        known = np.isfinite(population.born_year)
        self.born[added] = np.where(known, population.born_year, population.epoch_year) if born is None else born
        numbers = self._owner_numbers
        self.owner[added] = [numbers.setdefault(name, len(numbers)) for name in population.owner.tolist()]
        self.present[added] = True
        orbit = np.empty((orbit_table.ROWS, count))
        for row, name in (
            (orbit_table.A_KM, "a_km"),
            (orbit_table.ECC, "ecc"),
            (orbit_table.INC, "inc_rad"),
            (orbit_table.RAAN, "raan_rad"),
            (orbit_table.ARGP, "argp_rad"),
            (orbit_table.MEAN, "mean_rad"),
        ):
            orbit[row] = getattr(population, name)
        orbit[orbit_table.BALLISTIC] = population.drag_m2_kg(self.coefficients.drag)
        orbit[orbit_table.SRP] = self.coefficients.reflectivity * population.area_to_mass
        orbit[orbit_table.RADIUS] = population.radius_m * 1e-3
        orbit[orbit_table.WEIGHT] = population.weight
        state, put = self.state, self.backend.put
        state.orbit[:, added] = put(orbit)
        state.uid[added], state.run[added] = put(uid, np.int64), put(self.run[added])
        kept = (population.kind == Kind.ACTIVE) & (population.controlled != 0)
        state.mode[added] = put(np.where(kept, orbit_table.KEPT, orbit_table.FREE), np.int8)
        state.gone[added] = 0
        state.n = self.n + count
        return slots

    def split(self, slot: int, uid: int) -> int:
        """Return the slot of a single object.

        That is the given slot, or, if its row stands for several objects, a new slot for one of them with this uid.
        """
        if self.weight[slot] <= 1.0:
            return slot
        new = self.n
        if new == self.state.capacity:
            self._grow(new + 1)
        for name in _COLUMNS:
            column = getattr(self, name)
            column[new] = column[slot]
        state = self.state
        state.orbit[:, new] = state.orbit[:, slot]
        for array in (state.run, state.mode, state.gone):
            array[new] = array[slot]
        self.uid[new] = state.uid[new] = uid
        state.n = new + 1
        single, rest = np.array([new]), np.array([slot])
        self.set_weight(single, np.ones(1))
        self.set_weight(rest, self.weight[rest] - 1.0)
        return new

    def drop(self, slots: Ints) -> None:
        """Empty slots."""
        self.present[slots] = False
        self.explodes[slots] = self.mission_end[slots] = NEVER
        self.set_mode(slots, orbit_table.ABSENT)

    def set_mode(self, slots: Ints, mode: int) -> None:
        """Set how objects move from now on (see :mod:`stmgpu.propagate.secular`)."""
        if len(slots):
            self.state.mode[self.backend.put(slots)] = mode

    def set_orbit(self, row: int, slots: Ints, values: Floats) -> None:
        """Set one row of the orbit table for objects."""
        if len(slots):
            self.state.orbit[row, self.backend.put(slots)] = self.backend.put(values)

    def set_weight(self, slots: Ints, values: Floats) -> None:
        """Set how many objects rows stand for."""
        self.weight[slots] = values
        self.set_orbit(orbit_table.WEIGHT, slots, values)

    def orbits(self, slots: Ints | None = None) -> Floats:
        """Return the orbits of all slots in use, or of some of them, on the host, shape (ROWS, n)."""
        if slots is None:
            orbits: Floats = self.backend.get(self.state.orbit[:, : self.n])
        else:
            orbits = self.backend.get(self.state.orbit[:, self.backend.put(slots)])
        return orbits

    def decayed(self) -> Ints:
        """Return the slots of objects that fell below the decay altitude in the last step."""
        flags = self.backend.get(self.state.gone[: self.n])
        slots: Ints = np.flatnonzero(flags.view(np.bool_))  # 0 or 1: the search is fastest on booleans
        return slots[self.present[slots]]

    def compact(self, order: Ints) -> None:
        """Move these slots, in this order, to the front, and drop all others."""
        for name in _COLUMNS:
            column = getattr(self, name)
            column[: len(order)] = column.take(order)
            column[len(order) : self.n] = 0
        state, source = self.state, self.backend.put(order)
        state.orbit[:, : len(order)] = state.orbit.take(source, axis=1)
        for array in (state.uid, state.run, state.mode):
            array[: len(order)] = array[source]
        state.mode[len(order) : self.n] = orbit_table.ABSENT
        state.gone[: self.n] = 0
        state.n = len(order)

    def _grow(self, needed: int) -> None:
        self.state.grow(needed)
        for name in _COLUMNS:
            column = getattr(self, name)
            larger = np.zeros(self.state.capacity, column.dtype)
            larger[: len(column)] = column
            setattr(self, name, larger)
