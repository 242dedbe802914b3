"""Events with their states, and when a pair enters and leaves the threshold sphere around a minimum of distance.

Fast pairs cross it on a chord: plus and minus sqrt(D^2 - d^2) / v around TCA. Slow pairs (docked, formation,
co-orbital) may stay inside for hours: their distance is sampled over the window and the crossings are bisected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

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
"""Sampling of a slow pair's distance [s]: a shorter excursion out of the sphere is not noticed."""

_SAMPLES_AT_ONCE, _GRID_BYTES = 16_000_000, 16 << 20


@dataclass
class Encounters(Events):
    """Events by object instead of internal index, with what the states at the minimum say; host arrays [m].

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
        """All encounters of several batches, in their order."""
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
    """States of events at their minima.

    Parameters
    ----------
    refiner
        of the run.
    events
        internal indices.
    ids
        NORAD id of every object [n], in the objects' order.
    """
    order = refiner.propagator.order
    swap = ids[order[events.first]] > ids[order[events.second]]
    first = np.where(swap, events.second, events.first)
    second = np.where(swap, events.first, events.second)
    m = len(events)
    miss, speed, miss_rtn, midpoint = np.empty(m), np.empty(m), np.empty((m, 3)), np.empty((m, 3))
    for s, state, rel, _ in refiner.on_host(first, second, events.tca_s):
        miss[s], speed[s], miss_rtn[s] = norm(rel[:3]), norm(rel[3:]), rtn(state, rel[:3]).T
        midpoint[s] = (state[:3] + 0.5 * rel[:3]).T
    return Encounters(order[first], order[second], events.tca_s, events.flags, miss, speed, miss_rtn, midpoint)


def propagator_of(objects: ScreeningObjects, plan: Plan, backend: Backend, *, by_object: bool = False) -> Propagator:
    """The propagator of a plan's window. Every part of a run makes it for the whole window, so that all agree."""
    span = (float(plan.node_s(plan.first_node - 1)) - 1.0, float(plan.node_s(plan.last_node + 1)) + 1.0)
    return objects.propagator(backend, plan.start, span, mode=plan.mode, by_object=by_object)


class Followed:
    """Full SGP4 over the window for some of the objects: those of the pairs that fly together.

    Parameters
    ----------
    objects
        all screened objects.
    which
        positions of those to follow, in any order and number.
    plan, backend
        of the run.
    """

    def __init__(self, objects: ScreeningObjects, which: np.ndarray, plan: Plan, backend: Backend) -> None:
        self.plan = plan
        self._which = np.unique(which)
        propagator = propagator_of(objects[self._which], plan, backend, by_object=True)
        self._place = np.argsort(propagator.order)
        self.refiner = Refiner(propagator, plan, backend)

    def internal(self, objects: np.ndarray) -> np.ndarray:
        """Internal indices of objects given by their positions."""
        return self._place[np.searchsorted(self._which, objects)].astype(np.int32)


def entry_exit(events: Encounters, plan: Plan, followed: Followed | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Entry and exit times of the threshold sphere.

    Parameters
    ----------
    events
        m events.
    plan
        of the run.
    followed
        the objects of all events whose flag :data:`SLOW` is set; None where there is no such event.

    Returns
    -------
    entry [s after start], exit [s after start], flags (:data:`ENTRY_BEFORE_START`, :data:`EXIT_AFTER_END`), each [m].
    A slow pair that is inside at an end of the window gets that end and the flag.
    """
    tca_s, miss_km, speed_km_s = events.tca_s, events.miss_km, events.speed_km_s
    chord = np.sqrt(np.maximum(plan.threshold_km**2 - miss_km**2, 0.0)) / np.maximum(speed_km_s, 1e-12)
    entry, leave, flags = tca_s - chord, tca_s + chord, np.zeros(len(tca_s), np.int32)
    slow = np.flatnonzero(events.flags & SLOW)
    if followed is None or len(slow) == 0:
        return entry, leave, flags
    refiner = followed.refiner
    first, second = followed.internal(events.first[slow]), followed.internal(events.second[slow])
    samples = np.append(np.arange(0.0, plan.duration_s, SAMPLE_S), plan.duration_s)
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
            low[:, e] = _bracket(samples, int(before[-1]), tca) if len(before) else (0.0, 0.0)
            high[:, e] = _bracket(samples, at + int(after[0]), tca) if len(after) else (plan.duration_s,) * 2
    entry[slow] = _crossing(refiner, first, second, outside=low[0], inside=low[1])
    leave[slow] = _crossing(refiner, first, second, outside=high[0], inside=high[1])
    flags[slow] |= np.where(low[0] == low[1], ENTRY_BEFORE_START, 0).astype(np.int32)
    flags[slow] |= np.where(high[0] == high[1], EXIT_AFTER_END, 0).astype(np.int32)
    return entry, leave, flags


def _inside(followed: Followed, i: np.ndarray, j: np.ndarray, samples_s: np.ndarray) -> np.ndarray:
    """Whether pairs are inside the sphere at times, bool [pairs, samples]; all objects are propagated once."""
    propagator, plan, get = followed.refiner.propagator, followed.plan, followed.refiner.get
    inside = np.empty((len(i), len(samples_s)), bool)
    count = max(1, _GRID_BYTES // (48 * propagator.n_pad))
    for k in range(0, len(samples_s), count):
        states, codes = (get(a) for a in propagator.grid(samples_s[k : k + count]))
        x, y, z = (states[:, axis, j] - states[:, axis, i] for axis in range(3))
        near = x * x + y * y + z * z < plan.threshold_km**2
        inside[:, k : k + count] = (near & (codes[:, i] == 0) & (codes[:, j] == 0)).T
    return inside


def _bracket(samples: np.ndarray, outside: int, tca: float) -> tuple[float, float]:
    """(a time outside the sphere, a time inside it next to that one): the next sample towards ``tca``, or ``tca``."""
    t = float(samples[outside])
    if t <= tca:
        return t, min(float(samples[outside + 1]) if outside + 1 < len(samples) else tca, tca)
    return t, max(float(samples[outside - 1]) if outside else tca, tca)


def _excess(refiner: Refiner, i: np.ndarray, j: np.ndarray, t_s: np.ndarray) -> np.ndarray:
    """|dr|^2 - D^2 [km^2], infinite where SGP4 fails; host array."""
    excess = np.empty(len(t_s))
    for s, _, rel, bad in refiner.on_host(i, j, t_s):
        excess[s] = np.where(bad, np.inf, dot(rel[:3], rel[:3]) - refiner.plan.threshold_km**2)
    return excess


def _crossing(refiner: Refiner, i: np.ndarray, j: np.ndarray, *, outside: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Bisect the crossing between a time outside and a time inside the sphere to below a microsecond."""
    outside, inside = outside.copy(), inside.copy()
    for _ in range(28):
        if not np.any(np.abs(outside - inside) > 5e-7):
            break
        middle = 0.5 * (outside + inside)
        out = _excess(refiner, i, j, middle) >= 0.0
        outside, inside = np.where(out, middle, outside), np.where(out, inside, middle)
    return inside
