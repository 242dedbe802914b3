"""Completeness certificate: inequality (1) of the plan, measured with full SGP4 on a sample of the run's pairs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.screen.broad_phase import Block, Candidates, bend_km
from stmgpu.screen.plan import Plan, hermite_weights
from stmgpu.screen.vectors import dot

if TYPE_CHECKING:
    from types import ModuleType

    from stmgpu.screen.refine import Refiner
    from stmgpu.typing import BackendArray


@dataclass
class Certificate:
    """Largest measured ratio of deviation to bound, with the number of samples.

    Attributes
    ----------
    pairs_measured : int
        Pair-times checked.
    largest_ratio : float
        Largest |true relative motion - straight line| / (A h^2 / 2 + pads); below 1 the inequality held in every
        sample.
    largest_pad_km : float
        Largest pad of a pair in the sample [km].
    worst : dict
        Objects and interval of the largest ratio.
    """

    pairs_measured: int = 0
    largest_ratio: float = 0.0
    largest_pad_km: float = 0.0
    worst: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def join(parts: list[Certificate]) -> Certificate:
        """Join the certificates of parts of a run; the result does not depend on the division into parts."""
        worst = max(parts, key=lambda c: c.largest_ratio, default=Certificate())
        return Certificate(
            sum(c.pairs_measured for c in parts),
            worst.largest_ratio,
            max((c.largest_pad_km for c in parts), default=0.0),
            worst.worst,
        )

    @property
    def holds(self) -> bool:
        """Whether no sample exceeded the bound."""
        return self.largest_ratio < 1.0

    def measure(
        self, candidates: Candidates, block: Block, *, refiner: Refiner, error_km: BackendArray, ids: BackendArray
    ) -> None:
        """Check a sample of the candidates of a block at both ends of their intervals.

        The sample depends only on the ids of the objects and on the interval, and not on how the window and the
        catalogue are divided.

        Parameters
        ----------
        candidates : Candidates
            Candidates of the block.
        block : Block
            States at the nodes.
        refiner : Refiner
            Refiner of the run.
        error_km : backend array, shape (n,)
            Interpolation error of each object [km].
        ids : backend array, shape (n,)
            NORAD ids in internal order.
        """
        plan, xp = refiner.plan, refiner.xp
        pick = xp.flatnonzero(_in_sample(xp, ids, candidates, plan))
        if len(pick) == 0:
            return
        i, j, row = candidates.first[pick], candidates.second[pick], candidates.row[pick]
        host_row = refiner.get(row)
        node = xp.asarray(plan.node_before(host_row) - block.first_node)
        w = xp.asarray(hermite_weights(plan, host_row))
        a = block.states[node, :, j] - block.states[node, :, i]
        b = block.states[node + 1, :, j] - block.states[node + 1, :, i]
        dr = (a[:, :3] * w[:, 0:1] + a[:, 3:] * w[:, 1:2] + b[:, :3] * w[:, 2:3] + b[:, 3:] * w[:, 3:4]).T
        dv = (a[:, :3] * w[:, 4:5] + a[:, 3:] * w[:, 5:6] + b[:, :3] * w[:, 6:7] + b[:, 3:] * w[:, 7:8]).T
        first = block.states[node, :, i].T
        radius = xp.sqrt(xp.minimum(dot(first[:3], first[:3]), dot(first[:3] + a[:, :3].T, first[:3] + a[:, :3].T)))
        pad = (error_km[i] + error_km[j]) * plan.pad_factor + 8e-7 * radius
        h = plan.half_step_s
        bound = bend_km(xp.sqrt(dot(dr, dr)), xp.sqrt(dot(dv, dv)), radius, h) + pad
        t_s, at_ends = plan.sample_s(row), xp.concatenate([dr - h * dv, dr + h * dv], axis=1)
        _, rel, bad = refiner.relative(
            xp.concatenate([i, i]), xp.concatenate([j, j]), xp.concatenate([t_s - h, t_s + h])
        )
        off = rel[:3] - at_ends
        ratio = refiner.get(xp.where(bad, 0.0, xp.sqrt(dot(off, off)) / xp.concatenate([bound, bound])))
        largest = int(np.argmax(ratio))
        if ratio[largest] > self.largest_ratio:
            self.largest_ratio, k = float(ratio[largest]), largest % len(pick)
            pair = refiner.get(xp.stack([ids[i[k]], ids[j[k]]]))
            self.worst = {"objects": sorted(int(n) for n in pair), "interval": int(host_row[k])}
        self.largest_pad_km = max(self.largest_pad_km, float(refiner.get(pad.max())))
        self.pairs_measured += 2 * len(pick)  # last: a sample that does not fit into the memory is measured again


def _in_sample(xp: ModuleType, ids: BackendArray, candidates: Candidates, plan: Plan) -> BackendArray:
    """Whether each candidate is in the sample: the hash of its ids and interval is below the sampled share."""
    if plan.sampled >= 1.0:
        always: BackendArray = xp.ones(len(candidates), bool)
        return always
    a, b = ids[candidates.first].astype(np.uint64), ids[candidates.second].astype(np.uint64)
    x = (
        xp.minimum(a, b) * np.uint64(0x9E3779B97F4A7C15)
        ^ xp.maximum(a, b) * np.uint64(0xC2B2AE3D27D4EB4F)
        ^ (candidates.row + plan.first_row).astype(np.uint64) * np.uint64(0x165667B19E3779F9)
    )
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):  # mixer of splitmix64 (Vigna 2015)
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    sampled: BackendArray = (x ^ (x >> np.uint64(31))) < np.uint64(int(plan.sampled * 2.0**64))
    return sampled
