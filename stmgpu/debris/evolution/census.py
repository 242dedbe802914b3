"""What there is of a population in every shell of altitude, by class: numbers, masses, cross-sections.

Counted where the orbits are (``kernels/census.cu``), in whole numbers of small units: sums that depend neither on the
order of slots nor on threads, which floating-point ones would.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stmgpu.debris.evolution.census_reference import census_by_shares
from stmgpu.debris.evolution.members import Members
from stmgpu.debris.population.population import CLASS_NAMES
from stmgpu.debris.shells import SHELL_EDGES_KM, SHELL_RADII_KM
from stmgpu.errors import CapacityError
from stmgpu.propagate import secular

UNITS = np.array([2.0**30, 2.0**24, 2.0**28])
"""Parts of an object, a kilogram and a square metre that are counted: what a shell holds is rounded to them, and with
it what each object adds to a shell."""

LARGEST = 2.0**51
"""A row may hold so many units."""


def census(members: Members, runs: int) -> NDArray[np.float64]:
    """Number, mass [kg] and cross-section [m^2] of the objects of each class in each shell.

    Parameters
    ----------
    members
        the objects of a batch.
    runs
        runs of the batch.

    Returns
    -------
    float64 [3, runs, classes, shells + 1]: objects count by the share of their period that they spend in a shell; the
    last place holds them whole, wherever they are.

    Raises
    ------
    CapacityError
        a row whose weight, mass or cross-section is too large to be counted.
    """
    classes, shells = len(CLASS_NAMES), len(SHELL_EDGES_KM) - 1
    state, backend = members.state, members.backend
    if state.n == 0:
        return np.zeros((3, runs, classes, shells + 1))
    _check(members)
    if not backend.runs_kernels:
        return census_by_shares(members, runs)
    n = -(-state.n // secular.PAD) * secular.PAD
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
    here = slice(0, members.n)
    weight = members.weight[here]
    amounts = (weight, weight * members.mass_kg[here], weight * np.pi * members.radius_m[here] ** 2)
    for most, units, what in zip((a.max() for a in amounts), UNITS, ("objects", "kg", "m^2"), strict=True):
        if not most * units < LARGEST:
            raise CapacityError(
                f"a row of the population stands for {most:.3g} {what}; at most "
                f"{LARGEST / units:.3g} can be counted: divide it into several rows"
            )
