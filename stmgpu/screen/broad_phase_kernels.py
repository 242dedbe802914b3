"""Broad phase in kernels: a counting sort into grid cells, then SIMD tests of neighbouring cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.backend.tables import table
from stmgpu.constants import WGS72
from stmgpu.errors import CapacityError, DeviceMemoryError
from stmgpu.screen.broad_phase import Block, Candidates
from stmgpu.screen.plan import FEW, NODE_STEP_S, SENSELESS_ERROR_KM, UNKNOWN_ERROR_KM, Plan, hermite_weights

if TYPE_CHECKING:
    from stmgpu.backend import Backend

_FIELDS = table("row_fields.h").integer("FIELD_ROWS")
_CHUNK = 256
_MAX_CAPACITY = 1 << 27

_BUFFERS = ("fields", "keys", "ranks", "counts", "starts", "sums", "sorted", "object", "cell")
_CANDIDATES = ("count", "first", "second", "offset")

EVERYWHERE_KM = (-1e30, 1e30)
"""Radii of all objects [km]."""


class HashGrid:
    """Candidates by a hash grid, on the backends that run kernels.

    Parameters
    ----------
    plan : Plan
        Plan of the screening.
    backend : Backend
        Backend to compute with.
    n : int
        Columns, with padding.
    rows_per_batch : int
        Most rows of one call of :meth:`find`.
    selected : ndarray, bool, shape (n,), optional
        Columns whose pairs alone are wanted. If they are few, they are searched for one by one; else all pairs are
        candidates.
    """

    def __init__(
        self, plan: Plan, backend: Backend, n: int, rows_per_batch: int, *, selected: np.ndarray | None = None
    ) -> None:
        self.plan, self.backend, self.n = plan, backend, n
        self.slots = n + 64
        self.capacity = 1024
        self.chunks = -(-(plan.cells + 2) // _CHUNK)
        empty = backend.empty
        self.error = empty(n)
        self.usable = empty((0, n), np.int8)
        self.only_selected = selected is not None and np.count_nonzero(selected) <= FEW * n
        self.selected = empty(n, np.int8)
        self.selected[...] = backend.put(selected, np.int8) if selected is not None and self.only_selected else 0
        self.columns = backend.put(
            np.flatnonzero(selected) if selected is not None and self.only_selected else np.empty(0, np.int64)
        )
        self.radii_km: tuple[float, float] = EVERYWHERE_KM
        self._radii_of: Block | None = None
        self._allocate(rows_per_batch)

    def _allocate(self, rows: int) -> None:
        """Working arrays for batches of that many rows, or of fewer where the memory of the device is full."""
        while True:
            try:
                with self.backend.on_device():
                    self._allocate_rows(rows)
                    self._allocate_candidates()
                    return
            except DeviceMemoryError:
                if rows == 1:
                    raise
            self._give_back()
            rows //= 2

    def _give_back(self) -> None:
        for name in (*_BUFFERS, *_CANDIDATES):
            self.__dict__.pop(name, None)
        self.backend.release()

    def _allocate_rows(self, b: int) -> None:
        empty, n, slots, counters = self.backend.empty, self.n, self.slots, self.plan.cells + 2
        self.batch = b
        self.fields = empty((b, _FIELDS, n), np.float32)
        self.keys, self.ranks = empty((b, n), np.int32), empty((b, n), np.int32)
        self.counts, self.starts = empty((b, counters), np.int32), empty((b, counters), np.int32)
        self.sums = empty((b, self.chunks), np.int32)
        self.sorted = self.backend.zeros((b, _FIELDS, slots), np.float32)
        self.object, self.cell = empty((b, slots), np.int32), empty((b, slots), np.int32)

    def _allocate_candidates(self) -> None:
        for name in _CANDIDATES:
            self.__dict__.pop(name, None)
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

    def _radii_km(self, block: Block) -> tuple[float, float]:
        """Radii between which the selected objects and all that may meet them stay during a block.

        Between two nodes a radius leaves the straight line by at most its acceleration times T^2 / 8. The acceleration
        is below that of gravity, since r'' = v_t^2 / r - mu / r^2 is at most e mu / r^2 on an ellipse; 2 % cover J2.
        """
        plan, xp = self.plan, self.backend.xp
        if len(self.columns) == 0:
            return np.inf, -np.inf
        states, good = block.states[:, :3, self.columns], block.codes[:, self.columns] == 0
        x, y, z = (states[:, axis] for axis in range(3))
        radius = xp.sqrt(x * x + y * y + z * z)
        lowest_km = WGS72.radius_km - 4.0 * NODE_STEP_S  # below the surface there is an error code
        bend_km = 1.02 * WGS72.mu_km3_s2 / (lowest_km * lowest_km) * NODE_STEP_S**2 / 8.0
        margin_km = bend_km + 0.5 * plan.threshold_km + plan.pad_factor * float(self.error[self.columns].max())
        low, high = xp.where(good, radius, np.inf).min(), xp.where(good, radius, -np.inf).max()
        return float(low) - margin_km, float(high) + margin_km

    def find(self, block: Block, rows: np.ndarray) -> Candidates:
        """Candidates of consecutive rows, in the order of rows; call :meth:`measure` on the block first."""
        found: list[Candidates] = []
        begin = 0
        while begin < len(rows):
            part = rows[begin : begin + self.batch]
            try:
                with self.backend.on_device():
                    candidates = self._find(block, part)
            except DeviceMemoryError:
                if self.batch == 1:
                    raise
                candidates = None
            if candidates is None:
                self._give_back()
                self._allocate(self.batch // 2)
            else:
                found.append(candidates)
                begin += len(part)
        return found[0] if len(found) == 1 else Candidates.join(found, self.backend.xp)

    def _find(self, block: Block, rows: np.ndarray) -> Candidates | None:
        """Candidates of a batch; None if it has to be a smaller one."""
        plan, launch, put = self.plan, self.backend.launch, self.backend.put
        if self.only_selected and self._radii_of is not block:
            self.radii_km, self._radii_of = self._radii_km(block), block
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
            *self.radii_km,
            block.states,
            self.usable,
            self.error,
            self.selected,
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
                n,
                self.slots,
                plan.side,
                cells,
                self.capacity,
                int(self.only_selected),
                plan.half_step_s,
                plan.threshold_km,
                plan.cell_km,
                plan.gate_factor,
                self.selected,
                self.sorted[:r],
                self.object[:r],
                self.cell[:r],
                self.starts[:r],
                count,
                self.first[:r],
                self.second[:r],
                self.offset[:r],
            )
            counts = self.backend.get(count)
            if int(counts.max(initial=0)) <= self.capacity:
                break
            capacity = 1 << int(counts.max()).bit_length()
            if capacity > _MAX_CAPACITY:
                raise CapacityError(
                    f"at least {int(counts.max())} candidate pairs in one interval; use a smaller threshold or step"
                )
            self.capacity = capacity
            if capacity * self.batch > _MAX_CAPACITY:
                return None
            self._allocate_candidates()
        xp = self.backend.xp
        taken = xp.flatnonzero(xp.arange(self.capacity, dtype=np.int32)[None, :] < count[:, None])
        first, second, offset = (a[:r].reshape(-1)[taken] for a in (self.first, self.second, self.offset))
        row = put(rows.astype(np.int64))[taken // self.capacity]
        return Candidates(first, second, row, offset.astype(np.float64))
