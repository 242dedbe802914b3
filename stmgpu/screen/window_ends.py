"""Window of each pair, and the events at its two ends.

Without trajectories every pair has the window of the screening. A trajectory limits it to its usable span, and its
segments divide it at junctions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.screen.events import DUPLICATE_S, E, Events
from stmgpu.screen.vectors import dot

if TYPE_CHECKING:
    from stmgpu.backend import Backend
    from stmgpu.propagate.protocol import Propagator
    from stmgpu.screen.plan import Plan
    from stmgpu.screen.refine import Refiner
    from stmgpu.typing import BackendArray

START_EDGE, END_EDGE = 2, 4

JUNCTION = 256
"""Flag of an edge event at which another segment of the trajectory follows; :func:`close_junctions` clears it."""


class PairWindows:
    """Times between which pairs can have events.

    Parameters
    ----------
    propagator : Propagator
        Propagator of the run.
    plan : Plan
        Plan of the run.
    backend : Backend
        Backend of the propagator.

    Attributes
    ----------
    usable_s : tuple of backend arrays, optional
        First and last usable time of every column of the propagator [s after midnight]; None without trajectories.
    """

    def __init__(self, propagator: Propagator, plan: Plan, backend: Backend) -> None:
        self.plan, self.backend = plan, backend
        self.usable_s = propagator.usable_s
        if self.usable_s is not None:
            following = propagator.meets_next
            ends, begins = np.zeros((2, propagator.n_pad), bool)
            ends[: len(following)], begins[following[following >= 0]] = following >= 0, True
            self._joined_after, self._joined_before = backend.put(ends), backend.put(begins)

    def of(self, i: BackendArray, j: BackendArray) -> tuple[BackendArray, BackendArray, BackendArray, BackendArray]:
        """First and last time of each pair [s after midnight], and whether either is a junction of segments."""
        xp, start_s, end_s = self.backend.xp, self.plan.start_s, self.plan.end_s
        if self.usable_s is None:
            return xp.full(len(i), start_s), xp.full(len(i), end_s), xp.zeros(len(i), bool), xp.zeros(len(i), bool)
        begin, end = self.usable_s
        first = xp.maximum(xp.maximum(begin[i], begin[j]), start_s)
        last = xp.minimum(xp.minimum(end[i], end[j]), end_s)
        before = first > start_s
        after = last < end_s
        for column in (i, j):
            before = before & ((begin[column] < first) | self._joined_before[column])
            after = after & ((end[column] > last) | self._joined_after[column])
        return first, last, before, after


def edge_events(refiner: Refiner, i: BackendArray, j: BackendArray, row: BackendArray) -> Events:
    """Events of pairs within the threshold that separate at the start of their window or approach at its end.

    Parameters
    ----------
    refiner : Refiner
        Refiner of the run.
    i, j : backend array, integer, shape (m,)
        Internal indices of the pairs.
    row : backend array, int64, shape (m,)
        Interval in which to look for the ends of each pair's window.
    """
    plan, xp = refiner.plan, refiner.xp
    parts = []
    first, last, joined_before, joined_after = refiner.windows.of(i, j)
    begins = xp.where(first > plan.start_s, (first >= plan.edge_s(row)) & (first < plan.edge_s(row + 1)), row == 0)
    ends = xp.where(last < plan.end_s, (last > plan.edge_s(row)) & (last <= plan.edge_s(row + 1)), row == plan.rows - 1)
    for in_row, t_s, junction, flag in (
        (begins, first, joined_before, START_EDGE),
        (ends, last, joined_after, END_EDGE),
    ):
        at = xp.flatnonzero(in_row & (first <= last))
        if len(at) == 0:
            continue
        ii, jj, t = i[at], j[at], t_s[at]
        rate, _, _, bad = refiner.half_rate(ii, jj, t)
        _, rel, bad_at = refiner.relative(ii, jj, t)
        parting = rate >= 0.0 if flag == START_EDGE else rate < 0.0
        keep = xp.flatnonzero((dot(rel[:3], rel[:3]) < refiner.gate_km2) & parting & ~bad & ~bad_at)
        flags = xp.where(junction[at], flag | JUNCTION, flag).astype(np.int32)
        parts.append(refiner.events(ii[keep], jj[keep], t[keep], refiner.get(flags[keep])))
    return Events.concatenate(parts)


def close_junctions(events: E) -> E:
    """Merge the edge events at junctions, the instants at which one segment of a trajectory follows another.

    A pair that approaches up to the junction and separates after it has a minimum at the junction, a kink: the edge
    events of both segments become one event without a flag. A single edge event is no minimum, since the distance
    keeps falling or rising; it is dropped.
    """
    marked = np.flatnonzero(events.flags & JUNCTION)
    if len(marked) == 0:
        return events
    part = events[marked]
    order = np.lexsort((part.tca_s, part.second, part.first))
    ends = (part.flags & END_EDGE)[order] != 0
    same = (np.diff(part.first[order]) == 0) & (np.diff(part.second[order]) == 0)
    close = same & (np.diff(part.tca_s[order]) < DUPLICATE_S) & (np.diff(ends.astype(np.int8)) != 0)
    keep = np.ones(len(events), bool)
    keep[marked] = False
    kinks = marked[order[np.flatnonzero(close)]]
    keep[kinks] = True
    events.flags[kinks] &= ~(START_EDGE | END_EDGE | JUNCTION)
    return events[keep]
