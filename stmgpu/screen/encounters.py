"""Encounters: events with their states at TCA, and the entry and exit times of the threshold sphere.

Fast pairs cross the sphere on a chord: plus and minus sqrt(D^2 - d^2) / v around TCA. Slow pairs (docked, formation,
co-orbital) may stay inside for hours: their distance is sampled over the window and the crossings are bisected.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.propagate.grids import grid_on_host
from stmgpu.propagate.instants import in_ticks
from stmgpu.screen.events import Events
from stmgpu.screen.refine import Refiner
from stmgpu.screen.vectors import dot, norm, rtn

if TYPE_CHECKING:
    from stmgpu.backend import Backend
    from stmgpu.propagate.protocol import Propagator
    from stmgpu.propagate.screening_objects import ScreeningObjects
    from stmgpu.screen.plan import Plan

SLOW, ENTRY_BEFORE_START, EXIT_AFTER_END = 1, 8, 16

SAMPLE_S = 60.0
"""Step in which a slow pair's distance is sampled, from midnight on [s]; shorter excursions are not detected."""

_SAMPLES_AT_ONCE, _GRID_BYTES = 16_000_000, 16 << 20


@dataclass
class Encounters(Events):
    """Events by object instead of internal index, with the relative motion at the minimum; host arrays [m].

    ``first`` is the object with the lower id, ``second`` the other, as positions among the screened objects;
    ``miss_km``, ``speed_km_s`` [m] distance and relative speed at ``tca_s``; ``miss_rtn`` [m, 3] second minus first in
    the radial, transverse and normal axes of the first [km]; ``midpoint_km`` [m, 3] is midway between
    them, in TEME [km].
    """

    miss_km: np.ndarray
    speed_km_s: np.ndarray
    miss_rtn: np.ndarray
    midpoint_km: np.ndarray

    @staticmethod
    def join(parts: list[Encounters]) -> Encounters:
        """Join the encounters of several batches, in their order."""
        empty = Encounters(
            np.empty(0, np.int64),
            np.empty(0, np.int64),
            np.empty(0),
            np.empty(0, np.int32),
            np.empty(0),
            np.empty(0),
            np.empty((0, 3)),
            np.empty((0, 3)),
        )
        if len(parts) == 1:
            return parts[0]
        names = vars(empty)
        return Encounters(*(np.concatenate([getattr(p, name) for p in [empty, *parts]]) for name in names))


def encounters(refiner: Refiner, events: Events, ids: np.ndarray) -> Encounters:
    """Compute the relative motion of events at their minima; those that are not below the threshold are dropped.

    Parameters
    ----------
    refiner : Refiner
        Refiner of the run.
    events : Events
        Events by internal indices.
    ids : ndarray, shape (n,)
        NORAD id of every object, in the order of the objects.
    """
    order = refiner.propagator.order
    swap = ids[order[events.first]] > ids[order[events.second]]
    first = np.where(swap, events.second, events.first)
    second = np.where(swap, events.first, events.second)
    m = len(events)
    miss, speed, miss_rtn, midpoint = np.empty(m), np.empty(m), np.empty((m, 3)), np.empty((m, 3))
    for part, state, rel, _ in refiner.on_host(first, second, events.tca_s):
        miss[part], speed[part], miss_rtn[part] = norm(rel[:3]), norm(rel[3:]), rtn(state, rel[:3]).T
        midpoint[part] = (state[:3] + 0.5 * rel[:3]).T
    whole = Encounters(order[first], order[second], events.tca_s, events.flags, miss, speed, miss_rtn, midpoint)
    return whole[miss < refiner.plan.threshold_km]


def propagator_of(objects: ScreeningObjects, plan: Plan, backend: Backend, *, by_object: bool = False) -> Propagator:
    """Create the propagator of a plan. It always covers the whole window, so that all parts of a run agree."""
    span = (float(plan.node_s(plan.first_node - 1)) - 1.0, float(plan.node_s(plan.last_node + 1)) + 1.0)
    return objects.propagator(backend, plan.midnight, span, mode=plan.mode, by_object=by_object)


class Followed:
    """Full SGP4 over the window for the objects of slow pairs.

    Parameters
    ----------
    objects : ScreeningObjects
        All screened objects.
    positions : ndarray, integer
        Positions of the objects of slow pairs, in any order, possibly repeated.
    plan, backend : Plan, Backend
        Plan and backend of the run.
    """

    def __init__(self, objects: ScreeningObjects, positions: np.ndarray, plan: Plan, backend: Backend) -> None:
        self.plan = plan
        self._positions = np.unique(positions)
        propagator = propagator_of(objects[self._positions], plan, backend, by_object=True)
        self._place = np.argsort(propagator.order)
        self.refiner = Refiner(propagator, plan, backend)

    def internal(self, objects: np.ndarray) -> np.ndarray:
        """Internal indices of objects given by their positions."""
        return self._place[np.searchsorted(self._positions, objects)].astype(np.int32)


