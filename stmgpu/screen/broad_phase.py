"""Broad phase: which pairs may come within the threshold in which interval. Kernels, and their slow obvious twin.

Both take the same states at nodes and return the same thing, so that :mod:`stmgpu.screen.engine` does not know which
one runs: ``HashGrid`` on the kernel backends, ``KdTree`` (NumPy and SciPy, float64) on the reference backend.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from stmgpu.backend import Backend
from stmgpu.constants import WGS72
from stmgpu.errors import CapacityError
from stmgpu.screen.plan import NODE_STEP_S, SENSELESS_ERROR_KM, UNKNOWN_ERROR_KM, Plan, hermite_weights

_FIELDS = 10
_CHUNK = 256
_MAX_CAPACITY = 1 << 27


@dataclass
class Candidates:
    """Pairs that passed the pair test: internal object indices, interval, and straight-line time of the minimum.

    All arrays [m] in the backend's memory: ``first`` < ``second`` int32, ``row`` int64, ``offset_s`` float64
    [s after the sample].
    """

    first: Any
    second: Any
    row: Any
    offset_s: Any

    def __len__(self) -> int:
        return int(self.first.shape[0])

    def __getitem__(self, index: Any) -> Candidates:
        return Candidates(self.first[index], self.second[index], self.row[index], self.offset_s[index])


@dataclass
class Block:
    """States at consecutive nodes: ``states`` [nodes, 6, n] float64 [km, km/s], ``codes`` [nodes, n] int8.

    ``first_node`` is counted from midnight (see :class:`~stmgpu.screen.plan.Plan`); the first and the last two nodes
    only serve to measure the interpolation error.
    """

    states: Any
    codes: Any
    first_node: int


class HashGrid:
    """Broad phase in kernels: counting sort into grid cells, then SIMD tests of neighbouring cells."""

    def __init__(self, plan: Plan, backend: Backend, n: int, rows_per_batch: int) -> None:
        self.plan, self.backend, self.n, self.batch = plan, backend, n, rows_per_batch
        self.slots = n + 64
        self.capacity = 1024
        counters = plan.cells + 2
        self.chunks = -(-counters // _CHUNK)
        empty, b = backend.empty, rows_per_batch
        self.error = empty(n)
        self.usable = empty((0, n), np.int8)
        self.fields = empty((b, _FIELDS, n), np.float32)
        self.keys, self.ranks = empty((b, n), np.int32), empty((b, n), np.int32)
        self.counts, self.starts = empty((b, counters), np.int32), empty((b, counters), np.int32)
        self.sums = empty((b, self.chunks), np.int32)
        self.sorted = backend.zeros((b, _FIELDS, self.slots), np.float32)
        self.object, self.cell = empty((b, self.slots), np.int32), empty((b, self.slots), np.int32)
        self._allocate_candidates()

    def _allocate_candidates(self) -> None:
        shape = (self.batch, self.capacity)
        self.count = self.backend.zeros(self.batch, np.int32)
        self.first, self.second = self.backend.empty(shape, np.int32), self.backend.empty(shape, np.int32)
        self.offset = self.backend.empty(shape, np.float32)

    def measure(self, block: Block) -> tuple[Any, Any]:
        """Measure a block's interpolation errors from its own nodes.

        Returns
        -------
        error [n] km, the largest of each object over the block; codes [nodes, n] int8, SGP4's own and 7 where the
        states of an object do not fit together (see ``kernels/hashgrid.cu``).
        """
        nodes = int(block.states.shape[0])
        if nodes != self.usable.shape[0]:
            self.usable = self.backend.empty((nodes, self.n), np.int8)
        self.backend.launch(
            "node_errors",
            self.n,
            nodes,
            self.n,
            NODE_STEP_S,
            UNKNOWN_ERROR_KM,
            SENSELESS_ERROR_KM,
            block.states,
            block.codes,
            self.usable,
            self.error,
        )
        return self.error, self.usable

    def find(self, block: Block, rows: np.ndarray) -> Candidates:
        """Candidates of at most ``rows_per_batch`` consecutive rows; call :meth:`measure` on the block first."""
        plan, launch, put = self.plan, self.backend.launch, self.backend.put
        r, n, cells, nodes = len(rows), self.n, plan.cells, int(block.states.shape[0])
        counters, items = cells + 2, len(rows) * self.n
        node = put(plan.node_before(rows) - block.first_node, np.int32)
        weights = put(hermite_weights(plan, rows))
        counts = self.counts[:r]
        counts[...] = 0
        launch(
            "fill_rows",
            items,
            r,
            n,
            nodes,
            plan.side,
            cells,
            plan.half_step_s,
            plan.cell_km,
            plan.gate_factor,
            0.5 * plan.threshold_km,
            plan.pad_factor,
            block.states,
            self.usable,
            self.error,
            node,
            weights,
            self.fields[:r],
            self.keys[:r],
            self.ranks[:r],
            counts,
        )
        launch("sum_chunks", r * self.chunks, r, counters, _CHUNK, self.chunks, counts, self.sums[:r])
        launch("cell_starts", r * self.chunks, r, counters, _CHUNK, self.chunks, counts, self.sums[:r], self.starts[:r])
        launch(
            "sort_rows",
            items,
            r,
            n,
            self.slots,
            cells,
            self.fields[:r],
            self.keys[:r],
            self.ranks[:r],
            self.starts[:r],
            self.sorted[:r],
            self.object[:r],
            self.cell[:r],
        )
        while True:
            count = self.count[:r]
            count[...] = 0
            launch(
                "find_pairs",
                r * self.slots,
                r,
                self.slots,
                plan.side,
                cells,
                self.capacity,
                plan.half_step_s,
                plan.threshold_km,
                plan.cell_km,
                plan.gate_factor,
                self.sorted[:r],
                self.object[:r],
                self.cell[:r],
                self.starts[:r],
                count,
                self.first[:r],
                self.second[:r],
                self.offset[:r],
            )
            found = self.backend.get(count)
            if int(found.max(initial=0)) <= self.capacity:
                break
            wanted = 1 << int(found.max()).bit_length()
            if wanted * self.batch > _MAX_CAPACITY:
                raise CapacityError(
                    f"at least {int(found.max())} candidate pairs in one interval; use a smaller threshold or step"
                )
            self.capacity = wanted
            self._allocate_candidates()
        xp = self.backend.xp
        taken = xp.arange(self.capacity, dtype=np.int32)[None, :] < count[:, None]
        row = xp.repeat(put(rows.astype(np.int64)), [int(c) for c in found])
        return Candidates(self.first[:r][taken], self.second[:r][taken], row, self.offset[:r][taken].astype(np.float64))


class KdTree:
    """The same broad phase, slow and obvious: float64 interpolation, SciPy's k-d tree, the pair test as written."""

    def __init__(self, plan: Plan, backend: Backend, n: int, rows_per_batch: int) -> None:
        self.plan, self.n = plan, n
        self.error = np.zeros(n)
        self.usable = np.zeros((0, n), np.int8)

    def measure(self, block: Block) -> tuple[np.ndarray, np.ndarray]:
        """Errors and codes; same contract as :meth:`HashGrid.measure`."""
        r, v = block.states[:, :3], block.states[:, 3:]
        c1 = r[1:-1] - (0.5 * (r[:-2] + r[2:]) + 0.25 * NODE_STEP_S * (v[:-2] - v[2:]))
        c2 = (r[2:] - r[:-2]) * (0.5 / NODE_STEP_S) - (v[:-2] + 4.0 * v[1:-1] + v[2:]) / 6.0
        error = np.linalg.norm(c1, axis=1) / 8.0 + np.linalg.norm(c2, axis=1) * (0.5 * NODE_STEP_S)
        bad = block.codes != 0
        failed = bad[:-2] | bad[1:-1] | bad[2:]
        senseless = ~failed & ~(error < SENSELESS_ERROR_KM)
        self.usable = block.codes.copy()
        self.usable[1:-1][senseless] = 7
        self.error = np.where(failed | senseless, UNKNOWN_ERROR_KM, error).max(axis=0, initial=0.0)
        return self.error, self.usable

    def find(self, block: Block, rows: np.ndarray) -> Candidates:
        """Candidates of the rows; same contract as :meth:`HashGrid.find`."""
        weights = hermite_weights(self.plan, rows)
        found = [self._find_row(block, int(row), w) for row, w in zip(rows, weights, strict=True)]
        first, second, row, offset = (np.concatenate(column) for column in zip(*found, strict=True))
        return Candidates(first, second, row, offset)

    def _find_row(self, block: Block, row: int, w: np.ndarray) -> tuple[np.ndarray, ...]:
        plan, h = self.plan, self.plan.half_step_s
        node = int(plan.node_before(row)) - block.first_node
        good = np.flatnonzero((self.usable[node] == 0) & (self.usable[node + 1] == 0))
        a, b = block.states[node][:, good], block.states[node + 1][:, good]
        r = a[:3] * w[0] + a[3:] * w[1] + b[:3] * w[2] + b[3:] * w[3]
        v = a[:3] * w[4] + a[3:] * w[5] + b[:3] * w[6] + b[3:] * w[7]
        pad = self.error[good] * plan.pad_factor
        gate = (np.linalg.norm(v, axis=0) * h + pad + 0.5 * plan.threshold_km) * plan.gate_factor
        widest = float(np.quantile(gate, 0.99)) if len(good) else 0.0
        wide = np.flatnonzero(gate > widest)
        common = np.flatnonzero(gate <= widest)
        pairs = [np.empty((0, 2), np.int64)]
        if len(common):
            tree = cKDTree(r[:, common].T)
            pairs.append(common[tree.query_pairs(2.0 * widest, output_type="ndarray")])
        for k in wide:  # wide gates against everything; each pair of wide ones once
            near = np.linalg.norm(r - r[:, k : k + 1], axis=0) <= gate + gate[k]
            near[wide[wide <= k]] = False
            other = np.flatnonzero(near)
            pairs.append(np.stack([np.full(len(other), k), other], axis=1))
        p = np.concatenate(pairs)
        dr, dv = r[:, p[:, 1]] - r[:, p[:, 0]], v[:, p[:, 1]] - v[:, p[:, 0]]
        offset = np.clip(-(dr * dv).sum(axis=0) / np.maximum((dv * dv).sum(axis=0), 1e-30), -h, h)
        radius = np.linalg.norm(r, axis=0)
        reach = (
            plan.threshold_km
            + pad[p].sum(axis=1)
            + bend_km(np.linalg.norm(dr, axis=0), np.linalg.norm(dv, axis=0), radius[p].min(axis=1), h)
        )
        keep = np.linalg.norm(dr + offset * dv, axis=0) <= reach
        i, j = good[p[keep, 0]], good[p[keep, 1]]
        return (
            np.minimum(i, j).astype(np.int32),
            np.maximum(i, j).astype(np.int32),
            np.full(int(keep.sum()), row, np.int64),
            offset[keep],
        )


def bend_km(distance_km: Any, speed_km_s: Any, radius_km: Any, h_s: float) -> Any:
    """A h^2 / 2 of inequality (1) in :mod:`stmgpu.screen.plan`: how far a pair can bend from a straight line [km]."""
    return 1.05 * WGS72.mu_km3_s2 * h_s**2 * (distance_km + 1.05 * speed_km_s * h_s) / (radius_km - 8.0 * h_s) ** 3
