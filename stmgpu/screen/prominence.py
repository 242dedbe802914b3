"""Discard minima shallower than 1 mm: rounding noise in co-orbital pairs.

Positions are accurate to about a micrometre. Where the distance of two co-orbital objects is constant to that
precision, the sign of its rate is noise, and every change of sign looks like a minimum. A minimum therefore counts only
if the distance rises by :data:`PROMINENCE_KM` before a deeper one (its topographic prominence); of shallower ones the
deepest is kept.
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
"""Least prominence of a minimum [km]: a thousand times the noise of positions, far below the accuracy of elements."""

_SAMPLES = 32
_ZOOMS = 4  # 32^4: from a day to a tenth of a second
_GAPS_AT_ONCE = 8192


def drop_shallow(followed: Followed, events: Encounters) -> Encounters:
    """Drop the shallow minima of slow pairs.

    Parameters
    ----------
    followed : Followed
        Objects of all slow pairs.
    events : Encounters
        Sorted by pair and time, without duplicates.

    Returns
    -------
    Encounters
        The other events, in the same order.
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
    """Largest distance [km] between each event and ``until_s``, refined where the prominence is undecided.

    A maximum close to a minimum (or to the end of the window) may lie between two samples: where no sample exceeds the
    higher minimum by :data:`PROMINENCE_KM`, the search zooms in around the largest sample.
    """
    highest = np.zeros(len(events))
    i, j = followed.internal(events.first), followed.internal(events.second)
    low, high = events.tca_s.copy(), until_s.copy()
    pending = np.arange(len(events))
    for _ in range(_ZOOMS):
        t = np.linspace(low[pending], high[pending], _SAMPLES + 2, axis=1)
        distance = _distance(
            followed.refiner, np.repeat(i[pending], _SAMPLES + 2), np.repeat(j[pending], _SAMPLES + 2), t.reshape(-1)
        ).reshape(t.shape)
        at, every = distance.argmax(axis=1), np.arange(len(pending))
        highest[pending] = np.maximum(highest[pending], distance[every, at])
        low[pending], high[pending] = t[every, np.maximum(at - 1, 0)], t[every, np.minimum(at + 1, _SAMPLES + 1)]
        pending = pending[highest[pending] - higher_km[pending] < PROMINENCE_KM]
        if len(pending) == 0:
            break
    return highest


def _distance(refiner: Refiner, i: np.ndarray, j: np.ndarray, t_s: np.ndarray) -> np.ndarray:
    """Distances [km], host array; infinite where SGP4 fails."""
    distance = np.empty(len(t_s))
    for s, _, rel, bad in refiner.on_host(i, j, t_s):
        distance[s] = np.where(bad, np.inf, np.sqrt(dot(rel[:3], rel[:3])))
    return distance
