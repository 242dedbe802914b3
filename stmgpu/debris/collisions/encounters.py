"""Objects that share a cell of space, and the sampling that finds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from stmgpu.debris.collisions.lattice import Lattice
    from stmgpu.typing import BackendArray, Floats, Ints

Words = NDArray[np.uint64]


class State(Protocol):
    """Columns of :class:`stmgpu.propagate.orbit_table.SecularState` that the sampling reads; backend arrays."""

    orbit: BackendArray
    uid: BackendArray
    run: BackendArray
    mode: BackendArray
    n: int


@dataclass(frozen=True)
class Sampling:
    """Settings of the samples of all positions that are drawn in every step.

    Attributes
    ----------
    seed : int
        Seed of the study.
    run_numbers : ndarray of int64
        int64 [runs], number of each run in the study.
    resamples : int
        Samples of all positions a step.
    lattice : Lattice
        Cells that pairs must share.
    mu_km3_s2 : float
        Gravitational parameter of the central body.
    """

    seed: int
    run_numbers: Ints
    resamples: int
    lattice: Lattice
    mu_km3_s2: float


class Rows(NamedTuple):
    """Samples of all positions, one after the other.

    Attributes
    ----------
    counter : ndarray of int64
        int64 [rows], number of the step times 2^16 plus number of the sample: key of the random numbers.
    elapsed_s : ndarray of float64
        float64 [rows], time since the elements, by which node and perigee have turned.
    shifts : ndarray of float64
        float64 [rows, runs, 3], shift of the lattice.
    """

    counter: Ints
    elapsed_s: Floats
    shifts: Floats


class Pairs(NamedTuple):
    """Pairs that share a cell, in no order; host arrays [m].

    Attributes
    ----------
    first, second, run, first_uid, second_uid, row : ndarray of int64
        int64 slots (the first has the lower uid), index of the run in the batch, uids, number of the row.
    columns : ndarray of float64
        float64 [14, m]: relative speed, collision rate of one sample, and position and velocity of both.
    words : ndarray of uint64
        uint64 [2, m], random words of each pair.
    """

    first: Ints
    second: Ints
    run: Ints
    first_uid: Ints
    second_uid: Ints
    row: Ints
    columns: Floats
    words: Words


@dataclass(frozen=True)
class Encounters:
    """Pairs that share a cell in one sample, sorted by run, step, lower uid, higher uid and sample; host arrays [m].

    Attributes
    ----------
    first, second : ndarray of int64
        int64 slots; ``first`` has the lower uid.
    run, step, resample : ndarray of int64
        int64, index of the run in the batch, number of the step after the first, and number of the sample in it.
    speed_km_s : ndarray of float64
        Relative speed.
    rate_per_s : ndarray of float64
        Collision rate that this sample stands for: V_imp pi (R_1 + R_2)^2 / V / resamples, without weights. The sum
        over the pairs of a step estimates the rate of all collisions.
    position_km : ndarray of float64
        [m, 3] midpoint.
    r_first, v_first, r_second, v_second : ndarray of float64
        [m, 3] states [km, km/s].
    words : ndarray of uint64
        uint64 [2, m]: random words of each pair, see :func:`stmgpu.debris.streams.pair_draws`.
    """

    first: Ints
    second: Ints
    run: Ints
    step: Ints
    resample: Ints
    speed_km_s: Floats
    rate_per_s: Floats
    position_km: Floats
    r_first: Floats
    v_first: Floats
    r_second: Floats
    v_second: Floats
    words: Words

    def __len__(self) -> int:
        return len(self.first)
