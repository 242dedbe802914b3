"""States that are too close to their neighbours to be interpolated through.

Two states 0.1 s apart in a table of minutes say nothing about the path between the minutes, but their rounding, divided
by 0.1 s, tilts it. Event finders write such pairs at the ends of burns and at crossings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from stmgpu.typing import Bools, Ints

RATIO = 8
"""Largest ratio of two successive steps that is kept."""


def kept_samples(time_ns: Ints) -> Bools:
    """Samples that remain when no step is less than an eighth of the one before or after it.

    Steps may still change from minutes to seconds, but by a factor of eight at a time: of a stretch of seconds beside
    minutes, the states in the first few seconds are left out. The first and the last sample always remain.

    Parameters
    ----------
    time_ns : int64, shape (n,)
        Times of the samples, strictly rising [ns].

    Returns
    -------
    ndarray of bool, shape (n,)
        True for those that are kept.

    Examples
    --------
    >>> kept_samples(np.array([0, 60, 60.1, 120, 180]) * 10**9).tolist()
    [True, True, False, True, True]
    """
    step = np.diff(time_ns)
    keep = np.ones(len(time_ns), bool)
    if len(step) < 2 or not ((step[1:] > RATIO * step[:-1]) | (step[:-1] > RATIO * step[1:])).any():
        return keep
    times: list[int] = np.asarray(time_ns).tolist()
    order, before = list(range(len(times))), 0
    while len(order) != before:
        before = len(order)
        order = _graded(_graded(order, times)[::-1], [-time for time in times])[::-1]
    keep[:] = False
    keep[order] = True
    return keep


def _graded(order: list[int], times: list[int]) -> list[int]:
    """Samples, in an order of rising time, without those less than an eighth of the step before after the last."""
    kept = order[:1]
    for k in order[1:-1]:
        if len(kept) < 2 or RATIO * (times[k] - times[kept[-1]]) >= times[kept[-1]] - times[kept[-2]]:
            kept.append(k)
    end = order[-1]
    while len(kept) > 1 and RATIO * (times[end] - times[kept[-1]]) < times[kept[-1]] - times[kept[-2]]:
        kept.pop()
    return [*kept, end]
