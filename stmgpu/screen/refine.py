"""Narrow phase: refine candidates to local minima of distance with full SGP4 in float64.

The minimum of |dr|^2 is sought, not the root of dr . dv: SGP4's velocity is not the derivative of its position
(18 mm/s in the median and 40 m/s at worst on a real catalogue), which moves the root by up to seconds for slow pairs.
Derivatives are therefore central differences of positions.

A candidate whose squared distance is provably convex over its interval (v^2 > a d^2 with the tidal bound a d of the
relative acceleration) has one minimum at most: Newton's method from the straight-line time converges to it. The
others, co-moving pairs, are sampled at whole multiples of :data:`WALK_STEP_S`; a minimum missed between two samples is
shallower than about a centimetre for pairs within 5 km, and than about a metre at 200 km.

**Last digits.** A minimum has the same bits from whichever interval, step, part or window it is found. Trial times are
whole ticks after midnight (:mod:`stmgpu.propagate.instants`). A bracket of a co-moving pair lies between two samples,
which do not depend on the intervals, so its root does not either. Minima of faster pairs, from both methods, end at the
fixed point of Newton's method over a grid of anchors (:mod:`stmgpu.screen.fixed_point`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend.parts import in_parts
from stmgpu.constants import SLOW_PAIR_KM_S, WGS72
from stmgpu.propagate.instants import in_ticks
from stmgpu.screen.events import Events
from stmgpu.screen.fixed_point import DIFFERENCE_S, Minima, settle
from stmgpu.screen.vectors import cube, dot
from stmgpu.screen.window_ends import END_EDGE, JUNCTION, START_EDGE, PairWindows, edge_events

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from stmgpu.backend import Backend
    from stmgpu.propagate.protocol import Propagator
    from stmgpu.screen.broad_phase import Candidates
    from stmgpu.screen.plan import Plan
    from stmgpu.typing import BackendArray, Bools, Floats

WALK_STEP_S = 15.0
"""Sampling step for pairs without a convexity proof [s]; samples are whole multiples of it after midnight."""

OVERLAP_S = 5e-4
"""Minima this close to an interval's end are accepted from both intervals [s], and minima this close to the window's
end become events of that end: the sign of the rate, on which the edge events rely, is uncertain there, because it and
the minimum stem from different differences (see :data:`DIFFERENCE_S`). Duplicates are removed afterwards."""

THRESHOLD_SLACK_KM = 1e-6
"""Events this far above the threshold are still refined [km]; the distance at the final time decides."""

SETTLE_REACH_S = 0.25
"""Farthest that a root of a walked pair may settle from where it was found [s]; other roots stay."""

STATES_AT_ONCE = 200_000
"""Pairs whose states are held in memory at once; bounds the memory of all steps after the search."""

_BYTES_PER_PAIR = 1200
"""Working arrays of a pair while it is refined."""


class Refiner:
    """Search for the minima of distance of candidate pairs.

    Parameters
    ----------
    propagator : Propagator
        Full SGP4 over the window (plus :data:`DIFFERENCE_S` on both sides).
    plan : Plan
        Screening plan.
    backend : Backend
        Backend of the propagator.

    Attributes
    ----------
    at_once : int
        Pairs to refine at once: :data:`STATES_AT_ONCE`, or fewer on a device of little memory.
    """

    def __init__(self, propagator: Propagator, plan: Plan, backend: Backend) -> None:
        self.propagator, self.plan, self.backend = propagator, plan, backend
        self.get = backend.get
        self.windows = PairWindows(propagator, plan, backend)
        self.gate_km2 = (plan.threshold_km + THRESHOLD_SLACK_KM) ** 2
        self.at_once = max(1, min(STATES_AT_ONCE, backend.memory_bytes() // (4 * _BYTES_PER_PAIR)))

    @property
    def xp(self) -> ModuleType:
        """The backend's array module, asked for anew so that its device is the current one."""
        return self.backend.xp

    def relative(
        self, i: BackendArray, j: BackendArray, t_s: BackendArray, *, trial: bool = True
    ) -> tuple[BackendArray, BackendArray, BackendArray]:
        """Relative states of pairs.

        Parameters
        ----------
        i, j : backend array, integer, shape (m,)
            Internal indices of the pairs.
        t_s : backend array, float64, shape (m,)
            Times [s after midnight].
        trial : bool
            Whether decayed objects have states, too: differences around a minimum on the last day reach beyond it.

        Returns
        -------
        state : backend array, float64, shape (6, m)
            State of ``i`` [km, km/s].
        relative : backend array, float64, shape (6, m)
            State of ``j`` minus state of ``i`` [km, km/s].
        failed : backend array, bool, shape (m,)
            Whether the propagation of either object failed.
        """
        xp, m = self.xp, len(t_s)
        objects, times = xp.concatenate([i, j]), xp.concatenate([t_s, t_s])
        states, code = self.propagator.at(objects, times, trial=trial, check=False)
        return states[:, :m], states[:, m:] - states[:, :m], (code[:m] != 0) | (code[m:] != 0)

    def on_host(self, i: np.ndarray, j: np.ndarray, t_s: np.ndarray) -> Iterator[tuple[slice, Floats, Floats, Bools]]:
        """Slices of bounded length of host arrays, each with the result of :meth:`relative` as host arrays.

        Times are final ones: decayed objects have no state.
        """
        put, get = self.backend.put, self.backend.get

        def states(part: slice) -> tuple[Floats, Floats, Bools]:
            state, difference, failed = self.relative(put(i[part]), put(j[part]), put(t_s[part]), trial=False)
            whole = get(self.xp.concatenate([state, difference, failed[None].astype(np.float64)]))  # one wait
            return whole[:6], whole[6:12], whole[12] != 0.0

        for part, (state, difference, failed) in in_parts(self.backend, len(t_s), self.at_once, states):
            yield part, state, difference, failed

    def half_rate(
        self, i: BackendArray, j: BackendArray, t_s: BackendArray
    ) -> tuple[BackendArray, BackendArray, BackendArray, BackendArray]:
        """Half the rate of |dr|^2 at ``t_s`` [km^2/s], dr [3, m], dv [3, m] and failures [m] by central differences."""
        xp, m, d = self.xp, len(t_s), DIFFERENCE_S
        _, rel, bad = self.relative(xp.concatenate([i, i]), xp.concatenate([j, j]), xp.concatenate([t_s - d, t_s + d]))
        a, b = rel[:3, :m], rel[:3, m:]
        return (dot(b, b) - dot(a, a)) / (4.0 * d), 0.5 * (a + b), (b - a) / (2.0 * d), bad[:m] | bad[m:]

    def refine(self, candidates: Candidates) -> tuple[Events, int]:
        """Find the minima below the threshold in the intervals of candidates, and the events at window edges.

        Returns
        -------
        events : Events
            Unsorted, possibly with duplicates at the ends of intervals and of the window.
        failed : int
            Number of candidates that could not be evaluated because SGP4 failed at a trial time.
        """
        xp, plan = self.xp, self.plan
        if len(candidates) == 0:
            return Events.concatenate([]), 0
        if self.windows.usable_s is not None:
            first, last, _, _ = self.windows.of(candidates.first, candidates.second)
            inside = (plan.edge_s(candidates.row) <= last) & (plan.edge_s(candidates.row + 1) >= first)
            candidates = candidates[xp.flatnonzero((first <= last) & inside)]
        i, j, row = candidates.first, candidates.second, candidates.row
        edges = edge_events(self, i, j, row)
        t = plan.sample_s(row) + candidates.offset_s
        state, rel, bad = self.relative(i, j, t)
        speed, distance = xp.sqrt(dot(rel[3:], rel[3:])), xp.sqrt(dot(rel[:3], rel[:3]))
        radius = xp.sqrt(dot(state[:3], state[:3]))
        convex = self._convex(speed, distance, radius) & ~bad
        # one Newton step on dr . dv; further steps use central differences
        t = t - dot(rel[:3], rel[3:]) / xp.maximum(dot(rel[3:], rel[3:]), 1e-30)
        one, many = xp.flatnonzero(convex), xp.flatnonzero(~convex)
        fast, lost = self._newton(i[one], j[one], row[one], t[one])
        walk, failed = self._walk(i[many], j[many], row[many])
        return Events.concatenate([edges, fast, walk]), lost + failed

    def _convex(self, speed: BackendArray, distance: BackendArray, radius: BackendArray) -> BackendArray:
        """Whether |dr|^2 is provably convex over the interval, given a state inside it.

        The error of the SGP4 velocity is at most 0.2 km/s; times in the interval are at most 2 h (its length) away.
        """
        reach = self.plan.step_s
        farthest = distance + 1.05 * speed * reach
        tidal = 1.05 * 2.0 * WGS72.mu_km3_s2 / cube(radius - 8.0 * reach)
        slowest = speed - tidal * farthest * reach - 0.2
        return (slowest > 0.0) & (slowest * slowest > tidal * farthest * farthest)

    def _newton(self, i: BackendArray, j: BackendArray, row: BackendArray, t: BackendArray) -> tuple[Events, int]:
        """Refine single minima of an interval from approximate times."""
        plan = self.plan
        if len(t) == 0:
            return Events.concatenate([]), 0
        found = settle(self, i, j, t, middle_s=plan.sample_s(row), reach_s=2.0 * plan.step_s)
        inside = (found.t_s >= plan.edge_s(row) - OVERLAP_S) & (found.t_s <= plan.edge_s(row + 1) + OVERLAP_S)
        mine = self.xp.flatnonzero(inside)
        return self._in_window(i[mine], j[mine], found[mine]), int(found.failed.sum())

    def _in_window(self, i: BackendArray, j: BackendArray, minima: Minima) -> Events:
        """Events of the minima inside the pairs' windows; those just outside become events of that end."""
        xp, t = self.xp, minima.t_s
        first, last, joined_before, joined_after = self.windows.of(i, j)
        before, after = t < first, t > last
        inside = xp.where(before, first, xp.where(after, last, t))
        outside_s = t - inside
        distance2 = minima.distance2 + minima.speed2 * (outside_s * outside_s)
        near = (distance2 < self.gate_km2) & (xp.abs(outside_s) < OVERLAP_S)
        keep = xp.flatnonzero(near & (first <= last) & ~minima.failed)
        flags = xp.where(before, START_EDGE, xp.where(after, END_EDGE, 0)).astype(np.int32)
        flags |= xp.where((before & joined_before) | (after & joined_after), JUNCTION, 0).astype(np.int32)
        return self.events(i[keep], j[keep], inside[keep], self.get(flags[keep]))

    def _walk(self, i: BackendArray, j: BackendArray, row: BackendArray) -> tuple[Events, int]:
        """Find all minima of co-moving pairs from sign changes of the rate of |dr|^2 sampled over the interval."""
        xp, plan = self.xp, self.plan
        if len(row) == 0:
            return Events.concatenate([]), 0
        rate, dr, dv, bad = self.half_rate(i, j, plan.sample_s(row))
        h = plan.half_step_s
        speed, distance = xp.sqrt(dot(dv, dv)), xp.sqrt(dot(dr, dr))
        state, _, _ = self.relative(i, j, plan.sample_s(row))
        tidal = 1.05 * 2.0 * WGS72.mu_km3_s2 / cube(xp.sqrt(dot(state[:3], state[:3])) - 8.0 * h)
        farthest = distance + 1.05 * speed * h
        fastest = speed + tidal * farthest * h
        # the rate changes by at most h (v^2 + a d^2) from the middle: above that it keeps its sign (no minimum)
        turning = ~(xp.abs(rate) > 1.05 * h * (fastest * fastest + tidal * farthest * farthest))
        failed, walked = int((bad & turning).sum()), xp.flatnonzero(turning)
        i, j, row = i[walked], j[walked], row[walked]
        begin = xp.floor(plan.edge_s(row) / WALK_STEP_S) * WALK_STEP_S
        brackets = []  # bisected together: kernel launches dominate the cost
        left_rate = None
        for part in range(math.ceil(plan.step_s / WALK_STEP_S) + 2):
            t = begin + part * WALK_STEP_S
            rate, _, _, bad = self.half_rate(i, j, t)
            rate = xp.where(bad, np.nan, rate)
            if left_rate is not None:
                turned = (left_rate < 0.0) & (rate >= 0.0)
                hit = xp.flatnonzero(turned & (t - WALK_STEP_S < plan.edge_s(row + 1)))
                brackets.append((i[hit], j[hit], t[hit] - WALK_STEP_S, left_rate[hit], rate[hit]))
            left_rate = rate
        i, j, low, low_rate, high_rate = (xp.concatenate(column) for column in zip(*brackets, strict=True))
        return self._in_window(i, j, self._bisect(i, j, low, low_rate=low_rate, high_rate=high_rate)), failed

    def _bisect(
        self,
        i: BackendArray,
        j: BackendArray,
        begin_s: BackendArray,
        *,
        low_rate: BackendArray,
        high_rate: BackendArray,
    ) -> Minima:
        """Minima in brackets of one walk step, where the rate of |dr|^2 changes its sign.

        The Illinois variant of false position (Dowell, Jarratt 1971), with times counted from the bracket's begin.
        """
        xp, m = self.xp, len(begin_s)
        low, high, t = xp.zeros(m), xp.full(m, WALK_STEP_S), xp.full(m, WALK_STEP_S)
        active = xp.arange(m)
        low_rate, high_rate = low_rate.copy(), high_rate.copy()
        for _ in range(60):
            if len(active) == 0:
                break
            a, b, fa, fb = low[active], high[active], low_rate[active], high_rate[active]
            guess = in_ticks(xp, a - fa * (b - a) / xp.where(fb > fa, fb - fa, 1.0))
            guess = xp.minimum(xp.maximum(guess, a), b)
            f, _, _, bad = self.half_rate(i[active], j[active], begin_s[active] + guess)
            right = f >= 0.0
            moved = xp.abs(guess - t[active])
            t[active] = guess
            low[active], high[active] = xp.where(right, a, guess), xp.where(right, guess, b)
            low_rate[active], high_rate[active] = xp.where(right, 0.5 * fa, f), xp.where(right, f, 0.5 * fb)
            active = active[(moved > 1e-8) & (f != 0.0) & ~bad]
        t = begin_s + t
        _, rel, bad = self.relative(i, j, t)
        minima = Minima(t, dot(rel[:3], rel[:3]), dot(rel[3:], rel[3:]), bad)
        fast = xp.flatnonzero((minima.speed2 > SLOW_PAIR_KM_S**2) & ~bad)
        if len(fast):
            settled = settle(self, i[fast], j[fast], t[fast], middle_s=t[fast], reach_s=SETTLE_REACH_S)
            near = xp.flatnonzero((xp.abs(settled.t_s - t[fast]) < SETTLE_REACH_S) & ~settled.failed)
            minima.replace(fast[near], settled[near])
        return minima

    def events(self, i: BackendArray, j: BackendArray, t: BackendArray, flag: int | np.ndarray) -> Events:
        """Make events from arrays of the backend."""
        get = self.get
        return Events(get(i), get(j), get(t), np.full(len(t), flag, np.int32))
