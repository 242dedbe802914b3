"""Census of a population by altitude shell and class, size or inclination: numbers, masses and cross-sections.

The kernel (``kernels/census.cu``) sums integer multiples of small units, so that, unlike floating-point sums, the
result depends neither on the order of slots nor on threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.debris.evolution.census_reference import census_by_shares
from stmgpu.debris.population.population import CLASS_NAMES
from stmgpu.debris.shells import SHELL_EDGES_KM, SHELL_RADII_KM
from stmgpu.errors import CapacityError
from stmgpu.propagate import orbit_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from stmgpu.debris.evolution.members import Members
    from stmgpu.typing import Floats

UNITS = np.array([2.0**30, 2.0**24, 2.0**28])
"""Units per object, kilogram and square metre; each contribution of an object to a shell is rounded to a unit."""

LARGEST = 2.0**51
"""Largest number of units in a row."""

_MOST_GROUPS = 127  # of a column of int8

INCLINATION_BINS = 18
"""Number of equal bins of inclination from 0 to 180 degrees."""


@dataclass(frozen=True)
class Grouping:
    """Groups of objects that are counted apart.

    Attributes
    ----------
    of : ndarray of int8
        Group of each slot, shape (capacity,); what empty slots hold is not used.
    count : int
        Number of groups, at most 127.
    """

    of: NDArray[np.int8]
    count: int


def by_class(members: Members) -> Grouping:
    """Group objects by class."""
    return Grouping(members.kind, len(CLASS_NAMES))


def by_size(members: Members, edges_m: Sequence[float]) -> Grouping:
    """Group objects by characteristic length: below the first edge [m], between two edges, from the last one on."""
    return Grouping(np.searchsorted(edges_m, members.length_m, side="right").astype(np.int8), len(edges_m) + 1)


def by_inclination(members: Members) -> Grouping:
    """Group objects by inclination, in equal bins from 0 to 180 degrees."""
    group = np.zeros(len(members.kind), np.int8)
    place = members.orbits()[orbit_table.INC] * (INCLINATION_BINS / np.pi)
    group[: members.n] = np.clip(place, 0.0, INCLINATION_BINS - 1.0).astype(np.int8)
    return Grouping(group, INCLINATION_BINS)


def size_and_inclination(members: Members, runs: int, edges_m: Sequence[float]) -> tuple[Floats, Floats]:
    """Count objects by size and by inclination, with one launch where their pairs are few enough groups.

    Returns
    -------
    float64, shape (runs, sizes, shells + 1), and float64, shape (runs, inclinations, shells + 1)
        Numbers as of :func:`census`, the same bytes with one launch or two: sums of whole units are exact.
    """
    size, inclination = by_size(members, edges_m), by_inclination(members)
    if size.count * inclination.count > _MOST_GROUPS:
        return census(members, runs, size)[0], census(members, runs, inclination)[0]
    pairs = Grouping(size.of * np.int8(inclination.count) + inclination.of, size.count * inclination.count)
    number = census(members, runs, pairs)[0].reshape(runs, size.count, inclination.count, -1)
    return number.sum(axis=2), number.sum(axis=1)


def census(members: Members, runs: int, grouping: Grouping | None = None) -> Floats:
    """Number, mass [kg] and cross-section [m^2] of the objects of each group in each shell.

    Parameters
    ----------
    members : Members
        Objects of a batch.
    runs : int
        Number of runs in the batch.
    grouping : Grouping, optional
        Groups; default the classes.

    Returns
    -------
    float64, shape (3, runs, groups, shells + 1)
        Objects contribute by the share of their period that they spend in a shell; the last column is the total over
        all altitudes.

    Raises
    ------
    CapacityError
        The weight, mass or cross-section of a row is too large to be counted.
    """
    grouping = by_class(members) if grouping is None else grouping
    shells = len(SHELL_EDGES_KM) - 1
    state, backend = members.state, members.backend
    if state.n == 0:
        return np.zeros((3, runs, grouping.count, shells + 1))
    _check(members)
    if not backend.runs_kernels:
        return census_by_shares(members, runs, grouping.of, grouping.count)
    n = -(-state.n // orbit_table.PAD) * orbit_table.PAD
    sums = backend.zeros((runs, grouping.count, shells + 1, 3), np.int64)
    backend.launch(
        "census_shells",
        n,
        n,
        state.n,
        state.capacity,
        runs,
        grouping.count,
        shells,
        float(SHELL_RADII_KM[0]),
        float(SHELL_RADII_KM[1] - SHELL_RADII_KM[0]),
        *UNITS.tolist(),
        state.orbit,
        state.run,
        state.mode,
        backend.put(grouping.of[:n]),
        backend.put(members.mass_kg[:n]),
        sums,
    )
    return np.ascontiguousarray(np.moveaxis(backend.get(sums) / UNITS, -1, 0))


def _check(members: Members) -> None:
    used = slice(0, members.n)
    weight = members.weight[used]
    amounts = (weight, weight * members.mass_kg[used], weight * np.pi * members.radius_m[used] ** 2)
    for largest, units, unit in zip((a.max() for a in amounts), UNITS, ("objects", "kg", "m^2"), strict=True):
        if not largest * units < LARGEST:
            raise CapacityError(
                f"a row of the population stands for {largest:.3g} {unit}; at most "
                f"{LARGEST / units:.3g} can be counted: split it into several rows"
            )
