"""Cube in NumPy: the plain twin of ``kernels/cube.cu``, with the same random numbers and the same answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stmgpu.debris.streams import ANGLE, COLLISION, pair_words, uniforms
from stmgpu.propagate.kepler import states_of

if TYPE_CHECKING:
    from stmgpu.debris.collisions.cube import Cube, State

Array = NDArray[np.float64]
ABSENT = 2
RADIUS = 8


def find(cube: Cube, state: State, step: int, shifts: Array) -> tuple[Any, ...]:
    """Unsorted pairs; same contract as the kernels' ``find`` in :mod:`stmgpu.debris.collisions.cube`."""
    present = np.flatnonzero(state.mode[: state.n] != ABSENT)
    orbit, uid, run = state.orbit[:, present], state.uid[present], state.run[present].astype(np.int64)
    parts = [_sample(cube, orbit, uid, run, step, k, shifts[k]) for k in range(cube.resamples)]
    i, j, resample, found = (np.concatenate(column, axis=-1) for column in zip(*parts, strict=True))
    words = np.stack(pair_words(cube.seed, cube.run_numbers[run[i]], COLLISION, step, resample, uid[i], uid[j]))
    return present[i], present[j], run[i], uid[i], uid[j], resample, found, words


def _sample(
    cube: Cube, orbit: Array, uid: NDArray[np.int64], run: NDArray[np.int64], step: int, resample: int, shifts: Array
) -> tuple[Any, ...]:
    """Pairs of one resample: lower and higher uid (indices), resample, and the columns [14, m] of cube_pairs."""
    u, _ = uniforms(cube.seed, cube.run_numbers[run], ANGLE, (step << 16) | resample, uid)
    a, e, i, raan, argp = orbit[:5]
    r, v = states_of(a, e, i, raan, argp, (u - 0.5) * 2.0 * np.pi, cube.mu_km3_s2)
    cells = cube.lattice.cells(r, shifts[run])
    _, box, members = np.unique(np.column_stack([run, cells]), axis=0, return_inverse=True, return_counts=True)
    order = np.argsort(box.ravel(), kind="stable")
    starts = np.cumsum(members) - members
    pairs = [
        (order[start + a], order[start + b])
        for start, many in zip(starts[members > 1], members[members > 1], strict=True)
        for a in range(many)
        for b in range(a + 1, many)
    ]
    i, j = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    i, j = np.where(uid[i] < uid[j], i, j), np.where(uid[i] < uid[j], j, i)
    speed = np.linalg.norm(v[i] - v[j], axis=1)
    volume = cube.lattice.volume_km3(cells[i], shifts[run[i]])
    rate = speed * np.pi * (orbit[RADIUS, i] + orbit[RADIUS, j]) ** 2 / volume
    return i, j, np.full(len(i), resample), np.vstack([speed, rate, r[i].T, v[i].T, r[j].T, v[j].T])
