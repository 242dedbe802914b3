"""Narrow phase: refine candidates to local minima of distance with full SGP4 in float64.

The minimum of |dr|^2 is sought, not the root of dr . dv: SGP4's velocity is not the derivative of its position
(18 mm/s in the median and 40 m/s at worst on a real catalogue), which moves the root by up to seconds for slow pairs.
Derivatives are therefore central differences of positions.

A candidate whose squared distance is provably convex over its interval (v^2 > a d^2 with the tidal bound a d of the
relative acceleration) has one minimum at most: Newton's method from the straight-line time converges to it. The
others, co-moving pairs, are sampled in steps of :data:`WALK_STEP_S`; a minimum missed between two steps is shallower
than about a centimetre for pairs within 5 km, and than about a metre at 200 km.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.constants import WGS72
from stmgpu.screen.events import Events
from stmgpu.screen.vectors import dot
from stmgpu.screen.window_ends import END_EDGE, JUNCTION, START_EDGE, PairWindows, edge_events

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stmgpu.backend import Backend
    from stmgpu.propagate.protocol import Propagator
    from stmgpu.screen.broad_phase import Candidates
    from stmgpu.screen.plan import Plan
    from stmgpu.typing import BackendArray, Bools, Floats

DIFFERENCE_S = 0.5
"""Half width of the central differences [s]. Rounding moves a TCA by less than 1e-8 s; truncation by about d^2 a / 8 v,
below 1e-6 s for fast pairs within 5 km and up to 1e-4 s for a pair that passes at 200 km with 0.5 km/s."""

WALK_STEP_S = 15.0
"""Sampling step for pairs without a convexity proof [s]."""

EDGE_TOLERANCE_S = 1e-6
"""Minima up to this far outside the window count as inside [s]; times are printed to the microsecond."""

OVERLAP_S = 5e-4
"""Minima this close to an interval's end are accepted from both intervals [s], because the two methods differ by
truncation (see :data:`DIFFERENCE_S`); duplicates are removed afterwards."""

STATES_AT_ONCE = 200_000
"""Pairs whose states are held in memory at once; bounds the memory of all steps after the search."""


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
    """

    def __init__(self, propagator: Propagator, plan: Plan, backend: Backend) -> None:
        self.propagator, self.plan, self.backend = propagator, plan, backend
        self.xp, self.get = backend.xp, backend.get
        self.windows = PairWindows(propagator, plan, backend)

    def relative(
        self, i: BackendArray, j: BackendArray, t_s: BackendArray
    ) -> tuple[BackendArray, BackendArray, BackendArray]:
        """Relative states of pairs.

        Parameters
        ----------
        i, j : backend array, integer, shape (m,)
            Internal indices of the pairs.
        t_s : backend array, float64, shape (m,)
            Times [s after start].

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
        states, code = self.propagator.at(xp.concatenate([i, j]), xp.concatenate([t_s, t_s]))
        return states[:, :m], states[:, m:] - states[:, :m], (code[:m] != 0) | (code[m:] != 0)

    def on_host(self, i: np.ndarray, j: np.ndarray, t_s: np.ndarray) -> Iterator[tuple[slice, Floats, Floats, Bools]]:
        """Slices of bounded length of host arrays, each with the result of :meth:`relative` as host arrays."""
        put, get = self.backend.put, self.backend.get
        for begin in range(0, len(t_s), STATES_AT_ONCE):
            part = slice(begin, begin + STATES_AT_ONCE)
            state, difference, failed = self.relative(put(i[part]), put(j[part]), put(t_s[part]))
            yield part, get(state), get(difference), get(failed)

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
            candidates = candidates[
                (first <= last) & (plan.edge_s(candidates.row) <= last) & (plan.edge_s(candidates.row + 1) >= first)
            ]
        i, j, row = candidates.first, candidates.second, candidates.row
        edges = edge_events(self, i, j, row)
        t = plan.sample_s(row) + candidates.offset_s
        state, rel, bad = self.relative(i, j, t)
        speed, distance = xp.sqrt(dot(rel[3:], rel[3:])), xp.sqrt(dot(rel[:3], rel[:3]))
        radius = xp.sqrt(dot(state[:3], state[:3]))
        convex = self._convex(speed, distance, radius) & ~bad
        # one Newton step on dr . dv; further steps use central differences
        t = t - dot(rel[:3], rel[3:]) / xp.maximum(dot(rel[3:], rel[3:]), 1e-30)
        fast, lost = self._newton(i[convex], j[convex], row[convex], t[convex])
        walk, failed = self._walk(i[~convex], j[~convex], row[~convex])
        return self._in_window(Events.concatenate([edges, fast, walk])), lost + failed

    def _in_window(self, events: Events) -> Events:
        """Drop events outside the pairs' windows; move those within the tolerance of an edge onto it."""
        if len(events) == 0:
            return events
        put, get = self.backend.put, self.get
        first, last, _, _ = (get(a) for a in self.windows.of(put(events.first), put(events.second)))
        inside = (events.tca_s >= first - EDGE_TOLERANCE_S) & (events.tca_s <= last + EDGE_TOLERANCE_S)
        events.tca_s = np.clip(events.tca_s, first, np.maximum(first, last))
        return events[inside]

    def _convex(self, speed: BackendArray, distance: BackendArray, radius: BackendArray) -> BackendArray:
        """Whether |dr|^2 is provably convex over the interval, given a state inside it.

        The error of the SGP4 velocity is at most 0.2 km/s; times in the interval are at most 2 h (its length) away.
        """
        reach = self.plan.step_s
        farthest = distance + 1.05 * speed * reach
        tidal = 1.05 * 2.0 * WGS72.mu_km3_s2 / (radius - 8.0 * reach) ** 3
        slowest = speed - tidal * farthest * reach - 0.2
        return (slowest > 0.0) & (slowest * slowest > tidal * farthest * farthest)

    def _newton(self, i: BackendArray, j: BackendArray, row: BackendArray, t: BackendArray) -> tuple[Events, int]:
        """Refine single minima: iterate quadratics through three positions until the time converges.

        A minimum just outside the window becomes an event of that edge: the distance rises (or falls) at the edge, but
        the sign of the rate, on which `edge_events` relies, is uncertain this close to the minimum.
        """
        xp, plan = self.xp, self.plan
        m, d = len(t), DIFFERENCE_S
        if m == 0:
            return Events.concatenate([]), 0
        active = xp.arange(m)
        distance2, speed2, lost = xp.full(m, np.inf), xp.zeros(m), xp.zeros(m, bool)
        for _ in range(8):
            ti, ii, jj = t[active], i[active], j[active]
            k = len(active)
            _, rel, bad = self.relative(
                xp.concatenate([ii, ii, ii]), xp.concatenate([jj, jj, jj]), xp.concatenate([ti - d, ti, ti + d])
            )
            a, b, c = rel[:3, :k], rel[:3, k : 2 * k], rel[:3, 2 * k :]
            v, q = (c - a) / (2.0 * d), (c + a - 2.0 * b) / (2.0 * d * d)  # dr(s) = b + v s + q s^2
            s = xp.zeros(k)
            for _ in range(4):
                x, y = b + (v + q * s) * s, v + 2.0 * q * s
                s = s - dot(x, y) / xp.maximum(dot(y, y) + 2.0 * dot(x, q), 1e-30)
            x = b + (v + q * s) * s
            t[active] = ti + s
            failed = bad[:k] | bad[k : 2 * k] | bad[2 * k :]
            distance2[active], speed2[active], lost[active] = xp.where(failed, np.inf, dot(x, x)), dot(y, y), failed
            # repeat where the step exceeds the validity of the quadratic, unless the minimum lies too far away
            near = xp.abs(t[active] - plan.sample_s(row[active])) < 2.0 * plan.step_s
            active = active[(xp.abs(s) > d) & near & ~failed]
            if len(active) == 0:
                break
        first, last, joined_before, joined_after = self.windows.of(i, j)
        before, after = t < first - EDGE_TOLERANCE_S, t > last + EDGE_TOLERANCE_S
        inside = xp.where(before, first, xp.where(after, last, t))
        distance2 = distance2 + speed2 * (t - inside) ** 2
        keep = (
            (distance2 < plan.threshold_km**2)
            & (xp.abs(t - inside) < OVERLAP_S)
            & (first <= last)
            & (t >= plan.edge_s(row) - OVERLAP_S)
            & (t <= plan.edge_s(row + 1) + OVERLAP_S)
        )
        flags = xp.where(before, START_EDGE, xp.where(after, END_EDGE, 0)).astype(np.int32)
        flags |= xp.where((before & joined_before) | (after & joined_after), JUNCTION, 0).astype(np.int32)
        return self.events(i[keep], j[keep], inside[keep], self.get(flags[keep])), int(lost.sum())

    def _walk(self, i: BackendArray, j: BackendArray, row: BackendArray) -> tuple[Events, int]:
        """Find all minima of co-moving pairs from sign changes of the rate of |dr|^2 sampled over the interval."""
        xp, plan = self.xp, self.plan
        if len(row) == 0:
            return Events.concatenate([]), 0
        rate, dr, dv, bad = self.half_rate(i, j, plan.sample_s(row))
        h = plan.half_step_s
        speed, distance = xp.sqrt(dot(dv, dv)), xp.sqrt(dot(dr, dr))
        state, _, _ = self.relative(i, j, plan.sample_s(row))
        tidal = 1.05 * 2.0 * WGS72.mu_km3_s2 / (xp.sqrt(dot(state[:3], state[:3])) - 8.0 * h) ** 3
        farthest = distance + 1.05 * speed * h
        fastest = speed + tidal * farthest * h
        # the rate changes by at most h (v^2 + a d^2) from the middle: above that it keeps its sign (no minimum)
        turning = ~(xp.abs(rate) > 1.05 * h * (fastest * fastest + tidal * farthest * farthest))
        failed = int((bad & turning).sum())
        i, j, row = i[turning], j[turning], row[turning]
        parts = math.ceil(plan.step_s / WALK_STEP_S)
        brackets = []  # bisected together: kernel launches dominate the cost
        left, left_rate = plan.edge_s(row + 0.0), None
        for part in range(parts + 1):
            t = plan.edge_s(row + part / parts)
            rate, _, _, bad = self.half_rate(i, j, t)
            rate = xp.where(bad, np.nan, rate)
            if left_rate is not None:
                hit = (left_rate < 0.0) & (rate >= 0.0)
                brackets.append((i[hit], j[hit], left[hit], t[hit], left_rate[hit], rate[hit]))
            left, left_rate = t, rate
        i, j, low, high, low_rate, high_rate = (xp.concatenate(column) for column in zip(*brackets, strict=True))
        return self._bisect(i, j, low=low, high=high, low_rate=low_rate, high_rate=high_rate), failed

    def _bisect(
        self,
        i: BackendArray,
        j: BackendArray,
        *,
        low: BackendArray,
        high: BackendArray,
        low_rate: BackendArray,
        high_rate: BackendArray,
    ) -> Events:
        """Roots of the rate of |dr|^2 in brackets, by the Illinois variant of false position (Dowell, Jarratt 1971)."""
        xp = self.xp
        t = high.copy()
        active = xp.arange(len(t))
        low, high, low_rate, high_rate = low.copy(), high.copy(), low_rate.copy(), high_rate.copy()
        for _ in range(60):
            if len(active) == 0:
                break
            a, b, fa, fb = low[active], high[active], low_rate[active], high_rate[active]
            guess = a - fa * (b - a) / xp.where(fb > fa, fb - fa, 1.0)
            guess = xp.minimum(xp.maximum(guess, a), b)
            f, _, _, bad = self.half_rate(i[active], j[active], guess)
            right = f >= 0.0
            moved = xp.abs(guess - t[active])
            t[active] = guess
            low[active], high[active] = xp.where(right, a, guess), xp.where(right, guess, b)
            low_rate[active] = xp.where(right, 0.5 * fa, f)
            high_rate[active] = xp.where(right, f, 0.5 * fb)
            active = active[(moved > 1e-8) & (f != 0.0) & ~bad]
        _, rel, bad = self.relative(i, j, t)
        keep = (dot(rel[:3], rel[:3]) < self.plan.threshold_km**2) & ~bad
        return self.events(i[keep], j[keep], t[keep], 0)

    def events(self, i: BackendArray, j: BackendArray, t: BackendArray, flag: int | np.ndarray) -> Events:
        """Make events from arrays of the backend."""
        get = self.get
        return Events(get(i), get(j), get(t), np.full(len(t), flag, np.int32))