def entry_exit(events: Encounters, plan: Plan, followed: Followed | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute the entry and exit times of the threshold sphere.

    Parameters
    ----------
    events : Encounters
        m events.
    plan : Plan
        Plan of the run.
    followed : Followed, optional
        Objects of all events whose flag :data:`SLOW` is set; None without such events.

    Returns
    -------
    entry, exit : ndarray, shape (m,)
        Times [s after midnight]; a slow pair that is inside at an end of the window gets that end.
    flags : ndarray, int32, shape (m,)
        :data:`ENTRY_BEFORE_START` and :data:`EXIT_AFTER_END` of such pairs.
    """
    tca_s, miss_km, speed_km_s = events.tca_s, events.miss_km, events.speed_km_s
    chord = in_ticks(np, np.sqrt(np.maximum(plan.threshold_km**2 - miss_km**2, 0.0)) / np.maximum(speed_km_s, 1e-12))
    entry, leave, flags = tca_s - chord, tca_s + chord, np.zeros(len(tca_s), np.int32)
    slow = np.flatnonzero(events.flags & SLOW)
    if followed is None or len(slow) == 0:
        return entry, leave, flags
    refiner = followed.refiner
    first, second = followed.internal(events.first[slow]), followed.internal(events.second[slow])
    first_s = math.ceil(plan.start_s / SAMPLE_S) * SAMPLE_S
    samples = np.unique([plan.start_s, *np.arange(first_s, plan.end_s, SAMPLE_S), plan.end_s])
    pairs, member = np.unique(np.stack([first, second]), axis=1, return_inverse=True)
    member = member.reshape(-1)
    low, high = np.empty((2, len(slow))), np.empty((2, len(slow)))
    by_pair = np.argsort(member, kind="stable")
    begin = np.searchsorted(member, np.arange(pairs.shape[1] + 1), sorter=by_pair)
    per_chunk = max(1, _SAMPLES_AT_ONCE // len(samples))
    for k in range(0, pairs.shape[1], per_chunk):
        i, j = pairs[:, k : k + per_chunk]
        inside = _inside(followed, i, j, samples)
        for e in by_pair[begin[k] : begin[k + len(i)]]:
            tca, within = tca_s[slow[e]], inside[member[e] - k]
            at = int(np.searchsorted(samples, tca, side="right"))  # samples[at - 1] <= tca < samples[at]
            before, after = np.flatnonzero(~within[:at]), np.flatnonzero(~within[at:])
            low[:, e] = _bracket(samples, int(before[-1]), tca) if len(before) else (plan.start_s,) * 2
            high[:, e] = _bracket(samples, at + int(after[0]), tca) if len(after) else (plan.end_s,) * 2
    entry[slow] = _crossing(refiner, first, second, outside=low[0], inside=low[1])
    leave[slow] = _crossing(refiner, first, second, outside=high[0], inside=high[1])
    flags[slow] |= np.where(low[0] == low[1], ENTRY_BEFORE_START, 0).astype(np.int32)
    flags[slow] |= np.where(high[0] == high[1], EXIT_AFTER_END, 0).astype(np.int32)
    return entry, leave, flags


def _inside(followed: Followed, i: np.ndarray, j: np.ndarray, samples_s: np.ndarray) -> np.ndarray:
    """Whether pairs are inside the sphere at sample times, bool [pairs, samples]; each object is propagated once."""
    propagator, plan, backend = followed.refiner.propagator, followed.plan, followed.refiner.backend
    inside = np.empty((len(i), len(samples_s)), bool)
    count = max(1, _GRID_BYTES // (48 * propagator.n_pad))
    for k in range(0, len(samples_s), count):
        states, codes = grid_on_host(propagator, backend, samples_s[k : k + count])
        x, y, z = (states[:, axis, j] - states[:, axis, i] for axis in range(3))
        near = x * x + y * y + z * z < plan.threshold_km**2
        inside[:, k : k + count] = (near & (codes[:, i] == 0) & (codes[:, j] == 0)).T
    return inside


def _bracket(samples: np.ndarray, outside: int, tca: float) -> tuple[float, float]:
    """Bracket of a crossing: a sample outside the sphere and the next one towards ``tca`` (or ``tca``) inside it."""
    t = float(samples[outside])
    if t <= tca:
        return t, min(float(samples[outside + 1]) if outside + 1 < len(samples) else tca, tca)
    return t, max(float(samples[outside - 1]) if outside else tca, tca)


def _excess(refiner: Refiner, i: np.ndarray, j: np.ndarray, t_s: np.ndarray) -> np.ndarray:
    """Excess |dr|^2 - D^2 [km^2] as a host array, infinite where SGP4 fails."""
    excess = np.empty(len(t_s))
    for part, _, rel, bad in refiner.on_host(i, j, t_s):
        excess[part] = np.where(bad, np.inf, dot(rel[:3], rel[:3]) - refiner.plan.threshold_km**2)
    return excess


def _crossing(refiner: Refiner, i: np.ndarray, j: np.ndarray, *, outside: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Bisect the crossing between a time outside and a time inside the sphere to below a microsecond."""
    outside, inside = outside.copy(), inside.copy()
    for _ in range(28):
        if not np.any(np.abs(outside - inside) > 5e-7):
            break
        middle = in_ticks(np, 0.5 * (outside + inside))
        out = _excess(refiner, i, j, middle) >= 0.0
        outside, inside = np.where(out, middle, outside), np.where(out, inside, middle)
    return inside
