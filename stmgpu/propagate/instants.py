"""Instants of a screening: seconds after a midnight (UTC), in whole ticks.

A float64 number of seconds rounds differently when it is counted from another instant, and everything computed from it
follows in the last digits. Ticks are a power of two and every midnight is a whole tick, so that an instant is exact
whatever day it is counted from, as long as it lies less than `REACH_DAYS` from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stmgpu.constants import SECONDS_PER_DAY
from stmgpu.time import NS_PER_SECOND

if TYPE_CHECKING:
    from types import ModuleType

    from stmgpu.typing import BackendArray, Floats, Ints

_TICKS_PER_S = 2.0**30

TICK_S = 1.0 / _TICKS_PER_S
"""Resolution of instants [s]: 0.93 ns, the resolution of the results (datetime64[ns])."""

REACH_DAYS = 2.0**23 / SECONDS_PER_DAY
"""Days around a midnight within which seconds in whole ticks are exact in float64: 97."""


def in_ticks(xp: ModuleType, t_s: BackendArray) -> BackendArray:
    """Times rounded to whole ticks [s]."""
    rounded: BackendArray = xp.rint(t_s * _TICKS_PER_S) * TICK_S
    return rounded


def seconds_of_day(fraction: float) -> float:
    """Seconds since midnight of a fraction of the day, in whole ticks [s]."""
    return float(np.rint(fraction * SECONDS_PER_DAY * _TICKS_PER_S)) * TICK_S


def seconds_of_ns(ns: Ints) -> Floats:
    """Whole nanoseconds as seconds in whole ticks [s]; nanoseconds that differ by whole seconds round alike."""
    seconds, rest = np.divmod(np.asarray(ns, np.int64), NS_PER_SECOND)
    return np.asarray(seconds + np.rint(rest * (_TICKS_PER_S / NS_PER_SECOND)) * TICK_S, np.float64)
