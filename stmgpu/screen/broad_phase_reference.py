"""Reference of the broad phase: float64 interpolation, SciPy's k-d tree and the pair test as written in the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy

from stmgpu.screen.broad_phase import Block, Candidates, bend_km
from stmgpu.screen.plan import NODE_STEP_S, SENSELESS_ERROR_KM, UNKNOWN_ERROR_KM, Plan, hermite_weights

if TYPE_CHECKING:
    from stmgpu.backend import Backend


class KdTree:
    """Candidates by a k-d tree: slow, but simple enough to verify by inspection."""

    def __init__(
        self, plan: Plan, backend: Backend, n: int, rows_per_batch: int, *, selected: np.ndarray | None = None
    ) -> None:
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
        columns = [self._find_row(block, int(row), w) for row, w in zip(rows, weights, strict=True)]
        first, second, row, offset = (np.concatenate(column) for column in zip(*columns, strict=True))
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
            tree = scipy.spatial.cKDTree(r[:, common].T)
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
