"""Cube in NumPy: the reference of ``kernels/cube.cu``, with the same random numbers and the same pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.debris.collisions.encounters import Pairs, Rows, Sampling, State
from stmgpu.debris.streams import ANGLE, COLLISION, pair_words, uniforms
from stmgpu.propagate.kepler import states_of
from stmgpu.propagate.orbit_table import ABSENT, RADIUS
from stmgpu.propagate.secular_reference import j2_rates

if TYPE_CHECKING:
    from stmgpu.typing import Floats, Ints


def find(sampling: Sampling, state: State, rows: Rows) -> Pairs:
    """Unsorted pairs, as :meth:`stmgpu.debris.collisions.cube_kernels.CubeKernels.find` returns them."""
    present = np.flatnonzero(state.mode[: state.n] != ABSENT)
    orbit, uid, run = state.orbit[:, present], state.uid[present], state.run[present].astype(np.int64)
    parts = [_sample(sampling, orbit, uid, run, row=k, rows=rows) for k in range(len(rows.counter))]
    i, j, row, columns = (np.concatenate(column, axis=-1) for column in zip(*parts, strict=True))
    words = np.stack(
        pair_words(
            sampling.seed,
            sampling.run_numbers[run[i]],
            COLLISION,
            step=rows.counter[row] >> 16,
            resample=rows.counter[row] & 0xFFFF,
            first=uid[i],
            second=uid[j],
        )
    )
    return Pairs(present[i], present[j], run[i], uid[i], uid[j], row, columns, words)


def _sample(
    sampling: Sampling, orbit: Floats, uid: Ints, run: Ints, *, row: int, rows: Rows
) -> tuple[Ints, Ints, Ints, Floats]:
    """Pairs of one row: lower and higher uid (indices), row, and the columns [14, m] of cube_pairs."""
    u, _ = uniforms(sampling.seed, sampling.run_numbers[run], ANGLE, rows.counter[row], uid)
    a, e, i, raan, argp = orbit[:5]
    node, perigee, _ = j2_rates(a, e, np.cos(i))
    raan, argp = raan + node * rows.elapsed_s[row], argp + perigee * rows.elapsed_s[row]
    shifts = rows.shifts[row]
    r, v = states_of((a, e, i, raan, argp, (u - 0.5) * 2.0 * np.pi), mu_km3_s2=sampling.mu_km3_s2)
    cells = sampling.lattice.cells(r, shifts[run])
    _, box, members = np.unique(np.column_stack([run, cells]), axis=0, return_inverse=True, return_counts=True)
    order = np.argsort(box.ravel(), kind="stable")
    starts = np.cumsum(members) - members
    pairs = [
        (order[start + a], order[start + b])
        for start, count in zip(starts[members > 1], members[members > 1], strict=True)
        for a in range(count)
        for b in range(a + 1, count)
    ]
    i, j = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    i, j = np.where(uid[i] < uid[j], i, j), np.where(uid[i] < uid[j], j, i)
    speed = np.linalg.norm(v[i] - v[j], axis=1)
    volume = sampling.lattice.volume_km3(cells[i], shifts[run[i]])
    rate = speed * np.pi * (orbit[RADIUS, i] + orbit[RADIUS, j]) ** 2 / volume
    return i, j, np.full(len(i), row), np.vstack([speed, rate, r[i].T, v[i].T, r[j].T, v[j].T])
