"""Minima that are minima: what rounding makes of a pair whose distance stands still is one event, not hundreds.

Positions are good to about a micrometre. Where two co-orbital objects keep their distance to that precision, the sign
of its rate is noise and every change of sign looks like a minimum. A minimum therefore counts only if the distance
rises by :data:`PROMINENCE_KM` before a deeper one comes (its topographic prominence); of shallower ones the deepest
stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.constants import SLOW_PAIR_KM_S
from stmgpu.screen.vectors import dot

if TYPE_CHECKING:
    from stmgpu.screen.encounters import Encounters, Followed
    from stmgpu.screen.refine import Refiner

PROMINENCE_KM = 1e-6
"""A millimetre: a thousand times the noise of positions, far below anything an element set can tell."""

_SAMPLES = 32
_ZOOMS = 4  # 32^4: from a day to a tenth of a second
_GAPS_AT_ONCE = 8192


def drop_shallow(followed: Followed, events: Encounters) -> Encounters:
    """Events without the shallow minima of slow pairs.

    Parameters
    ----------
    followed
        the objects of all slow pairs.
    events
        sorted by pair and time, without duplicates.
    """
    same = (np.diff(events.first) == 0) & (np.diff(events.second) == 0)
    speed, distance = events.speed_km_s, events.miss_km
    gaps = np.flatnonzero(same & (speed[:-1] < SLOW_PAIR_KM_S) & (speed[1:] < SLOW_PAIR_KM_S))
    if len(gaps) == 0:
        return events
    saddle = np.full(len(events), np.inf)  # height between an event and the next of its pair
    for k in range(0, len(gaps), _GAPS_AT_ONCE):
        g = gaps[k : k + _GAPS_AT_ONCE]
        saddle[g] = _highest(followed, events[g], events.tca_s[g + 1], np.maximum(distance[g], distance[g + 1]))
    keep = np.ones(len(events), bool)
    current, height = -1, np.inf
    for k in np.union1d(gaps, gaps + 1).tolist():
        if current >= 0 and height - max(distance[current], distance[k]) < PROMINENCE_KM:
            if distance[k] < distance[current]:
                keep[current], current, height = False, k, saddle[k]
            else:
                keep[k], height = False, max(height, saddle[k])
        else:
            current, height = k, saddle[k]
    return events[keep]


def _highest(followed: Followed, events: Encounters, until_s: np.ndarray, higher_km: np.ndarray) -> np.ndarray:
    """Largest distance [km] between each event and ``until_s``, closely wherever it matters.

    The rise to a minimum that stands just behind a maximum (or to the window's end) is narrower than the samples: where
    they do not find :data:`PROMINENCE_KM` above the higher minimum, they zoom in around the largest of them.
    """
    highest = np.zeros(len(events))
    i, j = followed.internal(events.first), followed.internal(events.second)
    low, high = events.tca_s.copy(), until_s.copy()
    open_ = np.arange(len(events))
    for _ in range(_ZOOMS):
        t = np.linspace(low[open_], high[open_], _SAMPLES + 2, axis=1)
        distance = _distance(
            followed.refiner, np.repeat(i[open_], _SAMPLES + 2), np.repeat(j[open_], _SAMPLES + 2), t.reshape(-1)
        ).reshape(t.shape)
        at, every = distance.argmax(axis=1), np.arange(len(open_))
        highest[open_] = np.maximum(highest[open_], distance[every, at])
        low[open_], high[open_] = t[every, np.maximum(at - 1, 0)], t[every, np.minimum(at + 1, _SAMPLES + 1)]
        open_ = open_[highest[open_] - higher_km[open_] < PROMINENCE_KM]
        if len(open_) == 0:
            break
    return highest


def _distance(refiner: Refiner, i: np.ndarray, j: np.ndarray, t_s: np.ndarray) -> np.ndarray:
    """Distances [km], host array; infinite where SGP4 fails."""
    distance = np.empty(len(t_s))
    for s, _, rel, bad in refiner.on_host(i, j, t_s):
        distance[s] = np.where(bad, np.inf, np.sqrt(dot(rel[:3], rel[:3])))
    return distance
