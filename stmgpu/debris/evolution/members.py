"""The objects of a batch of runs while they evolve: orbits in the backend's memory, everything else on the host.

A slot is an index into all columns. Slots of objects that are gone stay empty until :meth:`Members.compact`; an object
is known by its ``uid``, which is never used again in its run and on which all its random numbers hang. So neither the
order of slots nor what else is in the batch changes what happens to an object.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stmgpu.backend import Backend
from stmgpu.debris.population.population import Kind, Population
from stmgpu.propagate import secular
from stmgpu.propagate.secular import SecularState

_COLUMNS: dict[str, Any] = {
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
    """C_d and C_r, which turn area-to-mass ratios into what moves an orbit."""

    drag: float
    reflectivity: float


class Members:
    """Columns of all objects of a batch.

    Parameters
    ----------
    backend
        where the orbits are.
    capacity
        slots to begin with.
    coefficients
        drag and reflectivity.

    Attributes
    ----------
    state
        orbits and what the kernels need beside them.
    n
        slots in use.
    uid, run, kind, weight, mass_kg, ...
        host columns [capacity]; ``present`` is False in empty slots. ``owner`` counts in ``owners``; ``cause`` is the
        event that made a fragment, 0 for none; ``explodes`` and ``mission_end`` are decimal years, infinity for never;
        ``avoidance`` multiplies the probability of collisions with intact objects.
    """

    uid: NDArray[np.int64]
    run: NDArray[np.int32]
    kind: NDArray[np.int8]
    weight: NDArray[np.float64]
    mass_kg: NDArray[np.float64]
    radius_m: NDArray[np.float64]
    area_to_mass: NDArray[np.float64]
    length_m: NDArray[np.float64]
    norad_id: NDArray[np.int64]
    launch_year: NDArray[np.float64]
    mission_end: NDArray[np.float64]
    explodes: NDArray[np.float64]
    born: NDArray[np.float64]
    controlled: NDArray[np.int8]
    constellation: NDArray[np.int32]
    owner: NDArray[np.int32]
    cause: NDArray[np.int64]
    avoidance: NDArray[np.float64]
    present: NDArray[np.bool_]

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

    def slots(self) -> NDArray[np.int64]:
        """Slots that hold an object, in order."""
        return np.flatnonzero(self.present[: self.n])

    def add(
        self, run: int, uid: NDArray[np.int64], population: Population, *, cause: Any = 0, born: float | None = None
    ) -> NDArray[np.int64]:
        """Put objects into new slots and return these; ``mission_end`` and ``explodes`` are left for the caller."""
        count = len(population)
        slots = np.arange(self.n, self.n + count)
        if self.n + count > self.state.capacity:
            self._grow(self.n + count)
        here = slice(self.n, self.n + count)
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
            getattr(self, name)[here] = getattr(population, name)
        self.uid[here], self.run[here], self.cause[here] = uid, run, cause
        self.mission_end[here], self.explodes[here], self.avoidance[here] = population.mission_end_year, NEVER, 1.0
        self.born[here] = population.epoch_year if born is None else born
        numbers = self._owner_numbers
        self.owner[here] = [numbers.setdefault(name, len(numbers)) for name in population.owner.tolist()]
        self.present[here] = True
        orbit = np.empty((secular.ROWS, count))
        for row, name in (
            (secular.A_KM, "a_km"),
            (secular.ECC, "ecc"),
            (secular.INC, "inc_rad"),
            (secular.RAAN, "raan_rad"),
            (secular.ARGP, "argp_rad"),
            (secular.MEAN, "mean_rad"),
        ):
            orbit[row] = getattr(population, name)
        orbit[secular.BALLISTIC] = self.coefficients.drag * population.area_to_mass
        orbit[secular.SRP] = self.coefficients.reflectivity * population.area_to_mass
        orbit[secular.RADIUS] = population.radius_m * 1e-3
        orbit[secular.WEIGHT] = population.weight
        state, put = self.state, self.backend.put
        state.orbit[:, here] = put(orbit)
        state.uid[here], state.run[here] = put(uid, np.int64), put(self.run[here])
        kept = (population.kind == Kind.ACTIVE) & (population.controlled != 0)
        state.mode[here] = put(np.where(kept, secular.KEPT, secular.FREE), np.int8)
        state.gone[here] = 0
        state.n = self.n + count
        return slots

    def split(self, slot: int, uid: int) -> int:
        """The slot of a single object: this one, or a new one, of this name, for one that is taken out of a row that
        stands for several."""
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
        one, rest = np.array([new]), np.array([slot])
        self.set_weight(one, np.ones(1))
        self.set_weight(rest, self.weight[rest] - 1.0)
        return new

    def drop(self, slots: NDArray[np.int64]) -> None:
        """Empty slots."""
        self.present[slots] = False
        self.explodes[slots] = self.mission_end[slots] = NEVER
        self.set_mode(slots, secular.ABSENT)

    def set_mode(self, slots: NDArray[np.int64], mode: int) -> None:
        """How these objects move from now on."""
        if len(slots):
            self.state.mode[self.backend.put(slots)] = mode

    def set_orbit(self, row: int, slots: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Change one element of these objects."""
        if len(slots):
            self.state.orbit[row, self.backend.put(slots)] = self.backend.put(values)

    def set_weight(self, slots: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Change how many objects these rows stand for."""
        self.weight[slots] = values
        self.set_orbit(secular.WEIGHT, slots, values)

    def orbits(self, slots: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """Orbits [ROWS, n] of all slots in use, or of some of them, on the host."""
        if slots is None:
            return self.backend.get(self.state.orbit[:, : self.n])
        return self.backend.get(self.state.orbit[:, self.backend.put(slots)])

    def gone(self) -> NDArray[np.int64]:
        """Slots whose objects fell below the decay altitude in the last step."""
        gone = self.backend.get(self.state.gone[: self.n])
        found: NDArray[np.int64] = np.flatnonzero(gone.view(np.bool_))  # 0 or 1; NumPy finds these fastest
        return found[self.present[found]]

    def compact(self, order: NDArray[np.int64]) -> None:
        """Keep these slots, in this order, as the first ones."""
        for name in _COLUMNS:
            column = getattr(self, name)
            column[: len(order)] = column[order]
            column[len(order) : self.n] = 0
        state, taken = self.state, self.backend.put(order)
        state.orbit[:, : len(order)] = state.orbit[:, taken]
        for array in (state.uid, state.run, state.mode):
            array[: len(order)] = array[taken]
        state.mode[len(order) : self.n] = secular.ABSENT
        state.gone[: self.n] = 0
        state.n = len(order)

    def _grow(self, needed: int) -> None:
        self.state.grow(needed)
        for name in _COLUMNS:
            column = getattr(self, name)
            larger = np.zeros(self.state.capacity, column.dtype)
            larger[: len(column)] = column
            setattr(self, name, larger)
