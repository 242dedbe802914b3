"""Reference implementation of the census in NumPy floating-point sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.debris.shells import SHELL_RADII_KM, shell_shares
from stmgpu.propagate import orbit_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stmgpu.debris.evolution.members import Members
    from stmgpu.typing import Floats


def census_by_shares(members: Members, runs: int, group: NDArray[np.int8], groups: int) -> Floats:
    """Number, mass [kg] and cross-section [m^2] of the objects of each group in each shell.

    Parameters
    ----------
    members : Members
        Objects of a batch.
    runs : int
        Number of runs in the batch.
    group : int8, shape (capacity,)
        Group of each slot.
    groups : int
        Number of groups.

    Returns
    -------
    float64, shape (3, runs, groups, shells + 1)
        As :func:`stmgpu.debris.evolution.census.census`.
    """
    slots = members.slots()
    orbit, weight = members.orbits(slots), members.weight[slots]
    shares = shell_shares(orbit[orbit_table.A_KM], orbit[orbit_table.ECC], SHELL_RADII_KM)
    shares = np.column_stack([shares, np.ones(len(slots))])
    sums = np.zeros((3, runs, groups, shares.shape[1]))
    amounts = (weight, weight * members.mass_kg[slots], weight * np.pi * members.radius_m[slots] ** 2)
    for sums_of_one, amount in zip(sums, amounts, strict=True):
        np.add.at(sums_of_one, (members.run[slots], group[slots]), shares * amount[:, None])
    return sums
