"""Ends of the window: the time in which each pair can have events, and the events at its two ends.

Without trajectories that time is the window for every pair. A trajectory cuts it down to its usable time, and its
segments cut it again, at junctions.
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
    propagator
        of the run.
    plan
        of the run.
    backend
        the propagator's backend.

    Attributes
    ----------
    usable_s
        first and last usable time of every column of the propagator [s after start]; None without trajectories.
    """

    def __init__(self, propagator: Propagator, plan: Plan, backend: Backend) -> None:
        self.plan, self.backend = plan, backend
        self.usable_s = propagator.usable_s
        if self.usable_s is not None:
            following = propagator.meets_next
            ends, begins = np.zeros((2, propagator.n_pad), bool)
            ends[: len(following)], begins[following[following >= 0]] = following >= 0, True
            self._goes_on, self._went_before = backend.put(ends), backend.put(begins)

    def of(self, i: BackendArray, j: BackendArray) -> tuple[BackendArray, BackendArray, BackendArray, BackendArray]:
        """First and last time of each pair [s after start], and whether either is a junction of segments."""
        xp, duration_s = self.backend.xp, self.plan.duration_s
        if self.usable_s is None:
            return xp.zeros(len(i)), xp.full(len(i), duration_s), xp.zeros(len(i), bool), xp.zeros(len(i), bool)
        begin, end = self.usable_s
        first = xp.maximum(xp.maximum(begin[i], begin[j]), 0.0)
        last = xp.minimum(xp.minimum(end[i], end[j]), duration_s)
        before = first > 0.0
        after = last < duration_s
        for k in (i, j):
            before = before & ((begin[k] < first) | self._went_before[k])
            after = after & ((end[k] > last) | self._goes_on[k])
        return first, last, before, after


def edge_events(refiner: Refiner, i: BackendArray, j: BackendArray, row: BackendArray) -> Events:
    """Events of pairs within the threshold at their window's start that then part, or at its end while closing in.

    Parameters
    ----------
    refiner
        of the run.
    i, j, row
        internal indices of the pairs and the interval that is looked at [m].
    """
    plan, xp = refiner.plan, refiner.xp
    parts = []
    first, last, went_before, goes_on = refiner.windows.of(i, j)
    begins = xp.where(first > 0.0, (first >= plan.edge_s(row)) & (first < plan.edge_s(row + 1)), row == 0)
    ends = xp.where(
        last < plan.duration_s, (last > plan.edge_s(row)) & (last <= plan.edge_s(row + 1)), row == plan.rows - 1
    )
    for in_row, t_s, junction, flag in ((begins, first, went_before, START_EDGE), (ends, last, goes_on, END_EDGE)):
        at = xp.flatnonzero(in_row & (first <= last))
        if len(at) == 0:
            continue
        ii, jj, t = i[at], j[at], t_s[at]
        rate, _, _, bad = refiner.half_rate(ii, jj, t)
        _, rel, bad_at = refiner.relative(ii, jj, t)
        parting = rate >= 0.0 if flag == START_EDGE else rate < 0.0
        keep = (dot(rel[:3], rel[:3]) < plan.threshold_km**2) & parting & ~bad & ~bad_at
        flags = xp.where(junction[at], flag | JUNCTION, flag).astype(np.int32)
        parts.append(refiner.events(ii[keep], jj[keep], t[keep], refiner.get(flags[keep])))
    return Events.concatenate(parts)


def close_junctions(events: E) -> E:
    """Merge the edge events at junctions, the instants at which one segment of a trajectory follows another.

    A pair that closes in up to the junction and parts from it has a minimum there, a kink: both segments' edge events
    become one event without a flag. An edge event alone is no minimum, since the distance keeps falling or rising; it
    is dropped.
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
