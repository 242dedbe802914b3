"""The completeness certificate: the plan's inequality (1) measured against full SGP4 on the run's own pairs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stmgpu.screen.candidates import Block, Candidates, bend_km
from stmgpu.screen.plan import Plan, hermite_weights
from stmgpu.screen.refine import Refiner, dot

SAMPLE_PER_BLOCK = 256


@dataclass
class Certificate:
    """Largest measured ratio of deviation to bound, and of how many samples.

    Attributes
    ----------
    pairs_measured, largest_ratio
        pair-times checked, and the largest |true relative motion - straight line| / (A h^2 / 2 + pads); below 1 the
        inequality held wherever it was measured.
    largest_pad_km
        largest pad of a pair in the sample.
    """

    pairs_measured: int = 0
    largest_ratio: float = 0.0
    largest_pad_km: float = 0.0
    worst: dict[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether the bound was never exceeded in the sample."""
        return self.largest_ratio < 1.0

    def measure(self, plan: Plan, refiner: Refiner, block: Block, error_km: Any, candidates: Candidates) -> None:
        """Check an evenly spread sample of a block's candidates at both ends of their intervals."""
        m = len(candidates)
        if m == 0:
            return
        xp = refiner.xp
        pick = xp.asarray(np.unique(np.linspace(0, m - 1, min(m, SAMPLE_PER_BLOCK)).astype(np.int64)))
        i, j, row = candidates.first[pick], candidates.second[pick], candidates.row[pick]
        host_row = refiner.get(row)
        node = xp.asarray(plan.node_before(host_row) - block.first_node)
        w = xp.asarray(hermite_weights(plan, host_row))
        a = block.states[node, :, j] - block.states[node, :, i]
        b = block.states[node + 1, :, j] - block.states[node + 1, :, i]
        dr = (a[:, :3] * w[:, 0:1] + a[:, 3:] * w[:, 1:2] + b[:, :3] * w[:, 2:3] + b[:, 3:] * w[:, 3:4]).T
        dv = (a[:, :3] * w[:, 4:5] + a[:, 3:] * w[:, 5:6] + b[:, :3] * w[:, 6:7] + b[:, 3:] * w[:, 7:8]).T
        here = block.states[node, :, i].T
        radius = xp.sqrt(xp.minimum(dot(here[:3], here[:3]), dot(here[:3] + a[:, :3].T, here[:3] + a[:, :3].T)))
        pad = (error_km[i] + error_km[j]) * plan.pad_factor + 8e-7 * radius
        h = plan.half_step_s
        bound = bend_km(xp.sqrt(dot(dr, dr)), xp.sqrt(dot(dv, dv)), radius, h) + pad
        for s in (-h, h):
            _, rel, bad = refiner.relative(i, j, plan.sample_s(row) + s)
            off = rel[:3] - (dr + s * dv)
            ratio = refiner.get(xp.where(bad, 0.0, xp.sqrt(dot(off, off)) / bound))
            k = int(np.argmax(ratio))
            if ratio[k] > self.largest_ratio:
                self.largest_ratio = float(ratio[k])
                self.worst = {"objects": [int(refiner.get(i[k])), int(refiner.get(j[k]))], "row": int(host_row[k])}
        self.pairs_measured += 2 * len(pick)
        self.largest_pad_km = max(self.largest_pad_km, float(refiner.get(pad.max())))
