"""Trajectories by object instead of by segment, to follow an object through the whole window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import device_entry
from stmgpu.propagate.codes import CODE_ABSENT, CODE_DUMMY
from stmgpu.propagate.columns import columns_of, one_time_each
from stmgpu.propagate.elements import PAD

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.propagate.tabulated.tabulated import TabulatedPropagator
    from stmgpu.typing import BackendArray


class ByObject:
    """A :class:`~stmgpu.propagate.tabulated.tabulated.TabulatedPropagator` with one column an object.

    The state at a time is that of the segment in whose usable time it lies, of the later one where two touch. Outside
    all usable times the code is 10; there is no extrapolation.

    Parameters
    ----------
    table : TabulatedPropagator
        The propagator whose columns are segments.

    Attributes
    ----------
    n, n_pad : int
        objects that have a segment in the table, without and with padding.
    order : numpy.ndarray [n] int64
        object, as an index into the trajectories, of each column; rising.
    usable_s, meets_next : array
        as in the table: columns have no ends of their own here.
    """

    def __init__(self, table: TabulatedPropagator) -> None:
        self._table, self.backend = table, table.backend
        xp, put = self.backend.xp, self.backend.put
        self.order, place = np.unique(table.order, return_inverse=True)
        self.n = len(self.order)
        self.n_pad = max(-(-self.n // PAD), 1) * PAD
        begin = self.backend.get(table.usable_s[0])[: table.n]
        by_time = np.lexsort((begin, place.reshape(-1)))
        count = np.bincount(place.reshape(-1), minlength=self.n)
        columns = np.full((max(int(count.max(initial=0)), 1), self.n_pad), -1, np.int64)
        owner = place.reshape(-1)[by_time]
        columns[np.arange(len(by_time)) - (np.cumsum(count) - count)[owner], owner] = by_time
        self._columns = put(columns)
        self.usable_s = xp.full(self.n_pad, -np.inf), xp.full(self.n_pad, np.inf)
        self.meets_next = np.full(self.n, -1, np.int64)

    @device_entry
    def pads_km(self, half_step_s: float, node_step_s: float) -> BackendArray:
        """Largest of an object's segments [n_pad] [km]; see :meth:`TabulatedPropagator.pads_km`."""
        of_segments = self.backend.get(self._table.pads_km(half_step_s, node_step_s))[: self._table.n]
        pads = np.zeros(self.n_pad)
        np.maximum.at(pads, np.searchsorted(self.order, self._table.order), of_segments)
        return self.backend.put(pads)

    @device_entry
    def grid(
        self, t_s: ArrayLike, out: tuple[BackendArray, BackendArray] | None = None
    ) -> tuple[BackendArray, BackendArray]:
        """All objects at all times; see :meth:`stmgpu.propagate.protocol.Propagator.grid`."""
        backend, xp = self.backend, self.backend.xp
        times = xp.asarray(t_s, np.float64).reshape(-1)
        columns, instants = xp.tile(xp.arange(self.n_pad), len(times)), xp.repeat(times, self.n_pad)
        states, codes = self.at(columns, instants, check=False)
        if out is None:
            out = backend.empty((len(times), 6, self.n_pad)), backend.empty((len(times), self.n_pad), np.int8)
        out[0][...] = states.reshape(6, len(times), self.n_pad).transpose(1, 0, 2)
        out[1][...] = codes.reshape(len(times), self.n_pad)
        return out

    @device_entry
    def at(
        self, index: ArrayLike, t_s: ArrayLike, *, trial: bool = False, check: bool = True
    ) -> tuple[BackendArray, BackendArray]:
        """Single objects at single times; see :meth:`stmgpu.propagate.protocol.Propagator.at`."""
        xp = self.backend.xp
        objects = columns_of(xp, index, self.n_pad if check else None)
        times = xp.asarray(t_s, np.float64).reshape(-1)
        one_time_each(objects, times)
        begin, end = self._table.usable_s
        column = self._columns[0][objects]
        for later in self._columns[1:]:
            following = later[objects]
            column = xp.where((following >= 0) & (times >= begin[following]), following, column)
        known = xp.where(column >= 0, column, self._table.n_pad - 1)
        states, code = self._table.at(known, times, trial=trial, check=False)
        outside = (column >= 0) & ~((times >= begin[known]) & (times <= end[known]))
        code[outside], code[column < 0] = CODE_ABSENT, CODE_DUMMY
        states[:, code != 0] = np.nan
        return states, code
