"""When a pair enters and leaves the threshold sphere around a minimum of distance.

Fast pairs cross it on a chord: plus and minus sqrt(D^2 - d^2) / v around TCA. Slow pairs (docked, formation,
co-orbital) may stay inside for hours: their distance is sampled over the window and the crossings are bisected.
"""

from __future__ import annotations

import numpy as np

from stmgpu.screen.plan import Plan
from stmgpu.screen.refine import Refiner, dot

SLOW, ENTRY_BEFORE_START, EXIT_AFTER_END = 1, 8, 16

SAMPLE_S = 60.0
"""Sampling of a slow pair's distance [s]: a shorter excursion out of the sphere is not noticed."""

_SAMPLES_AT_ONCE = 400_000


def entry_exit(refiner: Refiner, plan: Plan, first: np.ndarray, second: np.ndarray, tca_s: np.ndarray,
               miss_km: np.ndarray, speed_km_s: np.ndarray,
               slow: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Entry and exit times of the threshold sphere.

    Parameters
    ----------
    refiner, plan
        of the run.
    first, second, tca_s, miss_km, speed_km_s
        events [m]: internal objects, time of the minimum [s after start], distance [km], relative speed [km/s].
    slow
        which events to follow through the window [m] bool.

    Returns
    -------
    entry [s after start], exit [s after start], flags (:data:`ENTRY_BEFORE_START`, :data:`EXIT_AFTER_END`), each [m].
    A slow pair that is inside at an end of the window gets that end and the flag.
    """
    chord = np.sqrt(np.maximum(plan.threshold_km**2 - miss_km**2, 0.0)) / np.maximum(speed_km_s, 1e-12)
    entry, leave, flags = tca_s - chord, tca_s + chord, np.zeros(len(tca_s), np.int32)
    events = np.flatnonzero(slow)
    if len(events) == 0:
        return entry, leave, flags
    samples = np.append(np.arange(0.0, plan.duration_s, SAMPLE_S), plan.duration_s)
    pairs, member = np.unique(np.stack([first[events], second[events]]), axis=1, return_inverse=True)
    member = member.reshape(-1)
    low, high = np.empty((2, len(events))), np.empty((2, len(events)))
    by_pair = np.argsort(member, kind="stable")
    begin = np.searchsorted(member, np.arange(pairs.shape[1] + 1), sorter=by_pair)
    per_chunk = max(1, _SAMPLES_AT_ONCE // len(samples))
    for k in range(0, pairs.shape[1], per_chunk):
        i, j = pairs[:, k : k + per_chunk]
        inside = _excess(refiner, plan, np.repeat(i, len(samples)), np.repeat(j, len(samples)),
                         np.tile(samples, len(i))).reshape(len(i), -1) < 0.0
        for e in by_pair[begin[k] : begin[k + len(i)]]:
            tca, within = tca_s[events[e]], inside[member[e] - k]
            at = int(np.searchsorted(samples, tca, side="right"))          # samples[at - 1] <= tca < samples[at]
            before, after = np.flatnonzero(~within[:at]), np.flatnonzero(~within[at:])
            low[:, e] = _bracket(samples, int(before[-1]), tca) if len(before) else (0.0, 0.0)
            high[:, e] = _bracket(samples, at + int(after[0]), tca) if len(after) else (plan.duration_s,) * 2
    i, j = first[events], second[events]
    entry[events] = _crossing(refiner, plan, i, j, low[0], low[1])
    leave[events] = _crossing(refiner, plan, i, j, high[0], high[1])
    flags[events] |= np.where(low[0] == low[1], ENTRY_BEFORE_START, 0).astype(np.int32)
    flags[events] |= np.where(high[0] == high[1], EXIT_AFTER_END, 0).astype(np.int32)
    return entry, leave, flags


def _bracket(samples: np.ndarray, outside: int, tca: float) -> tuple[float, float]:
    """(a time outside the sphere, a time inside it next to that one): the next sample towards ``tca``, or ``tca``."""
    t = float(samples[outside])
    if t <= tca:
        return t, min(float(samples[outside + 1]) if outside + 1 < len(samples) else tca, tca)
    return t, max(float(samples[outside - 1]) if outside else tca, tca)


def _excess(refiner: Refiner, plan: Plan, i: np.ndarray, j: np.ndarray, t_s: np.ndarray) -> np.ndarray:
    """|dr|^2 - D^2 [km^2], infinite where SGP4 fails; host array."""
    excess = np.empty(len(t_s))
    for s, _, rel, bad in refiner.on_host(i, j, t_s):
        excess[s] = np.where(bad, np.inf, dot(rel[:3], rel[:3]) - plan.threshold_km**2)
    return excess


def _crossing(refiner: Refiner, plan: Plan, i: np.ndarray, j: np.ndarray, outside: np.ndarray,
              inside: np.ndarray) -> np.ndarray:
    """Bisect the crossing between a time outside and a time inside the sphere to below a microsecond."""
    outside, inside = outside.copy(), inside.copy()
    for _ in range(28):
        if not np.any(np.abs(outside - inside) > 5e-7):
            break
        middle = 0.5 * (outside + inside)
        out = _excess(refiner, plan, i, j, middle) >= 0.0
        outside, inside = np.where(out, middle, outside), np.where(out, inside, middle)
    return inside
