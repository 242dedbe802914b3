"""Census of a population by altitude shell and class: numbers, masses and cross-sections.

The kernel (``kernels/census.cu``) sums integer multiples of small units, so that, unlike floating-point sums, the
result depends neither on the order of slots nor on threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.debris.evolution.census_reference import census_by_shares
from stmgpu.debris.population.population import CLASS_NAMES
from stmgpu.debris.shells import SHELL_EDGES_KM, SHELL_RADII_KM
from stmgpu.errors import CapacityError
from stmgpu.propagate import orbit_table

if TYPE_CHECKING:
    from stmgpu.debris.evolution.members import Members
    from stmgpu.typing import Floats

UNITS = np.array([2.0**30, 2.0**24, 2.0**28])
"""Units per object, kilogram and square metre; each contribution of an object to a shell is rounded to a unit."""

LARGEST = 2.0**51
"""Largest number of units in a row."""


def census(members: Members, runs: int) -> Floats:
    """Number, mass [kg] and cross-section [m^2] of the objects of each class in each shell.

    Parameters
    ----------
    members : Members
        Objects of a batch.
    runs : int
        Number of runs in the batch.

    Returns
    -------
    float64, shape (3, runs, classes, shells + 1)
        Objects contribute by the share of their period that they spend in a shell; the last column is the total over
        all altitudes.

    Raises
    ------
    CapacityError
        The weight, mass or cross-section of a row is too large to be counted.
    """
    classes, shells = len(CLASS_NAMES), len(SHELL_EDGES_KM) - 1
    state, backend = members.state, members.backend
    if state.n == 0:
        return np.zeros((3, runs, classes, shells + 1))
    _check(members)
    if not backend.runs_kernels:
        return census_by_shares(members, runs)
    n = -(-state.n // orbit_table.PAD) * orbit_table.PAD
    sums = backend.zeros((runs, classes, shells + 1, 3), np.int64)
    backend.launch(
        "census_shells",
        n,
        n,
        state.n,
        state.capacity,
        runs,
        classes,
        shells,
        float(SHELL_RADII_KM[0]),
        float(SHELL_RADII_KM[1] - SHELL_RADII_KM[0]),
        *UNITS.tolist(),
        state.orbit,
        state.run,
        state.mode,
        backend.put(members.kind[:n]),
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
