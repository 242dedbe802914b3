"""Broad phase: the pairs that may come within the threshold, interval by interval.

Two implementations take the same states at nodes and return the same candidates, so that
:mod:`stmgpu.screen.engine` is the same for both: :class:`stmgpu.screen.broad_phase_kernels.HashGrid` on the kernel
backends and :class:`stmgpu.screen.broad_phase_reference.KdTree` (NumPy and SciPy, float64) on the reference backend.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stmgpu.constants import WGS72
from stmgpu.screen.vectors import cube

if TYPE_CHECKING:
    from types import ModuleType

    from stmgpu.typing import BackendArray


@dataclass
class Candidates:
    """Pairs that passed the pair test: internal object indices, interval, and straight-line time of the minimum.

    All arrays [m] in the backend's memory: ``first`` < ``second`` int32, ``row`` int64, ``offset_s`` float64
    [s after the sample].
    """

    first: BackendArray
    second: BackendArray
    row: BackendArray
    offset_s: BackendArray

    def __len__(self) -> int:
        return int(self.first.shape[0])

    def __getitem__(self, index: BackendArray | slice) -> Candidates:
        return Candidates(self.first[index], self.second[index], self.row[index], self.offset_s[index])

    @staticmethod
    def join(parts: list[Candidates], xp: ModuleType) -> Candidates:
        """Concatenate one or more lists of candidates."""
        if len(parts) == 1:
            return parts[0]
        names = [f.name for f in dataclasses.fields(Candidates)]
        return Candidates(*(xp.concatenate([getattr(p, name) for p in parts]) for name in names))


@dataclass
class Block:
    """States at consecutive nodes: ``states`` [nodes, 6, n] float64 [km, km/s], ``codes`` [nodes, n] int8.

    ``first_node`` is counted from midnight (see :class:`~stmgpu.screen.plan.Plan`); the first and the last two nodes
    only serve to measure the interpolation error.
    """

    states: BackendArray
    codes: BackendArray
    first_node: int


def bend_km(distance_km: BackendArray, speed_km_s: BackendArray, radius_km: BackendArray, h_s: float) -> BackendArray:
    """A h^2 / 2 of inequality (1) in :mod:`stmgpu.screen.plan`: bound of the deviation from a straight line [km]."""
    reach_km = distance_km + 1.05 * speed_km_s * h_s
    return 1.05 * WGS72.mu_km3_s2 * (h_s * h_s) * reach_km / cube(radius_km - 8.0 * h_s)
