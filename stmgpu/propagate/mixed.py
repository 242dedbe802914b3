"""One propagator for objects with element sets and objects with trajectories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import device_entry
from stmgpu.errors import InputError
from stmgpu.propagate.codes import CODE_DUMMY
from stmgpu.propagate.columns import columns_of, one_time_each
from stmgpu.propagate.elements import PAD

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.backend import Backend
    from stmgpu.propagate.sgp4 import SGP4Propagator
    from stmgpu.propagate.tabulated.by_object import ByObject
    from stmgpu.propagate.tabulated.tabulated import TabulatedPropagator
    from stmgpu.typing import BackendArray


class MixedPropagator:
    """SGP4 for a catalogue and interpolation for trajectories, as one :class:`~stmgpu.propagate.protocol.Propagator`.

    Parameters
    ----------
    elements : SGP4Propagator, optional
        SGP4's part, or None where there are trajectories only.
    table : TabulatedPropagator or ByObject
        The trajectories' part, on the same backend and with the same start: by segment, or by object.
    backend : Backend
        Where both run.

    Attributes
    ----------
    n, n_pad : int
        columns, without and with padding: SGP4's in its own order, then the table's, then padding (code 9).
    n_elements : int
        columns of SGP4; they come first, and their states have the bits of `elements`.
    order : numpy.ndarray [n] int64
        object of each column: an index into the catalogue, or the catalogue's length plus an index into the
        trajectories. An object with several segments has several columns.
    usable_s : (begin [n_pad], end [n_pad])
        when a column may be used [s after start], backend arrays: without end for SGP4's columns, empty in padding.
    meets_next : numpy.ndarray [n] int64
        column of the object's next segment where that begins the very instant this one ends, else -1.

    Examples
    --------
    >>> from stmgpu.backend import get_backend
    >>> from stmgpu.catalog.synthetic import synthetic_catalog
    >>> from stmgpu.catalog.trajectories.trajectories import Trajectories
    >>> from stmgpu.propagate import propagate
    >>> from stmgpu.propagate.sgp4 import SGP4Propagator
    >>> from stmgpu.propagate.tabulated.tabulated import TabulatedPropagator
    >>> runner, start, span = get_backend("reference"), (2460676.5, 0.0), (0.0, 3600.0)
    >>> cat = synthetic_catalog(5, seed=1)
    >>> eph = propagate(cat[:2], "2025-01-01", hours=1, step_s=60, backend="reference")
    >>> table = TabulatedPropagator(Trajectories.from_dataset(eph), runner, start, span)
    >>> both = MixedPropagator(SGP4Propagator(cat[2:], runner, start, span), table, runner)
    >>> both.n, both.n_elements, sorted(both.order.tolist())
    (5, 3, [0, 1, 2, 3, 4])
    """

    @device_entry
    def __init__(
        self, elements: SGP4Propagator | None, table: TabulatedPropagator | ByObject, backend: Backend
    ) -> None:
        self.elements, self.table, self.backend = elements, table, backend
        e = 0 if elements is None else elements.n
        self.n_elements, self.n = e, e + table.n
        self.n_pad = max(-(-self.n // PAD), 1) * PAD
        first = np.empty(0, np.int64) if elements is None else np.asarray(elements.order, np.int64)
        self.order = np.concatenate([first, table.order + e])
        self.meets_next = np.concatenate([np.full(e, -1), np.where(table.meets_next < 0, -1, table.meets_next + e)])
        begin, end = np.full(self.n_pad, np.inf), np.full(self.n_pad, -np.inf)
        begin[:e], end[:e] = -np.inf, np.inf
        begin[e : self.n], end[e : self.n] = (backend.get(a)[: table.n] for a in table.usable_s)
        self.usable_s = backend.put(begin), backend.put(end)
        self._scratch: list[tuple[BackendArray, BackendArray]] = []

    @device_entry
    def pads_km(self, half_step_s: float, node_step_s: float) -> BackendArray:
        """Additions to the interpolation error of each column, backend array [n_pad] [km]; 0 for element sets.

        See :meth:`stmgpu.propagate.tabulated.tabulated.TabulatedPropagator.pads_km`.
        """
        backend, pads = self.backend, np.zeros(self.n_pad)
        pads[self.n_elements : self.n] = backend.get(self.table.pads_km(half_step_s, node_step_s))[: self.table.n]
        return backend.put(pads)

    @device_entry
    def grid(
        self, t_s: ArrayLike, out: tuple[BackendArray, BackendArray] | None = None
    ) -> tuple[BackendArray, BackendArray]:
        """All columns at all times; see :meth:`stmgpu.propagate.protocol.Propagator.grid`."""
        backend, e, n = self.backend, self.n_elements, self.n
        times = backend.xp.ascontiguousarray(backend.xp.asarray(t_s, np.float64).reshape(-1))
        count = len(times)
        if out is None:
            out = backend.empty((count, 6, self.n_pad)), backend.empty((count, self.n_pad), np.int8)
        states, code = out
        if states.shape != (count, 6, self.n_pad) or code.shape != (count, self.n_pad):
            raise InputError(
                f"out has shapes {states.shape} and {code.shape}; for {count} times they must be "
                f"{(count, 6, self.n_pad)} and {(count, self.n_pad)}"
            )
        # each part has its padding, so it fills a buffer, from which its columns are copied
        parts = [(0, e, self.elements), (e, n, self.table)]
        for number, (begin, end, part) in enumerate(parts):
            if part is not None and end > begin:
                buffer = self._buffer(number, count, part.n_pad)
                part.grid(times, buffer)
                states[:, :, begin:end], code[:, begin:end] = (a[..., : end - begin] for a in buffer)
        states[:, :, n:], code[:, n:] = np.nan, CODE_DUMMY
        return states, code

    def _buffer(self, number: int, count: int, n_pad: int) -> tuple[BackendArray, BackendArray]:
        """States and codes of one part, kept from call to call and as long as the longest."""
        while len(self._scratch) <= number:
            self._scratch.append((self.backend.empty((0, 6, 0)), self.backend.empty((0, 0), np.int8)))
        states, code = self._scratch[number]
        if states.shape[0] < count:
            states, code = self.backend.empty((count, 6, n_pad)), self.backend.empty((count, n_pad), np.int8)
            self._scratch[number] = states, code
        return states[:count], code[:count]

    @device_entry
    def at(
        self, index: ArrayLike, t_s: ArrayLike, *, trial: bool = False, check: bool = True
    ) -> tuple[BackendArray, BackendArray]:
        """Single columns at single times; see :meth:`stmgpu.propagate.protocol.Propagator.at`."""
        backend, xp, e, n = self.backend, self.backend.xp, self.n_elements, self.n
        columns = columns_of(xp, index, self.n_pad if check else None)
        times = xp.ascontiguousarray(xp.asarray(t_s, np.float64).reshape(-1))
        one_time_each(columns, times)
        m = len(times)
        if m and self.elements is not None and not len(xp.flatnonzero(columns >= e)):
            return self.elements.at(columns, times, trial=trial, check=False)
        states, code = backend.empty((6, m)), backend.empty(m, np.int8)
        states[...], code[...] = np.nan, CODE_DUMMY
        for begin, end, part in ((0, e, self.elements), (e, n, self.table)):
            rows = xp.flatnonzero((columns >= begin) & (columns < end))
            if part is not None and len(rows):
                states[:, rows], code[rows] = part.at(columns[rows] - begin, times[rows], trial=trial, check=False)
        return states, code
