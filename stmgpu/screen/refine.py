"""Narrow phase: full SGP4 in float64 at trial times, until every local minimum of distance is where it belongs.

The minimum of |dr|^2 is sought, not the root of dr . dv: SGP4's velocity is not the derivative of its position
(18 mm/s in the median and 40 m/s at worst on a real catalogue), which moves the root by up to seconds for slow pairs.
Derivatives are therefore central differences of positions.

A candidate whose squared distance is provably convex over its interval (v^2 > a d^2 with the tidal bound a d of the
relative acceleration) has one minimum at most: Newton from the straight-line time finds it. The others, pairs that
fly together, are walked in steps of :data:`WALK_STEP_S`; a minimum that comes and goes between two steps is shallower
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
"""Step in which pairs without a convexity proof are walked [s]."""

EDGE_TOLERANCE_S = 1e-6
"""A minimum this little outside the window counts as inside: a microsecond is what times are printed with."""

OVERLAP_S = 5e-4
"""A minimum this close to an interval's end is accepted from both sides, because two ways of finding it differ by
truncation (see :data:`DIFFERENCE_S`); duplicates are removed afterwards."""

STATES_AT_ONCE = 200_000
"""Pairs whose states are held at once [pairs]: bounds the memory of everything after the search."""


class Refiner:
    """Finds the minima that belong to candidates.

    Parameters
    ----------
    propagator
        full SGP4 over the window (plus :data:`DIFFERENCE_S` on both sides).
    plan
        the screening plan.
    backend
        the propagator's backend.
    """

    def __init__(self, propagator: Propagator, plan: Plan, backend: Backend) -> None:
        self.propagator, self.plan, self.backend = propagator, plan, backend
        self.xp, self.get = backend.xp, backend.get
        self.windows = PairWindows(propagator, plan, backend)

    def relative(
        self, i: BackendArray, j: BackendArray, t_s: BackendArray
    ) -> tuple[BackendArray, BackendArray, BackendArray]:
        """States at ``t_s``: (state of i [6, m], state of j minus state of i [6, m], whether either failed [m])."""
        xp, m = self.xp, len(t_s)
        states, code = self.propagator.at(xp.concatenate([i, j]), xp.concatenate([t_s, t_s]))
        return states[:, :m], states[:, m:] - states[:, :m], (code[:m] != 0) | (code[m:] != 0)

    def on_host(self, i: np.ndarray, j: np.ndarray, t_s: np.ndarray) -> Iterator[tuple[slice, Floats, Floats, Bools]]:
        """:meth:`relative` of host arrays of any length as host arrays, a bounded slice of them at a time."""
        put, get = self.backend.put, self.backend.get
        for k in range(0, len(t_s), STATES_AT_ONCE):
            s = slice(k, k + STATES_AT_ONCE)
            state, difference, failed = self.relative(put(i[s]), put(j[s]), put(t_s[s]))
            yield s, get(state), get(difference), get(failed)

    def half_rate(
        self, i: BackendArray, j: BackendArray, t_s: BackendArray
    ) -> tuple[BackendArray, BackendArray, BackendArray, BackendArray]:
        """Half the true rate of |dr|^2 at ``t_s`` [km^2/s], dr [3, m], true dv [3, m], whether anything failed."""
        xp, m, d = self.xp, len(t_s), DIFFERENCE_S
        _, rel, bad = self.relative(xp.concatenate([i, i]), xp.concatenate([j, j]), xp.concatenate([t_s - d, t_s + d]))
        a, b = rel[:3, :m], rel[:3, m:]
        return (dot(b, b) - dot(a, a)) / (4.0 * d), 0.5 * (a + b), (b - a) / (2.0 * d), bad[:m] | bad[m:]

    def refine(self, candidates: Candidates) -> tuple[Events, int]:
        """Minima below the threshold that lie in the candidates' intervals, and window-edge events.

        Returns the events (unsorted, possibly with duplicates at the ends of intervals and window) and how many
        candidates could not be evaluated because SGP4 failed at a trial time.
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
        # one Newton step on dr . dv; the differences take over from there
        t = t - dot(rel[:3], rel[3:]) / xp.maximum(dot(rel[3:], rel[3:]), 1e-30)
        fast, lost = self._newton(i[convex], j[convex], row[convex], t[convex])
        walk, failed = self._walk(i[~convex], j[~convex], row[~convex])
        return self._in_window(Events.concatenate([edges, fast, walk])), lost + failed

    def _in_window(self, events: Events) -> Events:
        """Drop what lies outside the pairs' windows; what is outside by the tolerance of an edge is moved onto it."""
        if len(events) == 0:
            return events
        put, get = self.backend.put, self.get
        first, last, _, _ = (get(a) for a in self.windows.of(put(events.first), put(events.second)))
        inside = (events.tca_s >= first - EDGE_TOLERANCE_S) & (events.tca_s <= last + EDGE_TOLERANCE_S)
        events.tca_s = np.clip(events.tca_s, first, np.maximum(first, last))
        return events[inside]

    def _convex(self, speed: BackendArray, distance: BackendArray, radius: BackendArray) -> BackendArray:
        """Whether |dr|^2 is provably convex over the interval, from a state inside it.

        The SGP4 velocity may be off by 0.2 km/s, and anything in the interval is at most 2 h away.
        """
        reach = self.plan.step_s
        farthest = distance + 1.05 * speed * reach
        tidal = 1.05 * 2.0 * WGS72.mu_km3_s2 / (radius - 8.0 * reach) ** 3
        slowest = speed - tidal * farthest * reach - 0.2
        return (slowest > 0.0) & (slowest * slowest > tidal * farthest * farthest)

    def _newton(self, i: BackendArray, j: BackendArray, row: BackendArray, t: BackendArray) -> tuple[Events, int]:
        """Single minima: quadratics through three positions, repeated until the time stands still.

        A minimum just outside the window becomes an event of that edge: the pair is parting (or closing in) there, and
        the rate's sign, which decides in `edge_events`, may be wrong this close to the minimum.
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
            # moved by more than the quadratics are good for, yet not out of reach: again
            near = xp.abs(t[active] - plan.sample_s(row[active])) < 2.0 * plan.step_s
            active = active[(xp.abs(s) > d) & near & ~failed]
            if len(active) == 0:
                break
        first, last, went_before, goes_on = self.windows.of(i, j)
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
        flags |= xp.where((before & went_before) | (after & goes_on), JUNCTION, 0).astype(np.int32)
        return self.events(i[keep], j[keep], inside[keep], self.get(flags[keep])), int(lost.sum())

    def _walk(self, i: BackendArray, j: BackendArray, row: BackendArray) -> tuple[Events, int]:
        """All minima of pairs that fly together: sign changes of the rate of |dr|^2 on a walk through the interval."""
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
        # the rate changes by at most h (v^2 + a d^2) from the middle: beyond that it has one sign, so no minimum
        turning = ~(xp.abs(rate) > 1.05 * h * (fastest * fastest + tidal * farthest * farthest))
        failed = int((bad & turning).sum())
        i, j, row = i[turning], j[turning], row[turning]
        parts = math.ceil(plan.step_s / WALK_STEP_S)
        brackets = []  # bisected together: launches cost most here
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
        """Events from arrays of the backend."""
        get = self.get
        return Events(get(i), get(j), get(t), np.full(len(t), flag, np.int32))
