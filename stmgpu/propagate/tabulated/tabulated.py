"""Propagation of trajectories by interpolation.

**Columns are segments.** Nothing is interpolated across the ends of a segment (a manoeuvre), so every segment is a
column of its own, and `order` gives its object. The proof of the screening requires that a column moves freely under
gravity; manoeuvres lie between columns.

**Usable time.** Nodes of the screening are 120 s apart and an interval takes part where both nodes around it are good,
so a column must have states beyond its usable time: up to `BEYOND_S` it continues as a free orbit (two bodies and
J2) from the state at the end, with code 0. Farther out it has code 10 and takes no part. The screening reports events
within `usable_s` only: the usable time of a column limits the window of its pairs like the ends of the window.

**Velocity** is the derivative of the interpolating polynomial (Lagrange, Hermite), so it fits the positions; a table
that is interpolated linearly gives the interpolated velocities.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.backend import device_entry
from stmgpu.catalog.trajectories.interpolation import METHODS, is_even, weights, window_start, windows
from stmgpu.errors import InputError
from stmgpu.propagate.codes import CODE_ABSENT, CODE_DUMMY
from stmgpu.propagate.columns import columns_of, one_time_each
from stmgpu.propagate.elements import PAD
from stmgpu.propagate.instants import seconds_of_ns
from stmgpu.propagate.tabulated.free_orbit import free_orbit
from stmgpu.propagate.tabulated.roughness import measure
from stmgpu.time import NS_PER_DAY, UNIX_EPOCH_JD

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from stmgpu.backend import Backend
    from stmgpu.catalog.trajectories.trajectories import Trajectories
    from stmgpu.typing import BackendArray

BEYOND_S = 360.0
"""How far beyond its usable time a segment has states [s]: three node spacings, so that the two nodes around every
interval are good and the interpolation error between them can be measured from good neighbours."""

_TOGETHER = 16
"""Segments with one time axis that are interpolated together: weights are then computed once for all."""


class TabulatedPropagator:
    """Interpolation of trajectories: a :class:`~stmgpu.propagate.protocol.Propagator` whose columns are segments.

    Parameters
    ----------
    trajectories : Trajectories
        What to interpolate.
    backend : Backend
        Where it runs; see :func:`stmgpu.backend.get_backend`.
    start : tuple
        two-part Julian date (UTC) of t = 0.
    span_s : tuple
        First and last second after ``start`` that will be asked for; segments that have no states there are left out.

    Attributes
    ----------
    n : int
        segments (columns).
    n_pad : int
        columns with padding lanes, a multiple of 16; padding lanes have code 9.
    order : numpy.ndarray [n] int64
        object, as an index into the trajectories, of each column.
    segment : numpy.ndarray [n] int64
        segment of each column.
    usable_s : (begin [n_pad], end [n_pad])
        usable time of each column [s after start], backend arrays float64; both ends are included.
    meets_next : numpy.ndarray [n] int64
        column of the object's next segment where that begins the very instant this one ends, else -1.

    Raises
    ------
    InputError
        a span that is not finite or ends before it begins.

    Examples
    --------
    >>> from stmgpu.backend import get_backend
    >>> from stmgpu.catalog.synthetic import synthetic_catalog
    >>> from stmgpu.catalog.trajectories.trajectories import Trajectories
    >>> from stmgpu.propagate import propagate
    >>> eph = propagate(synthetic_catalog(3, seed=1), "2025-01-01", hours=2, step_s=60, backend="reference")
    >>> runner, start = get_backend("reference"), (2460676.5, 0.0)
    >>> table = TabulatedPropagator(Trajectories.from_dataset(eph), runner, start, (0.0, 7200.0))
    >>> states, codes = table.at([0, 1, 2], [90.0, 90.0, 7201.0])
    >>> states.shape, codes.tolist()
    ((6, 3), [0, 0, 0])

    Notes
    -----
    One instant of one column has the same bits in :meth:`grid` and :meth:`at`, alone or among others, on any host
    backend.
    """

    def __init__(
        self, trajectories: Trajectories, backend: Backend, start: tuple[float, float], span_s: tuple[float, float]
    ) -> None:
        if not np.isfinite([*start, *span_s]).all() or span_s[1] < span_s[0]:
            raise InputError(f"the time span {span_s} s after {start} must be finite and must not end before it begins")
        self.backend = backend
        self._trajectories = trajectories
        self._at_once = backend.array_chunk
        start_ns = round((start[0] - UNIX_EPOCH_JD) * NS_PER_DAY) + round(start[1] * NS_PER_DAY)
        usable = [seconds_of_ns(ns - start_ns) for ns in (trajectories.usable_start_ns, trajectories.usable_stop_ns)]
        in_span = (usable[0] - BEYOND_S <= span_s[1]) & (usable[1] + BEYOND_S >= span_s[0])
        self._reach_ns = (start_ns + round(span_s[0] * 1e9), start_ns + round(span_s[1] * 1e9))
        self._fill(trajectories, np.flatnonzero(in_span), usable, start_ns)

    def _fill(self, t: Trajectories, segments: NDArray[np.int64], usable: list[Any], start_ns: int) -> None:
        used, number = t.samples_used, np.array([METHODS.index(m) for m in t.method.tolist()], np.int64)
        groups: dict[tuple[Any, ...], list[int]] = {}
        for s in segments.tolist():
            axis = hashlib.blake2b(t.time_ns[t.offset[s] : t.offset[s + 1]].tobytes(), digest_size=16).digest()
            key = (axis, int(number[s]), int(used[s]), int(t.usable_start_ns[s]), int(t.usable_stop_ns[s]))
            groups.setdefault(key, []).append(s)
        self.segment = np.array([s for members in groups.values() for s in members], np.int64)
        self.n = len(self.segment)
        self.n_pad = max(-(-self.n // PAD), 1) * PAD
        self.order = t.segment_object[self.segment]
        put, n = self.backend.put, self.n
        begin, end = np.full(self.n_pad, np.inf), np.full(self.n_pad, -np.inf)
        begin[:n], end[:n] = (part[self.segment] for part in usable)
        self.usable_s = put(begin), put(end)
        self.meets_next = _touching(t, self.segment)

        # one table of positions, sample by sample: x of all columns of a group, then y, z; the same of velocities
        tables: list[list[NDArray[np.float64]]] = [[], []]
        axes: list[NDArray[np.float64]] = []
        self._shared: list[tuple[Any, ...]] = []
        column, samples = 0, 0
        per_column = {name: np.zeros(self.n_pad, np.int64) for name in ("axis", "base", "stride", "kind")}
        self._kinds = sorted({key[1:3] for key in groups})
        with_velocity = any(METHODS[number] != "lagrange" for number, _ in self._kinds)
        for key, members in groups.items():
            first, last = int(t.offset[members[0]]), int(t.offset[members[0] + 1])
            count, g = last - first, len(members)
            rows = t.offset[:-1][members][None, :] + np.arange(count)[:, None]
            for table, values in zip(tables, (t.position, t.velocity)[: 1 + with_velocity], strict=False):
                table.append(np.ascontiguousarray(values[rows].transpose(0, 2, 1)).reshape(-1))
            part = slice(column, column + g)
            per_column["axis"][part], per_column["stride"][part] = len(axes), g
            per_column["base"][part] = samples + np.arange(g)
            per_column["kind"][part] = self._kinds.index(key[1:3])
            if g >= _TOGETHER:
                self._shared.append((column, g, samples, len(axes), key[1:3]))
            axes.append(seconds_of_ns(t.time_ns[first:last] - start_ns))
            column, samples = column + g, samples + 3 * count * g
        self._single = put(
            np.setdiff1d(np.arange(n), [c for k, g, *_ in self._shared for c in range(k, k + g)]), np.int64
        )
        self._position = put(np.concatenate([*tables[0], np.empty(0)]))
        self._velocity = put(np.concatenate([*tables[1], np.empty(0)])) if with_velocity else self._position
        self._axis, self._base, self._stride, self._kind = (put(a) for a in per_column.values())
        self._set_axes(axes)
        self._set_windows([(t.time_ns[t.offset[m[0]] : t.offset[m[0] + 1]], key[2]) for key, m in groups.items()])

    def _set_windows(self, axes: list[tuple[NDArray[np.int64], int]]) -> None:
        """Windows of the axes whose steps differ much, one interval after another; others are counted off."""
        most = max((samples for _, samples in axes), default=0)
        self._host_windows = [None if is_even(time_ns) else windows(time_ns, samples) for time_ns, samples in axes]
        place, begin, rows = 0, np.full(max(len(axes), 1), -1, np.int64), [np.zeros((0, most), np.int32)]
        for k, chosen in enumerate(self._host_windows):
            if chosen is not None:
                begin[k], place = place, place + len(chosen)
                rows.append(np.pad(chosen, ((0, 0), (0, most - chosen.shape[1]))).astype(np.int32))
        self._window_of, self._windows = self.backend.put(begin), self.backend.put(np.concatenate(rows))

    def _set_axes(self, axes: list[NDArray[np.float64]]) -> None:
        """All time axes one after another, with rising keys, so that one search finds a time in any of them."""
        put = self.backend.put
        length = np.array([len(a) for a in axes] or [0], np.int64)
        first = np.array([a[0] for a in axes] or [0.0])
        self._apart = float(max((a[-1] - a[0] for a in axes), default=0.0)) + 1.0
        self._host_axes = axes
        self._times = put(np.concatenate([*axes, np.empty(0)]))
        self._keys = put(np.concatenate([*(a - a[0] + k * self._apart for k, a in enumerate(axes)), np.empty(0)]))
        self._length, self._first = put(length), put(first)
        self._offset = put(np.concatenate([[0], np.cumsum(length)[:-1]]).astype(np.int64))

    @device_entry
    def pads_km(self, half_step_s: float, node_step_s: float) -> BackendArray:
        """Additions to the interpolation error of each column in a screening [n_pad] [km]; 0 in padding.

        Parameters
        ----------
        half_step_s, node_step_s : float
            Half an interval of the screening, h, and the spacing of its nodes, T [s].

        Notes
        -----
        Twice the bound that :mod:`stmgpu.propagate.tabulated.roughness` derives, from measures that are taken once, or
        the bound of the interpolation error where that is larger.
        """
        h, t = half_step_s, node_step_s
        bend, jump, jump_rate, offset = self._roughness
        pads = np.zeros(self.n_pad)
        pads[: self.n] = 2.0 * (
            bend * (t * t / 16.0 + h * t / 2.0 + h * h / 2.0) + (jump + jump_rate * t) * (t / 8.0 + 2.0 * h) + offset
        )
        pads[: self.n] = np.maximum(pads[: self.n], self._trajectories.accuracy.error_km[self.segment])
        return self.backend.put(pads)

    @cached_property
    def _roughness(self) -> NDArray[np.float64]:
        return measure(self._trajectories, self.segment, self._reach_ns)

    @device_entry
    def grid(
        self, t_s: ArrayLike, out: tuple[BackendArray, BackendArray] | None = None
    ) -> tuple[BackendArray, BackendArray]:
        """All columns at all times; see :meth:`stmgpu.propagate.protocol.Propagator.grid`.

        Returns
        -------
        states, code
            backend arrays float64 [T, 6, n_pad] (TEME, km and km/s; NaN where the code is not 0) and int8 [T, n_pad]:
            0, 10 (outside the usable time and what is beyond it) or 9 (padding).
        """
        backend, xp, n = self.backend, self.backend.xp, self.n
        times = np.asarray(backend.get(t_s) if isinstance(t_s, xp.ndarray) else t_s, np.float64).reshape(-1)
        if out is None:
            out = backend.empty((len(times), 6, self.n_pad)), backend.empty((len(times), self.n_pad), np.int8)
        states, code = out
        if states.shape != (len(times), 6, self.n_pad) or code.shape != (len(times), self.n_pad):
            raise InputError(
                f"out has shapes {states.shape} and {code.shape}; for {len(times)} times they must be "
                f"{(len(times), 6, self.n_pad)} and {(len(times), self.n_pad)}"
            )
        states[:, :, n:], code[:, n:] = np.nan, CODE_DUMMY
        for group in self._shared:
            self._grid_group(group, times, states, code)
        single = len(self._single)
        for k in range(0, len(times) if single else 0, max(1, self._at_once // max(single, 1))):
            part = times[k : k + max(1, self._at_once // single)]
            columns, instants = xp.tile(self._single, len(part)), xp.repeat(backend.put(part), single)
            interpolated, codes = self.at(columns, instants, check=False)
            states[k : k + len(part), :, self._single] = interpolated.reshape(6, len(part), single).transpose(1, 0, 2)
            code[k : k + len(part), self._single] = codes.reshape(len(part), single)
        return states, code

    def _grid_group(
        self, group: tuple[Any, ...], times: NDArray[np.float64], states: BackendArray, code: BackendArray
    ) -> None:
        """Segments with one time axis: weights of each time once, then sums of contiguous rows."""
        column, g, base, axis_number, (number, samples) = group
        axis, xp = self._host_axes[axis_number], self.backend.xp
        columns = slice(column, column + g)
        low, high = (float(part[column]) for part in self.usable_s)
        clipped = np.minimum(np.maximum(times, low), high)
        interval = np.clip(np.searchsorted(axis, clipped, side="right") - 1, 0, len(axis) - 2)
        chosen = self._host_windows[axis_number]
        if chosen is None:
            start = window_start(np, interval, samples, len(axis))
            nodes = start[:, None] + np.arange(samples)
        else:
            nodes = chosen[interval]
        weight = weights(METHODS[number], [axis[nodes[:, j]] for j in range(samples)], clipped)
        tables = [
            table[base : base + 3 * g * len(axis)].reshape(len(axis), 3, g)
            for table in (self._position, self._velocity)
        ]
        for k in range(len(times)):
            beyond = float(times[k] - clipped[k])
            absent = not abs(beyond) <= BEYOND_S
            code[k, columns] = CODE_ABSENT if absent else 0
            if absent:
                states[k, :, columns] = np.nan
                continue
            first = int(nodes[k, 0])
            rows = slice(first, first + samples) if chosen is None else self.backend.put(nodes[k])
            state = xp.concatenate(
                [
                    _sum(
                        [
                            (w[k], row)
                            for part, table in zip(weight[c : c + 2], tables, strict=True)
                            for w, row in zip(part, table[rows], strict=bool(part))
                        ],
                    )
                    for c in (0, 2)
                ]
            )
            states[k, :, columns] = state if beyond == 0.0 else free_orbit(xp, state, beyond)

    @device_entry
    def at(
        self, index: ArrayLike, t_s: ArrayLike, *, trial: bool = False, check: bool = True
    ) -> tuple[BackendArray, BackendArray]:
        """Single columns at single times: the same numbers as :meth:`grid`.

        Parameters
        ----------
        index : array_like
            Columns [m]; host or backend array of integers.
        t_s : array_like
            Times [m], seconds after ``start``.
        trial : bool
            Without effect: trajectories end with their usable time, not with a decay.
        check : bool
            Whether to look for indices outside; see :meth:`stmgpu.propagate.protocol.Propagator.at`.

        Returns
        -------
        states, code
            backend arrays float64 [6, m] and int8 [m].

        Raises
        ------
        InputError
            different lengths, or an index outside [0, n_pad).
        """
        xp = self.backend.xp
        columns = columns_of(xp, index, self.n_pad if check else None)
        times = xp.ascontiguousarray(xp.asarray(t_s, np.float64).reshape(-1))
        one_time_each(columns, times)
        m = len(times)
        states, code = self.backend.empty((6, m)), self.backend.zeros(m, np.int8)
        for k in range(0, m, self._at_once):
            part = slice(k, k + self._at_once)
            self._at(columns[part].astype(np.int64), times[part], states[:, part], code[part])
        return states, code

    def _at(self, columns: BackendArray, times: BackendArray, states: BackendArray, code: BackendArray) -> None:
        xp = self.backend.xp
        low, high = self.usable_s[0][columns], self.usable_s[1][columns]
        clipped = xp.minimum(xp.maximum(times, low), high)
        beyond = times - clipped
        code[...] = xp.where(xp.abs(beyond) <= BEYOND_S, 0, CODE_ABSENT)  # NaN is absent, too
        code[columns >= self.n] = CODE_DUMMY
        states[...] = np.nan
        for number, kind in enumerate(self._kinds):
            rows = xp.flatnonzero((code == 0) & (self._kind[columns] == number))
            if len(rows):
                states[:, rows] = self._interpolate(kind, columns[rows], clipped[rows])
        rows = xp.flatnonzero((code == 0) & (beyond != 0.0))
        if len(rows):
            states[:, rows] = free_orbit(xp, states[:, rows], beyond[rows])

    def _interpolate(self, kind: tuple[int, int], columns: BackendArray, t: BackendArray) -> BackendArray:
        """States [6, m] of columns of one kind at times within their samples."""
        xp, (number, samples) = self.backend.xp, kind
        axis = self._axis[columns]
        offset, length = self._offset[axis], self._length[axis]
        interval = xp.searchsorted(self._keys, t - self._first[axis] + axis * self._apart, side="right") - 1 - offset
        interval = xp.maximum(xp.minimum(interval, length - 2), 0)
        # the keys of many axes are rounded to microseconds: the times themselves decide
        interval = xp.maximum(interval - (t < self._times[offset + interval]), 0)
        interval = xp.minimum(interval + (t >= self._times[offset + interval + 1]), length - 2)
        begin = window_start(xp, interval, samples, length)
        nodes = [begin + j for j in range(samples)]
        if len(self._windows):
            place = self._window_of[axis]
            chosen = self._windows[xp.maximum(place, 0) + xp.where(place < 0, 0, interval)]
            nodes = [xp.where(place < 0, nodes[j], chosen[:, j]) for j in range(samples)]
        weight = weights(METHODS[number], [self._times[offset + node] for node in nodes], t)
        stride, base = self._stride[columns], self._base[columns]
        rows = [xp.stack([base + (3 * node + a) * stride for a in range(3)]) for node in nodes]
        states: BackendArray = xp.concatenate(
            [
                _sum(
                    [
                        (w, table[row])
                        for part, table in zip(weight[c : c + 2], (self._position, self._velocity), strict=True)
                        for w, row in zip(part, rows, strict=bool(part))
                    ],
                )
                for c in (0, 2)
            ]
        )
        return states


def _sum(terms: list[tuple[BackendArray, BackendArray]]) -> BackendArray:
    """Sum of weight times row, in order: the same operations for one column as for many."""
    weight, row = terms[0]
    total = row * weight
    for weight, row in terms[1:]:
        total += row * weight
    return total


def _touching(t: Trajectories, segments: NDArray[np.int64]) -> NDArray[np.int64]:
    """Column of the segment that begins where a column's ends, else -1."""
    column = np.full(len(t.segment_object) + 1, -1, np.int64)
    column[segments] = np.arange(len(segments))
    following = np.minimum(segments + 1, len(t.segment_object) - 1)
    same = (t.segment_object[following] == t.segment_object[segments]) & (following > segments)
    return np.where(same & (t.usable_start_ns[following] == t.usable_stop_ns[segments]), column[following], -1)
